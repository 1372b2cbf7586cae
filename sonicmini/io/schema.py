"""The AOD-like input format, version 1: every collection and branch with type, unit and title.

One TTree ``Events`` with NanoAOD's conventions: ``nPFCand`` counts, ``PFCand_pt`` is jagged,
singletons (``BeamSpot_x``) have one value per event, bare branches (``run``) neither. A TTree
``Runs`` of one entry describes how the file was made. Truth appears only in ``GenPart``,
``Generator`` and ``Pileup``. Indices (``...Idx``) point into the collection that they name, -1 for
none. ``docs/aod-format.md`` is rendered from this table.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

FORMAT_NAME = "sonicmini-aod"
FORMAT_VERSION = 1

# No int8: ROOT's Python side takes it for text.
DType: TypeAlias = Literal["float32", "int32", "int16", "uint8", "uint32", "uint64", "bool"]
Kind: TypeAlias = Literal["jagged", "single", "bare"]


@dataclass(frozen=True)
class Branch:
    """One branch of a collection.

    Attributes:
        name: without the collection's prefix.
        bits: mantissa bits that carry information; the rest is zero in the file. None: all.
    """

    name: str
    dtype: DType
    unit: str
    title: str
    bits: int | None = None


@dataclass(frozen=True)
class Collection:
    """A product as it is stored: ``prefix_branch`` for each branch, ``nprefix`` if jagged.

    Attributes:
        product: its name in the chunk.
        prefix: its name in the file; the same unless the product's name says how it was made.
    """

    product: str
    title: str
    kind: Kind
    branches: tuple[Branch, ...]
    prefix: str = ""

    def __post_init__(self) -> None:
        if not self.prefix:
            object.__setattr__(self, "prefix", self.product)

    def branch_name(self, branch: Branch) -> str:
        """The branch's full name in the file."""
        return self.prefix if self.kind == "bare" else f"{self.prefix}_{branch.name}"

    @property
    def counter(self) -> str | None:
        """Name of the counter branch of a jagged collection."""
        return f"n{self.prefix}" if self.kind == "jagged" else None


def _f(name: str, unit: str, title: str, bits: int | None = None) -> Branch:
    return Branch(name, "float32", unit, title, bits)


def _i(name: str, title: str, dtype: DType = "int16") -> Branch:
    return Branch(name, dtype, "", title)


def _bare(name: str, dtype: DType, title: str) -> Collection:
    return Collection(name, title, "bare", (Branch(name, dtype, "", title),))


_P4 = (
    _f("pt", "GeV", "transverse momentum", 10),
    _f("eta", "", "pseudorapidity", 12),
    _f("phi", "rad", "azimuth", 12),
    _f("mass", "GeV", "mass", 10),
)

# Order of the helix parameters as in CMS: q/p, lambda, phi, dxy, dsz.
_TRACK_COVARIANCE = (
    _f("covQopQop", "1/GeV2", "variance of q/p", 4),
    _f("covLamLam", "rad2", "variance of lambda", 5),
    _f("covPhiPhi", "rad2", "variance of phi", 5),
    _f("covDxyDxy", "cm2", "variance of dxy", 7),
    _f("covDszDsz", "cm2", "variance of dsz", 7),
    _f("covDxyDsz", "cm2", "covariance of dxy and dsz", 4),
    _f("covPhiDxy", "rad cm", "covariance of phi and dxy", 4),
    _f("covLamDsz", "rad cm", "covariance of lambda and dsz", 4),
)

_STATIONS = (1, 2, 3, 4)
_MUON_STATIONS = tuple(
    _i(f"n{what}{system}{station}", f"{title} in {system} station {station}", "uint8")
    for what, title in (("Matches", "matched segments"), ("Hits", "valid hits"))
    for system in ("DT", "CSC", "RPC")
    for station in _STATIONS
)

