"""How likely it is that two samples of events are of the same kind."""

from typing import NamedTuple

import numpy as np
from scipy.stats import f, norm

from sonicmini.validation.sums import Floats, Sums

_LEAST_ENTRIES = 10.0
"""A bin with fewer entries in one of the samples is taken together with its neighbour."""
_LEAST_EVENTS = 10
"""For each bin, so that the covariance is known well enough."""
_LEAST_EIGENVALUE = 1e-9
"""Relative to the largest; directions below it have no spread at all."""


class Deviation(NamedTuple):
    """The outcome of a test.

    Attributes:
        chi2: Hotelling's T2, the squared distance of the means in units of their covariance.
        degrees: of freedom.
        probability: to be at least as far apart by chance.
    """

    chi2: float
    degrees: int
    probability: float


def compare_histograms(ours: Sums, reference: Sums) -> Deviation:
    """Compares entries per event and bin: the rate and the shape at once.

    The central limit theorem makes the means normal; neighbouring bins are taken together until
    each has entries enough for it, and until there are many more events than bins. The covariance
    is measured as well, which makes T2 follow F's distribution (H. Hotelling, 1931), here with the
    events of the smaller sample.

    Args:
        ours: entries of each bin, summed over events.
        reference: the same bins of the other sample.
    """
    events = min(ours.events, reference.events)
    groups = _groups(np.minimum(ours.first, reference.first))
    while len(groups) > max(events // _LEAST_EVENTS, 1):
        groups = np.add.reduceat(groups, np.arange(0, len(groups), 2))
    one, other = ours.merged(groups), reference.merged(groups)
    difference = one.mean - other.mean
    values, vectors = np.linalg.eigh(one.covariance + other.covariance)
    used = values > max(values[-1], 0.0) * _LEAST_EIGENVALUE
    degrees = int(np.count_nonzero(used))
    if not degrees:
        same = bool(np.allclose(difference, 0.0))
        return Deviation(0.0 if same else float("inf"), 0, 1.0 if same else 0.0)
    along = vectors[:, used].T @ difference
    distance = float(np.sum(along**2 / values[used]))
    scaled = distance * (events - degrees) / (degrees * max(events - 1, 1))
    return Deviation(distance, degrees, float(f.sf(scaled, degrees, max(events - degrees, 1))))


def _groups(entries: Floats) -> Floats:
    """Which bins are taken together, shape ``(groups, bins)``, from the left to the right."""
    rows: list[Floats] = [np.zeros(len(entries))]
    filled = 0.0
    for place, count in enumerate(entries):
        rows[-1][place] = 1.0
        filled += count
        if filled >= _LEAST_ENTRIES and place + 1 < len(entries):
            rows.append(np.zeros(len(entries)))
            filled = 0.0
    if filled < _LEAST_ENTRIES and len(rows) > 1:
        last = rows.pop()
        rows[-1] += last
    return np.stack(rows)


class Ratio(NamedTuple):
    """A ratio of sums and its error."""

    value: float
    error: float


def ratio(sums: Sums) -> Ratio:
    """The first number over the second: an efficiency, or a mean over objects.

    The error takes into account that both are of the same events (first order). Both are NaN
    without anything in the second.
    """
    top, bottom = sums.mean
    if bottom == 0:
        return Ratio(float("nan"), float("nan"))
    slope = np.array([1.0 / bottom, -top / bottom**2])
    return Ratio(float(top / bottom), float(np.sqrt(max(slope @ sums.covariance @ slope, 0.0))))


def compare_ratios(ours: Sums, reference: Sums) -> Deviation:
    """Compares two ratios with their errors, if there is enough in both for errors to mean much."""
    if min(ours.first[1], reference.first[1]) < _LEAST_ENTRIES:
        return Deviation(0.0, 0, 1.0)
    one, other = ratio(ours), ratio(reference)
    error = float(np.hypot(one.error, other.error))
    difference = one.value - other.value
    if np.isnan(difference):
        return Deviation(0.0, 0, 1.0)
    if error == 0.0:
        return Deviation(0.0, 0, 1.0) if difference == 0 else Deviation(float("inf"), 0, 0.0)
    pull = abs(difference) / error
    return Deviation(pull**2, 1, float(2.0 * norm.sf(pull)))
