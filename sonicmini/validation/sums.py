"""Means over events with their covariance, however many events there are.

Objects of one event are not independent: an event with more pileup has more of everything. What is
compared are therefore sums over each event, whose means have a covariance that is measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sums:
    """Sums over events of some numbers that each event has, and of their products.

    Attributes:
        events: how many.
        first: of the numbers, shape ``(n,)``.
        second: of their products, shape ``(n, n)``.
    """

    events: int
    first: Floats
    second: Floats

    @classmethod
    def of(cls, numbers: Floats) -> Self:
        """From the numbers of each event, shape ``(events, n)``."""
        return cls(len(numbers), numbers.sum(axis=0), numbers.T @ numbers)

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.events + other.events, self.first + other.first, self.second + other.second
        )

    @property
    def mean(self) -> Floats:
        """Of the numbers, shape ``(n,)``; 0 without events."""
        return np.asarray(self.first / max(self.events, 1))

    @property
    def covariance(self) -> Floats:
        """Of the mean, shape ``(n, n)``."""
        mean = self.mean
        spread = self.second / max(self.events, 1) - np.outer(mean, mean)
        return np.asarray(spread / max(self.events - 1, 1))

    def merged(self, groups: Floats) -> "Sums":
        """Sums of the numbers instead of the numbers; ``groups`` has shape ``(m, n)``."""
        return Sums(self.events, groups @ self.first, groups @ self.second @ groups.T)

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold: the triangle of the products, row by row."""
        rows, columns = np.triu_indices(len(self.first))
        return {
            "events": self.events,
            "first": self.first.tolist(),
            "second": self.second[rows, columns].tolist(),
        }

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`to_dict`.

        Raises:
            KeyError, TypeError, ValueError: it is not one.
        """
        first = np.asarray(entry["first"], dtype=np.float64)
        second = np.zeros((len(first), len(first)))
        rows, columns = np.triu_indices(len(first))
        second[rows, columns] = entry["second"]
        second[columns, rows] = entry["second"]
        return cls(int(entry["events"]), first, second)
