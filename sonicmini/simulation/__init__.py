"""Simulated AOD-like samples: Pythia 8, pileup, a parametric detector."""
