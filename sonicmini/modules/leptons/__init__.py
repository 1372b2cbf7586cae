"""Muons, electrons and photons."""
