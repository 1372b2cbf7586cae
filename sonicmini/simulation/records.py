"""The structured arrays that pass from one stage of the simulated detector to the next."""

import numpy as np

PHOTON = 0
ELECTRON = 1
MUON = 2
CHARGED_HADRON = 3
NEUTRAL_HADRON = 4

_F = np.float64
_B = np.bool_


def _record(**fields: object) -> np.dtype[np.void]:
    return np.dtype(list(fields.items()))


def _floats(*names: str) -> dict[str, object]:
    return dict.fromkeys(names, _F)


SIM_PARTICLE = _record(
    kind=np.int8,
    charge=np.int8,
    **_floats("px", "py", "pz", "energy", "x", "y", "z"),
    **_floats("pOut", "rStop", "kink"),
    inTracker=_B,
    inCalorimeter=_B,
)
"""One particle as the detector meets it, after decays, conversions and interactions.

``inTracker`` and ``inCalorimeter`` say where it leaves a signal: a pion that interacts in the
tracker has a track up to radius ``rStop``, its products reach the calorimeter. ``pOut`` is the
momentum at the end of the tracker, ``kink`` an angle on the way.
"""

COVARIANCE = (
    "covQopQop",
    "covLamLam",
    "covPhiPhi",
    "covDxyDxy",
    "covDszDsz",
    "covDxyDsz",
    "covPhiDxy",
    "covLamDsz",
)

TRACK = _record(
    **_floats("pt", "eta", "phi"),
    charge=np.int8,
    **_floats("vx", "vy", "vz"),
    **_floats(*COVARIANCE),
    **_floats("chi2"),
    ndof=np.uint8,
    nValidHits=np.uint8,
    nValidPixelHits=np.uint8,
    nPixelLayers=np.uint8,
    nStripLayers=np.uint8,
    nLostInnerHits=np.uint8,
    hasHitInBPix1=_B,
    isHighPurity=_B,
    pvIdx=np.int16,
    pvWeight=_F,
    # Below: used during reconstruction, not stored.
    **_floats("dxy", "zErr", "pOut", "kink", "caloEta", "caloPhi"),
    reachesCalorimeter=_B,
    forParticleFlow=_B,
    particle=np.int32,
)
"""A reconstructed track: the schema's ``Track`` and what particle flow needs beyond it.

``pOut`` is the momentum measured in the outer tracker, ``kink`` the largest angle between two
halves in units of its error, ``caloEta`` and ``caloPhi`` the extrapolation to the calorimeter
surface. ``particle`` is its type from particle flow (0 before).
"""

VERTEX = _record(
    **_floats("x", "y", "z", "covXX", "covYY", "covZZ", "covXY", "covXZ", "covYZ", "chi2", "ndof"),
    isFake=_B,
    **_floats("sumPt2"),
)
"""A reconstructed primary vertex; ``sumPt2`` is used to point neutral candidates."""

CLUSTER = _record(
    **_floats("energy", "eta", "phi", "used"),
    seed=np.int32,
    cells=np.int32,
)
"""A calorimeter cluster in detector coordinates; ``used`` is the energy already accounted for."""

CANDIDATE = _record(
    **_floats("pt", "eta", "phi", "mass"),
    pdgId=np.int16,
    charge=np.int8,
    **_floats("ecalEnergy", "hcalEnergy", "rawEcalEnergy", "rawHcalEnergy"),
    trackIdx=np.int16,
    isIsolatedChargedHadron=_B,
    cluster=np.int32,
)
"""A particle-flow candidate; ``cluster`` is its ECAL cluster, -1 for none."""

MUON_CANDIDATE = _record(
    **_floats("pt", "eta", "phi", "mass"),
    charge=np.int8,
    trackIdx=np.int16,
    pfCandIdx=np.int16,
    isGlobal=_B,
    isTracker=_B,
    isStandalone=_B,
    isPFcand=_B,
    nStations=np.uint8,
    **_floats("normChi2", "segmentComp", "caloComp", "trkKink", "chi2LocalPosition"),
    **_floats("ecalEnergy", "hcalEnergy"),
)
"""A muon; first filled with what the muon chambers alone measure, then matched to a track."""

ELECTRON_CANDIDATE = _record(
    **_floats("pt", "eta", "phi", "mass"),
    charge=np.int8,
    trackIdx=np.int16,
    pfCandIdx=np.int16,
    **_floats("scEnergy", "scRawEnergy", "scEta", "scPhi", "sieie", "sipip", "r9", "hoe"),
    **_floats("eInvMinusPInv", "deltaEtaInSC", "deltaPhiInSC", "fbrem"),
    **_floats("gsfPt", "gsfEta", "gsfPhi", "gsfNormChi2", "energyErr"),
    lostHits=np.uint8,
    convVeto=_B,
    forParticleFlow=_B,
)

PHOTON_CANDIDATE = _record(
    **_floats("pt", "eta", "phi", "mass"),
    pfCandIdx=np.int16,
    **_floats("scEnergy", "scEta", "scPhi", "sieie", "r9", "hoe", "energyErr"),
    electronVeto=_B,
    pixelSeed=_B,
    cluster=np.int32,
)

SUPERCLUSTER = _record(
    **_floats("raw", "energy", "eta", "phi", "sieie", "sipip", "r9", "hoe"),
    seed=np.int32,
)
"""ECAL clusters joined along the azimuth, with the shape of the ``seed`` cluster."""

V0_CANDIDATE = _record(
    **_floats("pt", "eta", "phi", "mass"),
    pdgId=np.int16,
    **_floats("x", "y", "z", "chi2"),
    trackIdx1=np.int16,
    trackIdx2=np.int16,
)

TRIGGER_OBJECT = _record(**_floats("pt", "eta", "phi"), id=np.int16, filterBits=np.int32)

STATIONS = 4
SYSTEMS = ("DT", "CSC", "RPC")
STATION_FIELDS = tuple(
    f"n{what}{system}{station}"
    for what in ("Matches", "Hits")
    for system in SYSTEMS
    for station in range(1, STATIONS + 1)
)
"""Columns of the array of matches and hits that goes with ``MUON_CANDIDATE``."""
