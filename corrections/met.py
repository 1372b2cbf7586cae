"""Resolution of what is not in jets, for the covariance of missing momenta.

CMS, JINST 10 (2015) P02006, section 8: the terms with the largest likelihood, here on the
difference of reconstructed and generated missing momentum.
"""

from collections import defaultdict
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

import awkward as ak
import numpy as np
from scipy.optimize import minimize

from corrections.matched import reconstructed
from sonicmini.modules.columns import Floats
from sonicmini.modules.gen.jets import GenMET
from sonicmini.modules.jets.corrections import AK4CHSJetCorrections, AK4PuppiJetCorrections
from sonicmini.modules.met.raw import RawChsMET, RawMET, RawMETNoHF, RawPuppiMET
from sonicmini.modules.met.type1 import (
    Type1ChsMET,
    Type1MET,
    Type1METNoHF,
    Type1PFMET,
    Type1PuppiMET,
)

_TYPE1: Final[tuple[type[Type1MET], ...]] = (Type1PFMET, Type1PuppiMET, Type1ChsMET, Type1METNoHF)
LARGE: Final = 50.0
"""Generated missing momentum (GeV) above which the response is measured."""
_RAW: Final = (RawMET(), RawPuppiMET(), RawChsMET(), RawMETNoHF(), GenMET())
_COVARIANCE: Final = ("covXX", "covXY", "covYY", "sumPtUnclustered")
_TAIL: Final = 9.0
"""Events with a larger chi2 are not in the fit: 1 % if all were Gaussian."""
_ROUNDS: Final = 6


class Residuals(NamedTuple):
    """Reconstructed less generated missing momentum of events, and its covariance from jets.

    Attributes:
        x: GeV; also ``y``.
        xx: covariance without the rest (GeV2); also ``xy``, ``yy``.
        sum_pt: scalar sum of the rest (GeV).
        gen_x: generated missing momentum (GeV); also ``gen_y``.
    """

    x: Floats
    y: Floats
    xx: Floats
    xy: Floats
    yy: Floats
    sum_pt: Floats
    gen_x: Floats
    gen_y: Floats

    def chi2(self, terms: tuple[float, float]) -> tuple[Floats, Floats]:
        """chi2 and the logarithm of the determinant of the covariance of each event."""
        rest = terms[0] ** 2 + terms[1] ** 2 * self.sum_pt
        xx, xy, yy = self.xx + rest, self.xy, self.yy + rest
        determinant = xx * yy - xy**2
        square = self.x**2 * yy - 2 * self.x * self.y * xy + self.y**2 * xx
        return square / determinant, np.log(determinant)

    def response(self) -> float:
        """Mean reconstructed part along the generated missing momentum, where that is large."""
        gen = np.hypot(self.gen_x, self.gen_y)
        large = gen > LARGE
        along = (self.x * self.gen_x + self.y * self.gen_y)[large] / gen[large] + gen[large]
        return float(np.mean(along) / np.mean(gen[large]))

    def width(self) -> float:
        """Half of the central 68.3 % of a component's residual, after division by the response."""
        response, parts = self.response(), []
        for left, gen in ((self.x, self.gen_x), (self.y, self.gen_y)):
            parts.append((left + gen) / response - gen)
        low, high = np.percentile(np.concatenate(parts), (15.85, 84.15))
        return float(0.5 * (high - low))


def residuals(paths: Iterable[Path]) -> dict[str, tuple[Residuals, Residuals]]:
    """Runs the chain on samples; raw and calibrated for each kind of missing momentum."""
    type1 = [cls(unclustered_terms=(0.0, 0.0)) for cls in _TYPE1]
    parts: dict[str, list[tuple[Residuals, Residuals]]] = defaultdict(list)
    for chunk in chain.from_iterable(map(reconstructed, paths)):
        products = dict(chunk)
        for module in (*_RAW, AK4CHSJetCorrections(), AK4PuppiJetCorrections(), *type1):
            products |= module.produce({name: products[name] for name in module.consumes})
        for module in type1:
            (name,), (raw, *_) = module.produces, module.consumes
            met, gen = products[name], products["GenMET"]
            parts[name].append((_residuals(products[raw], met, gen), _residuals(met, met, gen)))
    return {
        name: (_joined([raw for raw, _ in found]), _joined([met for _, met in found]))
        for name, found in parts.items()
    }


def _joined(parts: list[Residuals]) -> Residuals:
    return Residuals(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _residuals(met: ak.Array, calibrated: ak.Array, gen: ak.Array) -> Residuals:
    (x, y), (gen_x, gen_y) = _components(met), _components(gen)
    xx, xy, yy, sum_pt = (np.asarray(calibrated[name], np.float64) for name in _COVARIANCE)
    return Residuals(x - gen_x, y - gen_y, xx, xy, yy, sum_pt, gen_x, gen_y)


def _components(met: ak.Array) -> tuple[Floats, Floats]:
    pt, phi = np.asarray(met.pt, np.float64), np.asarray(met.phi, np.float64)
    return pt * np.cos(phi), pt * np.sin(phi)


def fit_terms(found: Residuals) -> tuple[float, float]:
    """The terms a (GeV) and b (sqrt(GeV)) with the largest likelihood, tails cut off."""
    terms = 3.0, 0.6
    for _ in range(_ROUNDS):
        good = found.chi2(terms)[0] < _TAIL
        chosen = Residuals(*(column[good] for column in found))

        def minus_log_likelihood(trial: Floats, chosen: Residuals = chosen) -> float:
            chi2, log_determinant = chosen.chi2((trial[0], trial[1]))
            return float(np.sum(chi2 + log_determinant))

        solved = minimize(minus_log_likelihood, terms, method="Nelder-Mead").x
        terms = abs(float(solved[0])), abs(float(solved[1]))
    return terms