PFCAND = Collection(
    "PFCand",
    "particle-flow candidates (CMS: particleFlow); charged ones have a track",
    "jagged",
    (
        *_P4,
        _i("pdgId", "211, 11, 13 and negative; 130, 22; 1 hadronic and 2 electromagnetic HF"),
        _i("charge", "electric charge"),
        _f("ecalEnergy", "GeV", "calibrated ECAL energy", 5),
        _f("hcalEnergy", "GeV", "calibrated HCAL energy", 5),
        _f("rawEcalEnergy", "GeV", "uncalibrated ECAL energy", 5),
        _f("rawHcalEnergy", "GeV", "uncalibrated HCAL energy", 5),
        _i("trackIdx", "its track in Track, -1 for neutral candidates"),
        _i(
            "isIsolatedChargedHadron", "particle flow found it isolated in the calorimeters", "bool"
        ),
    ),
)

TRACK = Collection(
    "Track",
    "tracks (CMS: generalTracks), those of PF candidates first; others are used by none",
    "jagged",
    (
        _f("pt", "GeV", "transverse momentum at the reference point", 11),
        _f("eta", "", "pseudorapidity at the reference point", 14),
        _f("phi", "rad", "azimuth at the reference point", 16),
        _i("charge", "electric charge"),
        _f("vx", "cm", "reference point (closest approach to the beam spot), x", 11),
        _f("vy", "cm", "reference point, y", 11),
        _f("vz", "cm", "reference point, z", 15),
        *_TRACK_COVARIANCE,
        _f("chi2", "", "chi2 of the track fit", 5),
        _i("ndof", "degrees of freedom of the track fit", "uint8"),
        _i("nValidHits", "valid hits", "uint8"),
        _i("nValidPixelHits", "valid pixel hits", "uint8"),
        _i("nPixelLayers", "pixel layers with a hit", "uint8"),
        _i("nStripLayers", "strip layers with a hit", "uint8"),
        _i("nLostInnerHits", "expected hits missing inside the first one", "uint8"),
        _i("hasHitInBPix1", "valid hit in the first pixel barrel layer", "bool"),
        _i("isHighPurity", "passes the high-purity selection", "bool"),
        _i("pvIdx", "vertex in PV of whose fit it has the largest weight, -1 for none"),
        _f("pvWeight", "", "its weight in that fit, 0 to 1", 5),
    ),
)

PV = Collection(
    "PV",
    "primary vertices (CMS: offlinePrimaryVertices), in the order of the vertex finder",
    "jagged",
    (
        _f("x", "cm", "position x", 20),
        _f("y", "cm", "position y", 20),
        _f("z", "cm", "position z", 20),
        _f("covXX", "cm2", "variance of x", 10),
        _f("covYY", "cm2", "variance of y", 10),
        _f("covZZ", "cm2", "variance of z", 10),
        _f("covXY", "cm2", "covariance of x and y", 10),
        _f("covXZ", "cm2", "covariance of x and z", 10),
        _f("covYZ", "cm2", "covariance of y and z", 10),
        _f("chi2", "", "chi2 of the fit", 10),
        _f("ndof", "", "degrees of freedom, twice the sum of track weights less 3", 12),
        _i("isFake", "made from the beam spot because no vertex was found", "bool"),
    ),
)

BEAM_SPOT = Collection(
    "BeamSpot",
    "luminous region",
    "single",
    (
        _f("x", "cm", "centre x"),
        _f("y", "cm", "centre y"),
        _f("z", "cm", "centre z"),
        _f("sigmaX", "cm", "width x"),
        _f("sigmaY", "cm", "width y"),
        _f("sigmaZ", "cm", "width z"),
    ),
)

