"""Which objects are kept, in which order, and where their candidates and tracks are afterwards."""

from typing import NamedTuple

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from sonicmini.modules.columns import (
    Bools,
    Columns,
    Floats,
    Ints,
    events_of,
    flat,
    offsets_from,
    offsets_of,
)


class Selection(NamedTuple):
    """Objects of all events that are kept, by event and falling pT.

    Attributes:
        chosen: their position among the objects of all events, shape ``(kept,)``.
        event: of each, shape ``(kept,)``.
        offsets: of the events, shape ``(events + 1,)``.
    """

    chosen: Ints
    event: Ints
    offsets: Ints


def select(pt: Floats, keep: Bools, offsets: Ints) -> Selection:
    """Keeps objects and sorts them by pT, equal ones in their old order.

    Args:
        pt: of all objects.
        keep: which of them.
        offsets: of the events.
    """
    event = events_of(offsets)
    order = np.lexsort((-pt, event))
    index = order[keep[order]]
    counts = np.bincount(event[index], minlength=len(offsets) - 1)
    return Selection(index, event[index], offsets_from(counts))


def chosen_columns(collection: ak.Array, selection: Selection, *without: str) -> Columns:
    """The columns of the kept objects, but for some."""
    names = [name for name in collection.fields if name not in without]
    return {name: flat(collection, name, None)[selection.chosen] for name in names}


def pointed(index: Ints, selection: Selection, offsets: Ints) -> Ints:
    """Positions among the targets of all events from indices within the event; -1 stays.

    Args:
        index: of each kept object within its event, -1 for none.
        selection: the kept objects.
        offsets: of the events in the collection that ``index`` points into.
    """
    return np.where(index >= 0, offsets[selection.event] + index, -1)


def packed_places(packed: ak.Array) -> Ints:
    """Where each candidate is among the packed ones of its event, shape ``(candidates,)``.

    Args:
        packed: the packed candidates, with ``pfCandIdx``, their place before packing.
    """
    offsets = offsets_of(packed)
    first = offsets[events_of(offsets)]
    places = np.empty(len(first), dtype=np.int64)
    places[first + flat(packed, "pfCandIdx", np.int64)] = np.arange(len(first)) - first
    return places


def repacked(candidate: Ints, packed: ak.Array) -> Columns:
    """The column ``pfCandIdx`` of objects: their candidate's place among the packed ones.

    Args:
        candidate: position among the candidates of all events before packing, -1 for none.
        packed: the packed candidates.
    """
    places = np.append(packed_places(packed), -1)
    return {"pfCandIdx": places[candidate].astype(np.int16)}


def same_supercluster(columns: Columns, event: Ints, others: ak.Array) -> NDArray[np.int16]:
    """Links between electrons and photons: the other one made of the same supercluster.

    Both hold the same numbers of it, so that they are compared exactly.

    Args:
        columns: of the objects.
        event: of each object.
        others: a jagged collection, not yet or already sorted by pT.

    Returns:
        For each object the first of the others by falling pT, -1 for none.
    """
    ranked = select(flat(others, "pt"), np.ones(ak.count(others.pt), np.bool_), offsets_of(others))
    counts = np.diff(ranked.offsets)[event]
    one = np.repeat(np.arange(len(event)), counts)
    place = np.arange(len(one)) - offsets_from(counts)[one]
    other = ranked.chosen[ranked.offsets[event[one]] + place]
    same = np.ones(len(one), dtype=np.bool_)
    for name in ("scEnergy", "scEta", "scPhi"):
        same &= columns[name][one] == flat(others, name, None)[other]
    links = np.full(len(event), -1, dtype=np.int16)
    links[one[same][::-1]] = place[same][::-1]  # of several the first is written last
    return links
