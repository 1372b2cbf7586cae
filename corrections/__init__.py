"""Derivation of the jet energy corrections from the package's own simulation."""