MUON = Collection(
    "Muon",
    "reconstructed muons (CMS: muons)",
    "jagged",
    (
        *_P4,
        _i("charge", "electric charge"),
        _i("trackIdx", "inner track in Track, -1 for none"),
        _i("pfCandIdx", "particle-flow candidate in PFCand, -1 for none"),
        _i("isGlobal", "global muon", "bool"),
        _i("isTracker", "tracker muon", "bool"),
        _i("isStandalone", "stand-alone muon", "bool"),
        _i("isPFcand", "identified by particle flow", "bool"),
        _i("nStations", "muon stations with a matched segment", "uint8"),
        _f("normChi2", "", "chi2/ndof of the global fit, 0 if not global", 8),
        _f("segmentComp", "", "segment compatibility, 0 to 1", 8),
        _f("caloComp", "", "calorimeter compatibility, 0 to 1", 8),
        _f("trkKink", "", "kink of the inner track", 8),
        _f("chi2LocalPosition", "", "position match of inner and stand-alone track", 8),
        _f("ecalEnergy", "GeV", "ECAL energy in the cone of the muon", 8),
        _f("hcalEnergy", "GeV", "HCAL energy in the cone of the muon", 8),
        *_MUON_STATIONS,
    ),
)

ELECTRON = Collection(
    "Electron",
    "reconstructed electrons (CMS: gedGsfElectrons)",
    "jagged",
    (
        *_P4,
        _i("charge", "electric charge"),
        _i("trackIdx", "closest track in Track, -1 for none"),
        _i("pfCandIdx", "particle-flow candidate in PFCand, -1 for none"),
        _f("scEnergy", "GeV", "supercluster energy", 10),
        _f("scRawEnergy", "GeV", "uncorrected supercluster energy", 10),
        _f("scEta", "", "supercluster pseudorapidity", 12),
        _f("scPhi", "rad", "supercluster azimuth", 12),
        _f("sieie", "", "sigma i-eta i-eta, 5x5 cells", 8),
        _f("sipip", "", "sigma i-phi i-phi, 5x5 cells", 8),
        _f("r9", "", "energy of 3x3 cells over supercluster", 8),
        _f("hoe", "", "HCAL over ECAL energy", 8),
        _f("eInvMinusPInv", "1/GeV", "1/E - 1/p", 8),
        _f("deltaEtaInSC", "", "eta of supercluster less track extrapolated from vertex", 8),
        _f("deltaPhiInSC", "rad", "phi of supercluster less track extrapolated from vertex", 8),
        _f("fbrem", "", "fraction of momentum lost to bremsstrahlung", 8),
        _f("gsfPt", "GeV", "GSF track transverse momentum", 12),
        _f("gsfEta", "", "GSF track pseudorapidity", 14),
        _f("gsfPhi", "rad", "GSF track azimuth", 14),
        _f("gsfNormChi2", "", "GSF track chi2/ndof", 8),
        _f("energyErr", "GeV", "error of the track-cluster combination", 8),
        _i("lostHits", "missing inner hits", "uint8"),
        _i("convVeto", "passes the conversion veto", "bool"),
    ),
)

PHOTON = Collection(
    "Photon",
    "reconstructed photons (CMS: gedPhotons)",
    "jagged",
    (
        *_P4,
        _i("pfCandIdx", "particle-flow candidate in PFCand, -1 for none"),
        _f("scEnergy", "GeV", "supercluster energy", 10),
        _f("scEta", "", "supercluster pseudorapidity", 12),
        _f("scPhi", "rad", "supercluster azimuth", 12),
        _f("sieie", "", "sigma i-eta i-eta, 5x5 cells", 8),
        _f("r9", "", "energy of 3x3 cells over supercluster", 8),
        _f("hoe", "", "HCAL over ECAL energy", 8),
        _f("energyErr", "GeV", "error of the energy", 8),
        _i("electronVeto", "no electron track without missing hits points to it", "bool"),
        _i("pixelSeed", "has a pixel seed", "bool"),
    ),
)

V0 = Collection(
    "V0",
    "K0s and Lambda candidates from pairs of tracks (CMS: generalV0Candidates)",
    "jagged",
    (
        *_P4,
        _i("pdgId", "310, 3122 or -3122"),
        _f("x", "cm", "vertex x", 14),
        _f("y", "cm", "vertex y", 14),
        _f("z", "cm", "vertex z", 14),
        _f("chi2", "", "chi2 of the two-track vertex, one degree of freedom", 8),
        _i("trackIdx1", "positive track in Track"),
        _i("trackIdx2", "negative track in Track"),
    ),
)

