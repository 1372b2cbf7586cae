"""Missing transverse momentum."""
