"""Vertices."""

from dataclasses import replace

from sonicmini.io.miniaod.parts import real, without
from sonicmini.io.schema import PV, Collection

SLIMMED_PV = Collection(
    "SlimmedPV",
    "primary vertices (CMS: offlineSlimmedPrimaryVertices), highest score first",
    "jagged",
    (
        *(replace(branch, bits=None) for branch in PV.branches),
        real("score", "GeV2", "sum of squared pT of clustered charged candidates and leptons", 10),
    ),
    prefix="PV",
)

COLLECTIONS = (SLIMMED_PV, without("V0", "trackIdx1", "trackIdx2"))
