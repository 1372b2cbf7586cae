"""What can be measured on a Mini-AOD file: distributions and ratios."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import awkward as ak
import numpy as np

from sonicmini.validation.sums import Floats, Sums

Arrays: TypeAlias = Sequence[ak.Array]
"""Branches of some events, one entry per event, in the order of ``branches``."""


@dataclass(frozen=True)
class Distribution:
    """Entries per event in bins of a quantity.

    Attributes:
        title: with the unit.
        edges: ascending; what is below the first or above the last is in bins of its own.
        branches: that it needs.
        values: from them, any number of values for each event.
    """

    name: str
    title: str
    edges: tuple[float, ...]
    branches: tuple[str, ...]
    values: Callable[..., ak.Array]

    def measure(self, arrays: Arrays) -> Sums:
        """Entries of underflow, bins and overflow."""
        return Sums.of(binned(self.values(*arrays), self.edges))


@dataclass(frozen=True)
class Quotient:
    """A sum over objects over another one: an efficiency, a mean.

    Attributes:
        title: with the unit.
        branches: that it needs.
        parts: from them, numbers or flags of which both sums are made, any number for each event.
    """

    name: str
    title: str
    branches: tuple[str, ...]
    parts: Callable[..., tuple[ak.Array, ak.Array]]

    def measure(self, arrays: Arrays) -> Sums:
        """Both sums."""
        return Sums.of(np.stack([_total(part) for part in self.parts(*arrays)], axis=1))


Quantity: TypeAlias = Distribution | Quotient


def binned(values: ak.Array, edges: Sequence[float]) -> Floats:
    """Entries of each event in underflow, bins and overflow, shape ``(events, bins + 2)``.

    A value on an edge belongs to the bin on its right, as in ROOT.
    """
    if values.ndim == 1:
        values = values[:, np.newaxis]
    event = np.repeat(np.arange(len(values)), np.asarray(ak.num(values, axis=1)))
    flat = np.asarray(ak.flatten(values, axis=1), dtype=np.float64)
    columns = len(edges) + 1
    place = event * columns + np.searchsorted(edges, flat, side="right")
    counts = np.bincount(place, minlength=len(values) * columns)
    return counts.reshape(len(values), columns).astype(np.float64)


def _total(part: ak.Array) -> Any:  # noqa: ANN401 - awkward has no types
    total = part if part.ndim == 1 else ak.sum(part, axis=1)
    return np.asarray(total, dtype=np.float64)
