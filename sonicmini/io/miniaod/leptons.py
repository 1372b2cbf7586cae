"""Leptons and photons.

What the input has of them, with indices that point into the output, and NanoAOD's columns. Bits
are NanoAOD's where it rounds.
"""

from sonicmini.io.miniaod.parts import integer, real
from sonicmini.io.schema import AOD, Branch, Collection


def _given(product: str, *names: str) -> tuple[Branch, ...]:
    """The input's branches less some."""
    return tuple(branch for branch in AOD[product].branches if branch.name not in names)


_IMPACT = (
    real("dxy", "cm", "signed transverse impact parameter with respect to PV 0", 10),
    real("dxyErr", "cm", "its error, that of the vertex included; -1 without track", 8),
    real("dz", "cm", "longitudinal impact parameter with respect to PV 0", 10),
    real("dzErr", "cm", "its error, that of the vertex included; -1 without track", 8),
    real("ip3d", "cm", "distance to PV 0 in space, -1 without track", 10),
    real("sip3d", "", "the same over its error, -1 without track", 10),
)
_MINI = (
    real("miniPFRelIso_chg", "", "mini-isolation over pT, charged hadrons of PV 0", 10),
    real("miniPFRelIso_all", "", "the same, all, less rho times effective area", 10),
)
_CANDIDATE = integer("pfCandIdx", "candidate in PFCand, -1 for none")


def _pf(correction: str) -> tuple[Branch, ...]:
    return (
        real("pfRelIso03_chg", "", "isolation over pT, R = 0.3, charged hadrons of PV 0", 10),
        real("pfRelIso03_all", "", f"the same, all, less {correction}", 10),
    )


def _puppi(radius: float) -> tuple[Branch, ...]:
    names = {"ChargedHadron": "charged hadrons", "NeutralHadron": "neutral hadrons"}
    return tuple(
        real(f"puppi{name}Iso", "GeV", f"PUPPI-weighted {title} within R = {radius}", 10)
        for name, title in (names | {"Photon": "photons"}).items()
    )


SLIMMED_MUON = Collection(
    "SlimmedMuon",
    "muons (CMS: slimmedMuons) by falling pT",
    "jagged",
    (
        *_given("Muon", "trackIdx", "pfCandIdx"),
        integer("pdgId", "-13 times charge"),
        *_IMPACT,
        real("dxybs", "cm", "signed transverse impact parameter, beam spot; 0 without track", 10),
        real("ptErr", "GeV", "error of pT of the inner track, -1 without", 8),
        integer("tightCharge", "2 if ptErr / pt < 0.2", "uint8"),
        integer("nTrackerLayers", "tracker layers with a hit", "uint8"),
        integer("nPixelLayers", "pixel layers with a hit", "uint8"),
        integer("nPixelHits", "valid pixel hits", "uint8"),
        integer("highPurity", "the inner track passes the high-purity selection", "bool"),
        *_pf("half of charged pileup"),
        real("pfRelIso04_all", "", "the same, R = 0.4", 10),
        *_MINI,
        *_puppi(0.4),
        real("puppiRelIso04", "", "PUPPI isolation over pT, R = 0.4, mean of both weights", 10),
        real("tkRelIso", "", "isolation over pT, R = 0.3, tracks", 10),
        integer("looseId", "loose", "bool"),
        integer("mediumId", "medium", "bool"),
        integer("mediumPromptId", "medium, with cuts on the impact parameters", "bool"),
        integer("tightId", "tight", "bool"),
        integer("softId", "soft", "bool"),
        integer("highPtId", "1 tracker high-pT, 2 global high-pT", "uint8"),
        integer("pfIsoId", "0 none, 1 very loose to 6 very very tight, pfRelIso04_all", "uint8"),
        integer("miniIsoId", "0 none, 1 loose to 4 very tight", "uint8"),
        integer("tkIsoId", "0 none, 1 loose, 2 tight", "uint8"),
        integer("puppiIsoId", "0 none, 1 loose, 2 medium, 3 tight", "uint8"),
        _CANDIDATE,
    ),
    prefix="Muon",
)

SLIMMED_ELECTRON = Collection(
    "SlimmedElectron",
    "electrons (CMS: slimmedElectrons) by falling pT; below 5 GeV without shapes and isolation",
    "jagged",
    (
        *_given("Electron", "trackIdx", "pfCandIdx"),
        integer("pdgId", "-11 times charge"),
        integer("isPFcand", "identified by particle flow", "bool"),
        real("deltaEtaSC", "", "eta of the supercluster less eta", 10),
        real("scEtOverPt", "", "transverse energy of the supercluster over pt, less 1", 8),
        *_IMPACT,
        *_pf("rho times effective area"),
        *_MINI,
        *_puppi(0.3),
        real("dr03TkSumPt", "GeV", "tracks within R = 0.3", 10),
        integer("cutBased", "Fall17 V2: 0 fail, 1 veto, 2 loose, 3 medium, 4 tight", "uint8"),
        _CANDIDATE,
        integer("photonIdx", "photon in Photon of the same supercluster, -1 for none"),
    ),
    prefix="Electron",
)

SLIMMED_PHOTON = Collection(
    "SlimmedPhoton",
    "photons (CMS: slimmedPhotons) by falling pT",
    "jagged",
    (
        *_given("Photon", "pfCandIdx", "mass"),
        integer("pdgId", "22"),
        integer("isScEtaEB", "supercluster in the barrel", "bool"),
        integer("isScEtaEE", "supercluster in an endcap", "bool"),
        *_pf("rho times effective area"),
        real("pfChargedIso", "GeV", "charged hadrons within R = 0.3, corrected for pileup", 10),
        real("pfNeutralIso", "GeV", "neutral hadrons within R = 0.3, corrected for pileup", 10),
        real("pfPhoIso03", "GeV", "photons within R = 0.3, corrected for pileup", 10),
        *_puppi(0.3),
        integer("cutBased", "Fall17 V2: 0 fail, 1 loose, 2 medium, 3 tight", "uint8"),
        _CANDIDATE,
        integer("electronIdx", "electron in Electron of the same supercluster, -1 for none"),
    ),
    prefix="Photon",
)

COLLECTIONS = (SLIMMED_MUON, SLIMMED_ELECTRON, SLIMMED_PHOTON)
