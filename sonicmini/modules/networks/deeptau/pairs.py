"""An object in a cell around a tau, and the features that all types of objects have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from sonicmini.modules.columns import Floats, Ints, flat, offsets_of
from sonicmini.modules.networks.deeptau.taus import Taus


@dataclass(frozen=True)
class Pairs:
    """Pairs of tau and object.

    Attributes:
        taus: of the chunk.
        tau: position of each pair's tau, shape ``(pairs,)`` as ``target``.
        product: what the objects are of.
        target: position of each pair's object among those of all events.
    """

    taus: Taus
    tau: Ints
    product: str
    target: Ints
    _known: dict[str, Floats] = field(default_factory=dict, repr=False)

    @property
    def event(self) -> Ints:
        """Event of each pair."""
        return self.taus.event[self.tau]

    def of(self, name: str) -> Floats:
        """A column of the objects."""
        return self.once(name, lambda: self._gathered(name))

    def of_tau(self, name: str) -> Floats:
        """A column of the taus."""
        return self.once(f"tau {name}", lambda: self.taus.of(name)[self.tau])

    def once(self, name: str, compute: Callable[[], Floats]) -> Floats:
        """What several features need, computed for the first of them."""
        if name not in self._known:
            self._known[name] = compute()
        return self._known[name]

    def _gathered(self, name: str) -> Floats:
        column = flat(self.taus.inputs[self.product], name, None)[self.target]
        return column.astype(np.float64)

    def of_candidate(self, name: str) -> Floats:
        """A column of the particle-flow candidate that an object is, not a number without one."""
        packed = self.taus.inputs["PackedPFCand"]
        index = self.of("pfCandIdx").astype(np.int64)
        values, known = np.full(len(index), np.nan), index >= 0
        candidate = offsets_of(packed)[self.event] + index
        values[known] = flat(packed, name, None)[candidate[known]]
        return values


PairFeatures = Mapping[str, Callable[[Pairs], Floats]]

COMMON: Final[PairFeatures] = {
    "valid": lambda pairs: np.ones(len(pairs.tau)),
    "rel_pt": lambda pairs: pairs.of("pt") / pairs.of_tau("pt"),
    "deta": lambda pairs: pairs.of("eta") - pairs.of_tau("eta"),
    "dphi": lambda pairs: (pairs.of("phi") - pairs.of_tau("phi") + np.pi) % (2 * np.pi) - np.pi,
}
"""That there is an object, its pT over that of the tau, and where it is as seen from the tau."""


def column(name: str) -> Callable[[Pairs], Floats]:
    """A feature that is a column of the objects."""
    return lambda pairs: pairs.of(name)


def missing(pairs: Pairs) -> Floats:
    """A feature that cannot be had from the input."""
    return np.full(len(pairs.tau), np.nan)
