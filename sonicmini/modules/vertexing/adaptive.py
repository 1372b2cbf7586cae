"""Vertices of tracks, some of which may come from elsewhere: the adaptive fit with annealing.

R. Fruehwirth, W. Waltenberger, P. Vanlaer, J. Phys. G 34 (2007) N343; CMSSW:
``AdaptiveVertexFitter`` with ``GeometricAnnealing``. A track at standardised distance chi2 from the
vertex counts with weight ``1 / (1 + exp((chi2 - sigma_cut^2) / 2T))``, and the temperature T falls
from step to step to 1. The distance takes the error of the track only; CMSSW adds that of the
vertex fitted without it.
"""

import math
from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Bools, Floats, Ints, kernel
from sonicmini.modules.vertexing.distances import Positions
from sonicmini.modules.vertexing.helix import Helices, Lines, linearise
from sonicmini.modules.vertexing.seeding import Groups

_ROUNDS = 3  # of linearisation: a track bends by 6 um in 1 cm at 10 GeV, 57 um at 1 GeV
_LARGEST_EXPONENT = 50.0  # the least weights stay far from the least numbers
_SINGULAR = 1e-9  # of the determinant, for tracks all parallel


class FitSettings(NamedTuple):
    """How a vertex is fitted, with CMSSW's values.

    Attributes:
        sigma_cut: standardised distance at which a track has weight 1/2.
        temperature: at the start.
        ratio: by which it falls from step to step.
        max_steps: of the fit at one linearisation.
        max_shift: of the vertex (cm) in the last step.
        min_weight: tracks below it are left out at temperature 1; while it is higher, a start far
            from the vertex may leave no track above it.
    """

    sigma_cut: float = 3.0
    temperature: float = 256.0
    ratio: float = 0.25
    max_steps: int = 30
    max_shift: float = 1e-4
    min_weight: float = 1e-3


DEFAULT_FIT = FitSettings()


class Fits(NamedTuple):
    """Fitted vertices.

    Attributes:
        valid: whether there was a fit, shape ``(groups,)``; else all is 0.
        point: shape ``(groups, 3)``, in cm.
        covariance: shape ``(groups, 6)``, in cm2.
        chi2: sum of weighted squared distances.
        ndof: twice the sum of weights less 3, or less 0 with a prior.
        weight: of each member of the groups.
    """

    valid: Bools
    point: Floats
    covariance: Floats
    chi2: Floats
    ndof: Floats
    weight: Floats

    def positions(self) -> Positions:
        """The vertices as points with errors."""
        return Positions(self.point, self.covariance)


def fit_vertices(helices: Helices, groups: Groups, settings: FitSettings = DEFAULT_FIT) -> Fits:
    """Fits one vertex to the tracks of each group, from the group's point.

    Tracks become straight lines near the point; the lines are made again at the fitted vertex.

    Args:
        helices: tracks.
        groups: of them.
        settings: of the fit.
    """
    group = groups.group()
    start, annealing = groups.point, settings
    for _ in range(_ROUNDS):
        lines = linearise(helices, groups.track, start[group])
        fits = fit_lines(lines, groups.offsets, start, annealing)
        start = np.where(fits.valid[:, np.newaxis], fits.point, groups.point)
        annealing = settings._replace(temperature=1.0)
    return fits


