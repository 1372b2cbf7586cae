"""Candidates and tracks as Mini-AOD keeps them."""