HLT_PATHS: dict[str, str] = {
    "IsoMu24": "isolated muon, pT > 24 GeV",
    "Ele32_WPTight_Gsf": "electron, pT > 32 GeV",
    "Photon200": "photon, pT > 200 GeV",
    "PFJet500": "AK4 jet, pT > 500 GeV",
    "PFHT1050": "scalar sum of AK4 jets above 1050 GeV",
    "AK8PFJet400_TrimMass30": "AK8 jet, pT > 400 GeV, mass > 30 GeV",
    "PFMET120_PFMHT120_IDTight": "missing transverse momentum > 120 GeV",
    "DoubleMediumChargedIsoPFTau35": "two isolated narrow jets, pT > 35 GeV",
}

HLT = Collection(
    "HLT",
    "trigger decisions, from reconstructed quantities smeared to the trigger's resolution",
    "single",
    tuple(_i(path, title, "bool") for path, title in HLT_PATHS.items()),
)

TRIG_OBJ = Collection(
    "TrigObj",
    "trigger objects",
    "jagged",
    (
        _f("pt", "GeV", "transverse momentum", 10),
        _f("eta", "", "pseudorapidity", 12),
        _f("phi", "rad", "azimuth", 12),
        _i("id", "1 jet, 2 MET, 3 HT, 6 AK8 jet, 11 electron, 13 muon, 15 tau, 22 photon"),
        _i("filterBits", "bit i: passed path i of HLT, in its order", "int32"),
    ),
)

PILEUP = Collection(
    "Pileup",
    "truth of the simultaneous collisions",
    "single",
    (
        _f("nTrueInt", "", "mean of the Poisson distribution of the number of collisions"),
        _i("nPU", "number of collisions laid over the hard one", "int32"),
        _f("gpudensity", "1/cm", "collisions per length of the luminous region at the hard one"),
    ),
)

GENERATOR = Collection(
    "Generator",
    "truth of the hard collision",
    "single",
    (
        _f("weight", "", "event weight"),
        _f("binvar", "GeV", "transverse momentum scale of the hard process"),
        _f("scalePDF", "GeV", "scale of the parton densities"),
        _i("processId", "Pythia's code of the hard process", "int32"),
        _f("vx", "cm", "true vertex x"),
        _f("vy", "cm", "true vertex y"),
        _f("vz", "cm", "true vertex z"),
    ),
)

GENPART = Collection(
    "GenPart",
    "generated particles of the hard collision (CMS: genParticles), mothers before daughters",
    "jagged",
    (
        _f("pt", "GeV", "transverse momentum", 10),
        _f("eta", "", "pseudorapidity", 11),
        _f("phi", "rad", "azimuth", 11),
        _f("mass", "GeV", "mass", 8),
        _i("pdgId", "PDG code", "int32"),
        _i("status", "1 stable, 2 decayed, else Pythia's code", "uint8"),
        _i("statusFlags", "CMS's 15 status bits, as in NanoAOD", "uint32"),
        _i("genPartIdxMother", "first mother in GenPart, -1 for none"),
        _f("vx", "cm", "production vertex relative to the collision, x", 12),
        _f("vy", "cm", "production vertex relative to the collision, y", 12),
        _f("vz", "cm", "production vertex relative to the collision, z", 12),
    ),
)

AOD: dict[str, Collection] = {
    collection.product: collection
    for collection in (
        _bare("run", "uint32", "run number"),
        _bare("luminosityBlock", "uint32", "luminosity section"),
        _bare("event", "uint64", "event number"),
        PFCAND,
        TRACK,
        PV,
        BEAM_SPOT,
        MUON,
        ELECTRON,
        PHOTON,
        V0,
        HLT,
        TRIG_OBJ,
        PILEUP,
        GENERATOR,
        GENPART,
    )
}
"""All collections of the input format, by product name."""
