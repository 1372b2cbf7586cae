"""Pileup per particle identification."""
