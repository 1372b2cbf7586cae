"""The Mini-AOD output: every collection and branch with type, unit and title.

Built from the same classes as the input's table. Names are NanoAOD's where it has one; a product
whose name says how it was made is stored under NanoAOD's prefix (``PackedPFCand`` as ``PFCand``).
Collections that no module changes yet are those of the input's table, without the indices into
collections that are not written or are written in another order.

Values of ``PFCand`` have gone through CMS's packing (``modules/packing.py``) already, so that what
the modules see is what the file holds: ``bits`` truncates nothing further.
"""

from dataclasses import replace

from sonicmini.io.schema import AOD, PV, TRACK, Branch, Collection, DType

MINIAOD_FORMAT = ("sonicmini-miniaod", 1)
"""Name and version of the output format."""


def _f(name: str, unit: str, title: str, bits: int | None = None) -> Branch:
    return Branch(name, "float32", unit, title, bits)


def _i(name: str, title: str, dtype: DType = "int16") -> Branch:
    return Branch(name, dtype, "", title)


def _without(product: str, *names: str) -> Collection:
    """The input's collection less some branches."""
    collection = AOD[product]
    kept = tuple(branch for branch in collection.branches if branch.name not in names)
    return replace(collection, branches=kept)


def _p4(pt: str, bits: int | None) -> tuple[Branch, ...]:
    return (
        _f("pt", "GeV", pt, bits),
        _f("eta", "", "pseudorapidity", bits),
        _f("phi", "rad", "azimuth", bits),
        _f("mass", "GeV", "mass", bits),
    )


SLIMMED_PV = Collection(
    "SlimmedPV",
    "primary vertices (CMS: offlineSlimmedPrimaryVertices), highest score first",
    "jagged",
    (
        *(replace(branch, bits=None) for branch in PV.branches),
        _f("score", "GeV2", "sum of squared pT of clustered charged candidates and leptons", 10),
    ),
    prefix="PV",
)

_COVARIANCE = tuple(
    replace(branch, bits=None, title=f"{branch.title}, packed; 0 without track details")
    for branch in TRACK.branches
    if branch.name.startswith("cov")
)

PACKED_PFCAND = Collection(
    "PackedPFCand",
    "particle-flow candidates (CMS: packedPFCandidates), in CMS's order",
    "jagged",
    (
        *_p4("transverse momentum", None),
        _i("pdgId", "211, 11, 13 and negative; 130, 22; 1 hadronic and 2 electromagnetic HF"),
        _i("charge", "electric charge"),
        _i("pvIdx", "associated vertex in PV, -1 for none"),
        _i("pvAssocQuality", "0 not reconstructed, 1 other, 4 b, 5 dz, 6 loose, 7 tight", "uint8"),
        _i(
            "fromPV",
            "0 used by another vertex, 1 loose, 2 tight, 3 used in the fit of PV 0",
            "uint8",
        ),
        _f("dxy", "cm", "transverse impact parameter with respect to the associated vertex"),
        _f("dxyErr", "cm", "error of dxy, -1 without track details"),
        _f("dz", "cm", "longitudinal impact parameter with respect to PV 0"),
        _f("dzErr", "cm", "error of dz, -1 without track details"),
        _f("dzAssociatedPV", "cm", "longitudinal impact parameter to the associated vertex"),
        _f("puppiWeight", "", "PUPPI weight"),
        _f("puppiWeightNoLep", "", "PUPPI weight without leptons"),
        _f("hcalFraction", "", "HCAL energy over ECAL and HCAL energy"),
        _f("caloFraction", "", "calorimeter energy over energy, charged candidates and photons"),
        _f("rawHcalFraction", "", "the same uncalibrated, isolated charged hadrons only"),
        _f("rawCaloFraction", "", "the same uncalibrated, isolated charged hadrons only"),
        _i("isIsolatedChargedHadron", "isolated in the calorimeters and pT > 3 GeV", "bool"),
        _i("isStandAloneMuon", "is a stand-alone muon", "bool"),
        _i("isGlobalMuon", "is a global muon", "bool"),
        _i(
            "lostInnerHits",
            "-1 hit in pixel layer 1, 0 none lost, 1 one, 2 more; neutral -1",
        ),
        _i("highPurity", "the track passes the high-purity selection", "bool"),
        _i("hasTrackDetails", "hits, chi2 and covariance of the track are kept", "bool"),
        _i("covarianceSchema", "8, 264 full without pixels, 520, 776 low quality; 0 electrons"),
        _i("nPixelLayers", "pixel layers with a hit, at most 7", "uint8"),
        _i("nStripLayers", "strip layers with a hit, at most 31", "uint8"),
        _i("nPixelHits", "valid pixel hits", "uint8"),
        _i("nHits", "valid hits", "uint8"),
        _i("normChi2", "chi2 over degrees of freedom of the track fit, truncated", "uint8"),
        _f("dTrkPt", "GeV", "pT of the track less pt, 0 below 0.001"),
        _f("dTrkEta", "", "pseudorapidity of the track less eta, 0 below 0.001"),
        _f("dTrkPhi", "rad", "azimuth of the track less phi"),
        *_COVARIANCE,
    ),
    prefix="PFCand",
)

