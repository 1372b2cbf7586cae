"""Jets."""

from sonicmini.io.miniaod.parts import integer, p4, real
from sonicmini.io.schema import Branch, Collection

_COMPOSITION = (
    real("chHEF", "", "charged hadron energy fraction", 8),
    real("neHEF", "", "neutral hadron energy fraction, HF included", 8),
    real("chEmEF", "", "electron energy fraction", 8),
    real("neEmEF", "", "photon energy fraction, HF included", 8),
    real("muEF", "", "muon energy fraction", 8),
    real("hfHEF", "", "energy fraction of hadronic HF candidates", 8),
    real("hfEmEF", "", "energy fraction of electromagnetic HF candidates", 8),
    integer("nConstituents", "constituents"),
    integer("chMultiplicity", "charged constituents"),
    integer("neMultiplicity", "neutral constituents"),
    integer("nElectrons", "constituents identified as electrons", "uint8"),
    integer("nMuons", "constituents identified as muons", "uint8"),
    integer("jetId", "bit 1 tight, bit 2 tight with lepton veto", "uint8"),
    real("jetCharge", "", "mean charge of the charged constituents, by pT", 8),
)
_PUPPI = (
    real("puppiMultiplicity", "", "sum of the PUPPI weights of the constituents", 8),
    real("neutralPuppiMultiplicity", "", "the same of neutral ones", 8),
)
_PILEUP_ID = (
    real("puId_beta", "", "charged pT within 0.2 cm of PV 0 over all charged pT", 8),
    real("puId_dR2Mean", "", "mean square distance from the axis, by pT2", 8),
    *(
        real(f"puId_frac0{i}", "", f"pT from {(i - 1) / 10} to {i / 10} of the axis", 8)
        for i in (1, 2, 3, 4)
    ),
    real("puId_majW", "", "width along the major axis, by pT2", 8),
    real("puId_minW", "", "width along the minor axis, by pT2", 8),
    real("puId_pull", "", "length of the pull vector", 8),
    real("puId_jetR", "", "largest pT of a constituent over the sum", 8),
    real("puId_jetRchg", "", "the same of charged constituents", 8),
)


def _jets(product: str, title: str, *extra: Branch) -> Collection:
    branches = (
        *p4("corrected transverse momentum", 12),
        real("rawFactor", "", "1 - factor to the uncorrected momentum", 10),
        real("area", "", "active area", 10),
        *_COMPOSITION,
        *extra,
    )
    return Collection(product, title, "jagged", branches)


def _links(jets: str) -> Collection:
    return Collection(
        f"{jets}PFCand",
        f"constituents of {jets}: one entry for each pair of jet and candidate",
        "jagged",
        (integer("jetIdx", f"jet in {jets}"), integer("pfCandIdx", "candidate in PFCand")),
    )


JET_CHS = _jets(
    "JetCHS",
    "anti-kT jets, R = 0.4, after charged-hadron subtraction (CMS: slimmedJets), corrected",
    *_PILEUP_ID,
)
JET = _jets(
    "Jet",
    "anti-kT jets, R = 0.4, of PUPPI-weighted candidates (CMS: slimmedJetsPuppi), corrected",
    *_PUPPI,
)
FAT_JET = _jets(
    "FatJet",
    "anti-kT jets, R = 0.8, of PUPPI-weighted candidates (CMS: slimmedJetsAK8), corrected",
    *_PUPPI,
)

JET_LEPTONS = Collection(
    "JetLeptons",
    "leptons among the constituents of Jet",
    "jagged",
    tuple(
        integer(f"{lepton}Idx{k}", f"{order} one in {lepton.capitalize()}, -1 for none")
        for lepton in ("muon", "electron")
        for k, order in ((1, "first"), (2, "second"))
    ),
    prefix="Jet",
)


def _jet_of(lepton: str) -> Collection:
    branches = (integer("jetIdx", "jet in Jet that it is a constituent of, -1 for none"),)
    return Collection(f"{lepton}Jet", f"jet of {lepton}", "jagged", branches, prefix=lepton)


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

COLLECTIONS = (
    JET_CHS,
    _links("JetCHS"),
    JET,
    _links("Jet"),
    FAT_JET,
    _links("FatJet"),
    JET_LEPTONS,
    _jet_of("Muon"),
    _jet_of("Electron"),
    RHO,
)
