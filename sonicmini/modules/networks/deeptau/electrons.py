"""Features of electrons, by CMS's names (CMSSW: ``DeepTauIdBase``, version 2.5).

The input has no clusters within superclusters, no GSF track but for its momentum and chi2, and no
momenta of it on its way: what needs them is :func:`~pairs.missing`.
"""

from typing import Final

import numpy as np

from sonicmini.modules.columns import Floats
from sonicmini.modules.networks.deeptau.pairs import COMMON, PairFeatures, Pairs, column, missing

_MISSING = (
    *("cc_valid", "cc_ele_rel_energy", "cc_gamma_rel_energy", "cc_n_gamma"),
    *("rel_trackMomentumAtCalo", "rel_trackMomentumAtEleClus"),
    *("rel_trackMomentumAtVtxWithConstraint", "ecalEnergy_sig"),
    *("eSeedClusterOverP", "eSeedClusterOverPout", "eEleClusterOverPout"),
    *("deltaEtaSeedClusterTrackAtCalo", "deltaEtaEleClusterTrackAtCalo"),
    *("deltaPhiEleClusterTrackAtCalo", "deltaPhiSeedClusterTrackAtCalo"),
    *("mvaInput_earlyBrem", "mvaInput_lateBrem", "mvaInput_sigmaEtaEta", "mvaInput_deltaEta"),
    *("gsfTrack_numberOfValidHits", "gsfTrack_pt_sig"),
)


def _track_momentum(pairs: Pairs) -> Floats:
    """Momentum of the GSF track at the vertex (GeV)."""
    return pairs.of("gsfPt") * np.cosh(pairs.of("gsfEta"))


def _momentum_out(pairs: Pairs) -> Floats:
    """What bremsstrahlung leaves of it; Mini-AOD has none of electrons below 5 GeV."""
    left = _track_momentum(pairs) * (1 - pairs.of("fbrem"))
    return np.where(pairs.of("sieie") > 0, left, np.nan)


def _has_track(pairs: Pairs) -> Floats:
    return np.where(pairs.of("dxyErr") >= 0, 1.0, np.nan)


ELECTRON: Final[PairFeatures] = {
    **COMMON,
    **dict.fromkeys(_MISSING, missing),
    "rel_trackMomentumAtVtx": lambda pairs: _track_momentum(pairs) / pairs.of("pt"),
    "rel_trackMomentumOut": lambda pairs: _momentum_out(pairs) / pairs.of("pt"),
    "rel_ecalEnergy": lambda pairs: pairs.of("scEnergy") / pairs.of("pt"),
    "eSuperClusterOverP": lambda pairs: pairs.of("scEnergy") / _track_momentum(pairs),
    "deltaEtaSuperClusterTrackAtVtx": column("deltaEtaInSC"),
    "deltaPhiSuperClusterTrackAtVtx": column("deltaPhiInSC"),
    "mvaInput_hadEnergy": lambda pairs: pairs.of("hoe") * pairs.of("scEnergy"),
    "gsfTrack_normalizedChi2": column("gsfNormChi2"),
    "rel_gsfTrack_pt": lambda pairs: pairs.of("gsfPt") / pairs.of("pt"),
    "has_closestCtfTrack": _has_track,
    "closestCtfTrack_normalizedChi2": lambda pairs: pairs.of_candidate("normChi2"),
    "closestCtfTrack_numberOfValidHits": lambda pairs: pairs.of_candidate("nHits"),
}
"""Features of electrons."""
