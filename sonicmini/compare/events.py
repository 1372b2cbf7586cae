"""Which event of one file is which of another."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_LISTED = 5


class EventId(NamedTuple):
    """What names an event."""

    run: int
    luminosity_block: int
    event: int

    def __str__(self) -> str:
        return ":".join(map(str, self))


@dataclass(frozen=True, kw_only=True)
class EventMatch:
    """How the events of two files correspond.

    An identifier that comes several times stands for as many events, matched in their order.

    Attributes:
        events_a: events of the first file, as ``events_b`` of the second.
        common: events in both.
        only_a: the first few that the second file has not, as ``only_b``.
        out_of_order: events that come before their predecessor in the second file.
        first_out_of_order: the first of them.
    """

    events_a: int
    events_b: int
    common: int
    only_a: tuple[EventId, ...] = ()
    only_b: tuple[EventId, ...] = ()
    out_of_order: int = 0
    first_out_of_order: EventId | None = None

    @property
    def agrees(self) -> bool:
        """The same events in the same order."""
        return self.common == self.events_a == self.events_b and not self.out_of_order


@dataclass(frozen=True)
class Pairs:
    """Positions of the common events, in the order of the first file."""

    a: NDArray[np.int64]
    b: NDArray[np.int64]

    def within(self, start: int, stop: int) -> "Pairs":
        """Those at positions ``[start, stop)`` of the first file."""
        first, last = np.searchsorted(self.a, [start, stop])
        return Pairs(self.a[first:last], self.b[first:last])


def match_events(ids_a: NDArray[np.uint64], ids_b: NDArray[np.uint64]) -> tuple[EventMatch, Pairs]:
    """Finds the events that two files have in common.

    Args:
        ids_a: run, luminosity block and event number, shape ``(events, 3)``, of one file.
        ids_b: the same of the other.
    """
    if np.array_equal(ids_a, ids_b):
        every = np.arange(len(ids_a))
        return EventMatch(events_a=len(every), events_b=len(every), common=len(every)), Pairs(
            every, every
        )
    keys = _keys(np.concatenate([ids_a, ids_b]), len(ids_a))
    keys_a, keys_b = keys[: len(ids_a)], keys[len(ids_a) :]
    _, in_a, in_b = np.intersect1d(keys_a, keys_b, assume_unique=True, return_indices=True)
    order = np.argsort(in_a)
    pairs = Pairs(in_a[order], in_b[order])
    back = np.flatnonzero(np.diff(pairs.b) < 0) + 1
    match = EventMatch(
        events_a=len(ids_a),
        events_b=len(ids_b),
        common=len(order),
        only_a=_listed(ids_a, pairs.a),
        only_b=_listed(ids_b, pairs.b),
        out_of_order=len(back),
        first_out_of_order=event_id(ids_a[pairs.a[back[0]]]) if len(back) else None,
    )
    return match, pairs


def event_id(row: NDArray[Any]) -> EventId:
    """The identifier in a row of a file's ``event_ids``."""
    return EventId(*(int(number) for number in row))


def _keys(ids: NDArray[np.uint64], split: int) -> NDArray[np.int64]:
    """A number for each event: which identifier, and for the how many-th time in its file."""
    _, code = np.unique(ids, axis=0, return_inverse=True)
    code = code.reshape(-1).astype(np.int64)
    times = np.concatenate([_occurrences(code[:split]), _occurrences(code[split:])])
    keys: NDArray[np.int64] = code * (int(times.max(initial=0)) + 1) + times
    return keys


def _occurrences(code: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often the same number came before."""
    order = np.argsort(code, kind="stable")
    ascending = code[order]
    first = np.searchsorted(ascending, ascending)
    times = np.empty(len(code), np.int64)
    times[order] = np.arange(len(code)) - first
    return times


def _listed(ids: NDArray[np.uint64], matched: NDArray[np.int64]) -> tuple[EventId, ...]:
    alone = np.ones(len(ids), bool)
    alone[matched] = False
    return tuple(event_id(ids[position]) for position in np.flatnonzero(alone)[:_LISTED])
