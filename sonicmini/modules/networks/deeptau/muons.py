"""Features of muons, by CMS's names (CMSSW: ``DeepTauIdBase``, version 2.5)."""

from collections.abc import Callable
from typing import Final

import numpy as np

from sonicmini.modules.columns import Floats
from sonicmini.modules.networks.deeptau.pairs import COMMON, PairFeatures, Pairs, column

_COUNTS = {"matches": "nMatches", "hits": "nHits"}
_STATIONS = (1, 2, 3, 4)


def _if_global(feature: Callable[[Pairs], Floats]) -> Callable[[Pairs], Floats]:
    """Left out of muons without a global fit."""
    return lambda pairs: np.where(pairs.of("isGlobal") == 1, feature(pairs), np.nan)


def _ecal_energy(pairs: Pairs) -> Floats:
    """ECAL energy of the muon's particle-flow candidate (GeV), not a number without one."""
    momentum = pairs.of_candidate("pt") * np.cosh(pairs.of_candidate("eta"))
    energy = np.hypot(momentum, pairs.of_candidate("mass"))
    in_ecal = 1 - pairs.of_candidate("hcalFraction")
    return energy * pairs.of_candidate("caloFraction") * in_ecal


MUON: Final[PairFeatures] = {
    **COMMON,
    "dxy": column("dxy"),
    "dxy_sig": lambda pairs: np.abs(pairs.of("dxy")) / pairs.of("dxyErr"),
    "normalizedChi2_valid": _if_global(lambda pairs: np.ones(len(pairs.tau))),
    "normalizedChi2": _if_global(column("normChi2")),
    "numberOfValidHits": _if_global(lambda pairs: pairs.of_candidate("nHits")),
    "segmentCompatibility": column("segmentComp"),
    "caloCompatibility": column("caloComp"),
    "pfEcalEnergy_valid": lambda pairs: np.where(pairs.of("pfCandIdx") >= 0, 1.0, np.nan),
    "rel_pfEcalEnergy": lambda pairs: _ecal_energy(pairs) / pairs.of("pt"),
    **{
        f"n_{name}_{system}_{station}": column(f"{stored}{system}{station}")
        for name, stored in _COUNTS.items()
        for system in ("DT", "CSC", "RPC")
        for station in _STATIONS
    },
}
"""Features of muons; counts of matched segments and hits by system and station."""