@kernel
def fit_lines(lines: Lines, offsets: Ints, start: Floats, settings: FitSettings) -> Fits:
    """Fits one vertex to the lines of each group.

    Args:
        lines: members of all groups.
        offsets: of the groups in them.
        start: where the first distances are taken from, shape ``(groups, 3)``.
        settings: of the fit.
    """
    groups, members = len(start), len(lines.point)
    fits = Fits(
        np.zeros(groups, np.bool_),
        np.zeros((groups, 3)),
        np.zeros((groups, 6)),
        np.zeros(groups),
        np.zeros(groups),
        np.zeros(members),
    )
    for g in range(groups):
        begin, end = offsets[g], offsets[g + 1]
        point = (start[g, 0], start[g, 1], start[g, 2])
        temperature = settings.temperature
        valid = True
        for _ in range(settings.max_steps):
            _set_weights(lines, fits.weight, (begin, end), point, (temperature, settings))
            valid, new, _ = _mean(lines, fits.weight, begin, end)
            if not valid:
                break
            shift = max(abs(new[0] - point[0]), abs(new[1] - point[1]), abs(new[2] - point[2]))
            point = new
            if temperature <= 1.0 and shift < settings.max_shift:
                break
            temperature = max(1.0, temperature * settings.ratio)
        if valid:
            chi2 = _set_weights(lines, fits.weight, (begin, end), point, (1.0, settings))
            valid, _, covariance = _mean(lines, fits.weight, begin, end)
            total = np.sum(fits.weight[begin:end])
            fits.covariance[g] = covariance
            fits.point[g] = point
            fits.chi2[g], fits.ndof[g] = chi2, 2.0 * total - 3.0
        fits.valid[g] = valid
    for g in range(groups):
        if not fits.valid[g]:
            fits.weight[offsets[g] : offsets[g + 1]] = 0.0
            fits.point[g], fits.covariance[g] = 0.0, 0.0
            fits.chi2[g], fits.ndof[g] = 0.0, 0.0
    return fits


_Vector = tuple[float, float, float]
_Matrix = tuple[float, float, float, float, float, float]


@kernel
def _set_weights(
    lines: Lines,
    weight: Floats,
    span: tuple[int, int],
    point: _Vector,
    at: tuple[float, FitSettings],
) -> float:
    """Weights of the members of a group; returns the weighted sum of squared distances."""
    temperature, settings = at
    cut = settings.sigma_cut * settings.sigma_cut
    total = 0.0
    for k in range(span[0], span[1]):
        x = point[0] - lines.point[k, 0]
        y = point[1] - lines.point[k, 1]
        z = point[2] - lines.point[k, 2]
        m = lines.weight[k]
        chi2 = m[0] * x * x + m[1] * y * y + m[2] * z * z
        chi2 += 2.0 * (m[3] * x * y + m[4] * x * z + m[5] * y * z)
        w = 1.0 / (1.0 + math.exp(min((chi2 - cut) / (2.0 * temperature), _LARGEST_EXPONENT)))
        weight[k] = w if temperature > 1.0 or w >= settings.min_weight else 0.0
        total += weight[k] * chi2
    return total


@kernel
def _mean(lines: Lines, weight: Floats, begin: int, end: int) -> tuple[bool, _Vector, _Matrix]:
    """The point of least weighted squared distance and its covariance; false if undetermined."""
    xx, yy, zz, xy, xz, yz, bx, by, bz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    ox, oy, oz = lines.point[begin, 0], lines.point[begin, 1], lines.point[begin, 2]
    for k in range(begin, end):
        w, m = weight[k], lines.weight[k]
        if w == 0.0:
            continue
        x, y, z = lines.point[k, 0] - ox, lines.point[k, 1] - oy, lines.point[k, 2] - oz
        xx, yy, zz = xx + w * m[0], yy + w * m[1], zz + w * m[2]
        xy, xz, yz = xy + w * m[3], xz + w * m[4], yz + w * m[5]
        bx += w * (m[0] * x + m[3] * y + m[4] * z)
        by += w * (m[3] * x + m[1] * y + m[5] * z)
        bz += w * (m[4] * x + m[5] * y + m[2] * z)
    cxx, cxy, cxz = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
    cyy, cyz, czz = xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy
    det = xx * cxx + xy * cxy + xz * cxz
    if not det > _SINGULAR * xx * yy * zz:
        return False, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    point = (
        ox + (cxx * bx + cxy * by + cxz * bz) / det,
        oy + (cxy * bx + cyy * by + cyz * bz) / det,
        oz + (cxz * bx + cyz * by + czz * bz) / det,
    )
    covariance = (cxx / det, cyy / det, czz / det, cxy / det, cxz / det, cyz / det)
    return True, point, covariance
