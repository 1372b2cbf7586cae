"""Hadronic taus."""
