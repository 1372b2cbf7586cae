"""Jets."""

from sonicmini.io.miniaod.parts import integer, p4, real
from sonicmini.io.schema import Collection

JET = Collection(
    "Jet",
    "anti-kT jets, R = 0.4, of PUPPI-weighted candidates (CMS: slimmedJetsPuppi), uncorrected",
    "jagged",
    (
        *p4("transverse momentum", 16),
        real("chHEF", "", "charged hadron energy fraction", 10),
        real("neHEF", "", "neutral hadron energy fraction, HF included", 10),
        real("chEmEF", "", "electron energy fraction", 10),
        real("neEmEF", "", "photon energy fraction, HF included", 10),
        real("muEF", "", "muon energy fraction", 10),
        real("hfHEF", "", "energy fraction of hadronic HF candidates", 10),
        real("hfEmEF", "", "energy fraction of electromagnetic HF candidates", 10),
        integer("nConstituents", "constituents, each with weight above 0"),
        integer("chMultiplicity", "charged constituents"),
        integer("neMultiplicity", "neutral constituents"),
        integer("nElectrons", "constituents identified as electrons", "uint8"),
        integer("nMuons", "constituents identified as muons", "uint8"),
    ),
)

JET_PFCAND = Collection(
    "JetPFCand",
    "constituents of jets: one entry for each pair of jet and candidate",
    "jagged",
    (integer("jetIdx", "jet in Jet"), integer("pfCandIdx", "candidate in PFCand")),
)

RHO = Collection(
    "Rho",
    "median density of transverse momentum in the cells of a grid (CMS: fixedGridRho...)",
    "single",
    (
        real("fixedGridRhoAll", "GeV", "all candidates, cells of 0.6 in pseudorapidity", 12),
        real("fixedGridRhoFastjetAll", "GeV", "all candidates, rapidity to 5", 12),
        real("fixedGridRhoFastjetCentral", "GeV", "all candidates, rapidity to 2.5", 12),
        real("fixedGridRhoFastjetCentralNeutral", "GeV", "photons and neutral hadrons", 12),
        real("fixedGridRhoFastjetCentralChargedPileUp", "GeV", "charged hadrons from pileup", 12),
    ),
)

COLLECTIONS = (JET, JET_PFCAND, RHO)
