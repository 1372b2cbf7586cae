"""The quantities of a file against a reference, one by one."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from sonicmini.validation.measure import Measurement
from sonicmini.validation.quantity import Distribution, Quantity
from sonicmini.validation.reference import Entry, Reference
from sonicmini.validation.statistics import (
    Deviation,
    compare_histograms,
    compare_ratios,
    ratio,
)
from sonicmini.validation.sums import Floats, Sums

LEAST_PROBABILITY = 1e-4
"""What is less probable deviates: of a hundred quantities, by chance one in a hundred files."""

Status: TypeAlias = Literal["agrees", "deviates", "not measured", "no reference"]


@dataclass(frozen=True)
class Finding:
    """One quantity.

    Attributes:
        ours: of a distribution the mean entries of an event, or the mean if each event has one; or
            the ratio; with its error. NaN if not measured.
        reference: the same of the reference; NaN if it has none.
        deviation: None if there is nothing to compare.
        reason: why it was not measured or not compared.
    """

    quantity: Quantity
    status: Status
    ours: tuple[float, float]
    reference: tuple[float, float]
    deviation: Deviation | None = None
    reason: str = ""


@dataclass(frozen=True)
class Verdict:
    """All quantities, in the order of the table."""

    findings: tuple[Finding, ...]

    @property
    def agrees(self) -> bool:
        """Whether nothing deviates, nothing of the reference is missing, and something agrees."""
        expected = [one for one in self.findings if one.status != "no reference"]
        return bool(expected) and all(one.status == "agrees" for one in expected)


def judge(
    measurement: Measurement, reference: Reference, quantities: Mapping[str, Quantity]
) -> Verdict:
    """Compares all quantities that the table has."""
    findings = []
    for name, quantity in quantities.items():
        sums, entry = measurement.sums.get(name), reference.entries.get(name)
        findings.append(_finding(quantity, sums, entry, measurement.absent.get(name, "")))
    return Verdict(tuple(findings))


def _finding(quantity: Quantity, sums: Sums | None, entry: Entry | None, missing: str) -> Finding:
    ours = _number(quantity, sums)
    theirs = _number(quantity, entry.sums if entry else None)
    if entry is None:
        return Finding(quantity, "no reference", ours, theirs)
    if sums is None:
        reason = f"no {missing}" if missing else "no events"
        return Finding(quantity, "not measured", ours, theirs, None, reason)
    if isinstance(quantity, Distribution):
        if quantity.edges != entry.edges:
            return Finding(quantity, "not measured", ours, theirs, None, "other bins")
        deviation = compare_histograms(sums, entry.sums)
    else:
        deviation = compare_ratios(sums, entry.sums)
    agrees = deviation.probability >= LEAST_PROBABILITY
    return Finding(quantity, "agrees" if agrees else "deviates", ours, theirs, deviation)


def _number(quantity: Quantity, sums: Sums | None) -> tuple[float, float]:
    if sums is None:
        return math.nan, math.nan
    if not isinstance(quantity, Distribution):
        return ratio(sums)
    value, error = _weighted(sums, np.ones(len(sums.first)))
    if (value, error) != (1.0, 0.0):
        return value, error
    edges = np.asarray(quantity.edges)
    return _weighted(sums, np.array([edges[0], *(edges[1:] + edges[:-1]) / 2, edges[-1]]))


def _weighted(sums: Sums, weights: Floats) -> tuple[float, float]:
    total = sums.merged(weights[np.newaxis])
    return float(total.mean[0]), float(math.sqrt(max(total.covariance[0, 0], 0.0)))
