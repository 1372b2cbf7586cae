"""What one would do without a network: impact parameters, subjettiness, soft-drop mass."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from sonicmini.modules.columns import Bools, Floats, Ints, events_of, offsets_from
from training.particlenet.jets import Jets, Rows
from training.particlenet.recipes import PF

TRACKS: Final = 3
"""Tracks of the highest impact parameter significance that the likelihood looks at."""

NO_TRACK: Final = -99.0
TOP_WINDOW: Final = (105.0, 220.0)
"""Soft-drop masses (GeV) of top candidates, as ``BOSON_WINDOW`` of W, Z and Higgs bosons."""

BOSON_WINDOW: Final = (60.0, 150.0)
OUTSIDE: Final = 10.0
"""What jets outside the window have less; more than any ratio."""

_LEAST_PT: Final = 1.0  # GeV
_MOST_DXY: Final = 2.0  # cm; beyond are decays of K0s and Lambda, and conversions
_MOST_DZ: Final = 0.5  # cm; beyond are tracks of other collisions
_MOST_JET_DISTANCE: Final = 0.2  # cm
_EDGES: Final = np.array([-1e9, -10, -5, -3, -2, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8])
_EDGES_ABOVE: Final = np.array([10, 13, 17, 22, 30, 45, 70, 120, 1e9])
_BINS: Final = np.concatenate([_EDGES, _EDGES_ABOVE])


def track_significances(pf: Rows, number: int = TRACKS) -> Floats:
    """Signed 3D impact parameter over its error, the highest ones, shape ``(jets, number)``.

    Of good tracks: pT above 1 GeV, high purity, near the leading vertex and the jet's axis.
    """
    column = {name: pf.values[:, PF_PLACES[name]].astype(np.float64) for name in _WANTED}
    good = column["pfcand_quality"] > 1
    good &= column["pfcand_pt_log_nopuppi"] > np.log(_LEAST_PT)
    good &= np.abs(column["pfcand_dxy"]) < _MOST_DXY
    good &= np.abs(column["pfcand_dz"]) < _MOST_DZ
    good &= np.abs(column["pfcand_btagJetDistVal"]) < _MOST_JET_DISTANCE
    jet = events_of(offsets_from(pf.counts))[good]
    values = column["pfcand_btagSip3dSig"][good]
    order = np.lexsort((-values, jet))
    jet, values = jet[order], values[order]
    rank = np.arange(len(jet)) - np.searchsorted(jet, jet)
    found = np.full((len(pf.counts), number), NO_TRACK)
    first = rank < number
    found[jet[first], rank[first]] = values[first]
    return found


class ImpactLikelihood:
    """Ratio of likelihoods of the significances of the highest tracks, each by its place.

    The numbers of a jet count as independent (CMSSW's "jet probability" has the same idea).

    Args:
        signal: significances of jets of the signal, shape ``(jets, tracks)``.
        background: of the background.
    """

    def __init__(self, signal: Floats, background: Floats) -> None:
        self._ratios = [
            np.log(_density(first)) - np.log(_density(second))
            for first, second in zip(signal.T, background.T, strict=True)
        ]

    def __call__(self, values: Floats) -> Floats:
        """Logarithm of the ratio, shape ``(jets,)``."""
        parts = [ratio[_bin(column)] for ratio, column in zip(self._ratios, values.T, strict=True)]
        return np.asarray(np.sum(parts, axis=0))


def top_subjettiness(jets: Jets) -> Floats:
    """Minus tau3 over tau2; jets within the window of the soft-drop mass before all others."""
    return _subjettiness(jets, ("tau3", "tau2"), TOP_WINDOW)


def boson_subjettiness(jets: Jets) -> Floats:
    """Minus tau2 over tau1; jets within the window of the soft-drop mass before all others."""
    return _subjettiness(jets, ("tau2", "tau1"), BOSON_WINDOW)


def _subjettiness(jets: Jets, names: tuple[str, str], window: tuple[float, float]) -> Floats:
    over, under = (jets[name].astype(np.float64) for name in names)
    ratio = np.divide(over, under, out=np.ones_like(over), where=under > 0)
    return np.where(_within(jets["msoftdrop"], window), 0.0, -OUTSIDE) - ratio


def _within(mass: NDArray[np.float32], window: tuple[float, float]) -> Bools:
    return np.asarray((mass > window[0]) & (mass < window[1]))


def _density(values: Floats) -> Floats:
    counts = np.bincount(_bin(values), minlength=len(_BINS)) + 0.5
    return np.asarray(counts / counts.sum())


def _bin(values: Floats) -> Ints:
    """Bins of significances; the first is that of jets without the track."""
    return np.where(values == NO_TRACK, 0, np.digitize(values, _BINS))


_WANTED: Final = tuple(
    f"pfcand_{name}"
    for name in ("quality", "pt_log_nopuppi", "dxy", "dz", "btagJetDistVal", "btagSip3dSig")
)
PF_PLACES: Final = {name: PF.index(name) for name in _WANTED}
"""Where the features stand that tracks are chosen by."""
