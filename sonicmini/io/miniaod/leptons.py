"""Leptons and photons."""

from sonicmini.io.miniaod.parts import without

COLLECTIONS = (
    without("Muon", "trackIdx", "pfCandIdx"),
    without("Electron", "trackIdx", "pfCandIdx"),
    without("Photon", "pfCandIdx", "mass"),
)
