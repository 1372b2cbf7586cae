"""Collects the events of many chunks until they fill a basket of each branch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sonicmini.io.columns import FlatProduct, StoredProduct, Values


@dataclass(frozen=True)
class Basket:
    """Events that are written together.

    Attributes:
        values: by branch, all events one after the other.
        offsets: by counter, shape ``(events + 1,)``: where the events' values begin.
    """

    values: Mapping[str, Values]
    offsets: Mapping[str, NDArray[np.int64]]


@dataclass
class BasketBuffer:
    """Cuts the stream of events into baskets, at places that chunks have no influence on.

    A basket ends with the event that brings it to ``max_events`` events or ``max_bytes`` bytes
    before compression: large enough to compress well, small enough to keep in memory.
    """

    max_events: int = 500
    max_bytes: int = 32 * 1024**2
    _events: int = 0
    _bytes: int = 0
    _values: dict[str, list[Values]] = field(default_factory=dict)
    _counts: dict[str, list[NDArray[np.int64]]] = field(default_factory=dict)

    def add(
        self, products: Sequence[StoredProduct], flat: Sequence[FlatProduct], events: int
    ) -> Iterator[Basket]:
        """Takes the events of a chunk, product by product; yields the baskets that are full."""
        ends = np.cumsum(_event_bytes(flat, events))
        offsets = [None if part.counts is None else _offsets([part.counts]) for part in flat]
        start = 0
        while start < events:
            before = ends[start - 1] if start else 0
            room = self.max_bytes - self._bytes + before
            stop = start + min(self.max_events - self._events, events - start)
            stop = min(stop, int(np.searchsorted(ends, room)) + 1)
            for part, starts in zip(flat, offsets, strict=True):
                self._append(part, starts, slice(start, stop))
            for counter, counts in _counts(products, flat).items():
                self._counts.setdefault(counter, []).append(counts[start:stop])
            self._events += stop - start
            self._bytes += int(ends[stop - 1] - before)
            if self._events >= self.max_events or self._bytes >= self.max_bytes:
                yield self._cut()
            start = stop

    def rest(self) -> Basket | None:
        """The events that are left; None if there are none."""
        return self._cut() if self._events else None

    def _append(self, part: FlatProduct, starts: NDArray[np.int64] | None, events: slice) -> None:
        items = events if starts is None else slice(starts[events.start], starts[events.stop])
        for branch, values in part.values.items():
            self._values.setdefault(branch, []).append(values[items])

    def _cut(self) -> Basket:
        values = {branch: np.concatenate(parts) for branch, parts in self._values.items()}
        offsets = {counter: _offsets(parts) for counter, parts in self._counts.items()}
        self._events = self._bytes = 0
        self._values.clear()
        self._counts.clear()
        return Basket(values, offsets)


def _counts(
    products: Sequence[StoredProduct], flat: Sequence[FlatProduct]
) -> dict[str, NDArray[np.int64]]:
    """By counter; products that share one have the same."""
    return {
        product.counter: part.counts
        for product, part in zip(products, flat, strict=True)
        if product.counter is not None and part.counts is not None
    }


def _event_bytes(flat: Sequence[FlatProduct], events: int) -> NDArray[np.int64]:
    sizes = np.zeros(events, np.int64)
    for part in flat:
        itemsize = sum(values.itemsize for values in part.values.values())
        sizes += itemsize if part.counts is None else part.counts * itemsize
    return sizes


def _offsets(counts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int64)