JET = Collection(
    "Jet",
    "anti-kT jets, R = 0.4, of PUPPI-weighted candidates (CMS: slimmedJetsPuppi), uncorrected",
    "jagged",
    (
        *_p4("transverse momentum", 16),
        _f("chHEF", "", "charged hadron energy fraction", 10),
        _f("neHEF", "", "neutral hadron energy fraction, HF included", 10),
        _f("chEmEF", "", "electron energy fraction", 10),
        _f("neEmEF", "", "photon energy fraction, HF included", 10),
        _f("muEF", "", "muon energy fraction", 10),
        _f("hfHEF", "", "energy fraction of hadronic HF candidates", 10),
        _f("hfEmEF", "", "energy fraction of electromagnetic HF candidates", 10),
        _i("nConstituents", "constituents, each with weight above 0"),
        _i("chMultiplicity", "charged constituents"),
        _i("neMultiplicity", "neutral constituents"),
        _i("nElectrons", "constituents identified as electrons", "uint8"),
        _i("nMuons", "constituents identified as muons", "uint8"),
    ),
)

JET_PFCAND = Collection(
    "JetPFCand",
    "constituents of jets: one entry for each pair of jet and candidate",
    "jagged",
    (_i("jetIdx", "jet in Jet"), _i("pfCandIdx", "candidate in PFCand")),
)


def _met(product: str, title: str, *, sum_et: bool) -> Collection:
    branches = (_f("pt", "GeV", "missing transverse momentum", 16), _f("phi", "rad", "azimuth", 16))
    extra = (_f("sumEt", "GeV", "scalar sum of transverse energies", 16),) if sum_et else ()
    return Collection(product, title, "single", branches + extra)


MINIAOD: dict[str, Collection] = {
    collection.product: collection
    for collection in (
        AOD["run"],
        AOD["luminosityBlock"],
        AOD["event"],
        AOD["BeamSpot"],
        SLIMMED_PV,
        PACKED_PFCAND,
        JET,
        JET_PFCAND,
        _met("RawMET", "from all candidates, uncorrected", sum_et=True),
        _met("RawPuppiMET", "from candidates times PUPPI weight, uncorrected", sum_et=True),
        _met("DeepMETResolutionTune", "from the DeepMET network", sum_et=False),
        _without("Muon", "trackIdx", "pfCandIdx"),
        _without("Electron", "trackIdx", "pfCandIdx"),
        _without("Photon", "pfCandIdx", "mass"),
        _without("V0", "trackIdx1", "trackIdx2"),
        AOD["HLT"],
        AOD["TrigObj"],
        AOD["Pileup"],
        AOD["Generator"],
        AOD["GenPart"],
        Collection(
            "GenJet",
            "anti-kT jets, R = 0.4, of stable generated particles without neutrinos",
            "jagged",
            _p4("transverse momentum", 12),
        ),
        _met("GenMET", "transverse momentum of the neutrinos", sum_et=False),
    )
}
"""All collections of the output format, by product name."""
