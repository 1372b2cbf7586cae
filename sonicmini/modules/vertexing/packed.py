"""From candidates to packed candidates."""

import awkward as ak
import numpy as np

from sonicmini.modules.columns import Ints, events_of, flat, offsets_of


def packed_places(packed: ak.Array, event: Ints, candidate: Ints) -> Ints:
    """The places among the packed candidates of given candidates, each within its event.

    Args:
        packed: the product ``PackedPFCand``.
        event: of each candidate, shape ``(n,)``.
        candidate: its place in ``PFCand``; -1 for none stays -1.
    """
    offsets = offsets_of(packed)
    first = offsets[events_of(offsets)]
    place = np.empty(len(first) + 1, dtype=np.int64)
    place[first + flat(packed, "pfCandIdx", np.int64)] = np.arange(len(first)) - first
    place[-1] = -1
    return place[np.where(candidate >= 0, offsets[event] + candidate, -1)]
