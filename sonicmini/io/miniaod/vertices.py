"""Vertices."""

from dataclasses import replace

from sonicmini.io.miniaod.parts import integer, p4, real
from sonicmini.io.schema import AOD, PV, Collection

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

_POSITION = (
    real("x", "cm", "vertex x", 16),
    real("y", "cm", "vertex y", 16),
    real("z", "cm", "vertex z", 16),
)

_FLIGHT = (
    real("dlen", "cm", "flight length from PV 0", 10),
    real("dlenSig", "", "the same over its error", 10),
    real("dxy", "cm", "flight length across the beam", 10),
    real("dxySig", "", "the same over its error", 10),
    real("pAngle", "rad", "angle between the momentum and the flight", 10),
)

_COVARIANCE = tuple(branch for branch in PV.branches if branch.name.startswith("cov"))

SV = Collection(
    "SV",
    "secondary vertices of the inclusive vertex finder (CMS: slimmedSecondaryVertices)",
    "jagged",
    (
        *p4("transverse momentum of the tracks as pions", 12),
        integer("charge", "sum of the charges of the tracks"),
        integer("ntracks", "tracks", "uint8"),
        *_POSITION,
        *_COVARIANCE,
        real("chi2", "", "chi2 of the fit over its degrees of freedom, -1 without any", 8),
        real("ndof", "", "degrees of freedom, twice the sum of track weights less 3", 8),
        *_FLIGHT,
    ),
)

SV_PFCAND = Collection(
    "SVPFCand",
    "tracks of secondary vertices: one entry for each pair of vertex and candidate",
    "jagged",
    (integer("svIdx", "vertex in SV"), integer("pfCandIdx", "candidate in PFCand")),
)

SLIMMED_V0 = Collection(
    "SlimmedV0",
    "K0s and Lambda candidates (CMS: slimmedKshortVertices, slimmedLambdaVertices)",
    "jagged",
    (
        *(branch for branch in AOD["V0"].branches if not branch.name.startswith("trackIdx")),
        *_FLIGHT,
        integer("pfCandIdx1", "candidate of the positive track in PFCand, -1 for none"),
        integer("pfCandIdx2", "candidate of the negative track in PFCand, -1 for none"),
    ),
    prefix="V0",
)

COLLECTIONS = (SLIMMED_PV, SV, SV_PFCAND, SLIMMED_V0)
