"""What is checked of the events of an input file while they are read."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from sonicmini.io.blocks import Block, Offsets
from sonicmini.io.schema import Branch, Collection

# Branches that point into another collection; -1 is none.
INDEX_TARGETS = {
    "trackIdx": "Track",
    "trackIdx1": "Track",
    "trackIdx2": "Track",
    "pvIdx": "PV",
    "pfCandIdx": "PFCand",
    "genPartIdxMother": "GenPart",
}


def content_faults(
    block: Block, collections: Iterable[Collection], *, allow_nonfinite: bool
) -> Iterator[str]:
    """Every fault of the content of some events, each with the first event that has it.

    Args:
        block: the events.
        collections: what of them was read.
        allow_nonfinite: let NaN and infinite values pass.
    """
    for collection in collections:
        for branch in collection.branches:
            name = collection.branch_name(branch)
            if branch.dtype == "float32" and not allow_nonfinite:
                bad = ~np.isfinite(block.values[name])
                if bad.any():
                    yield f"branch {name} is NaN or infinite in {_places(block, collection, bad)}"
            elif branch.name in INDEX_TARGETS and collection.counter is not None:
                target = INDEX_TARGETS[branch.name]
                bad = _bad_indices(block, collection.counter, branch, block.values[name])
                if bad.any():
                    yield (
                        f"branch {name} points to no {target} in {_places(block, collection, bad)}"
                    )


def _bad_indices(
    block: Block, counter: str, branch: Branch, values: NDArray[np.generic]
) -> NDArray[np.bool_]:
    """Indices below -1 or too large; a mother must stand before its daughter."""
    index = values.astype(np.int64)
    bad: NDArray[np.bool_] = index < -1
    offsets = block.offsets[counter]
    targets = f"n{INDEX_TARGETS[branch.name]}"
    if targets == counter:
        bad |= index >= np.arange(offsets[-1]) - np.repeat(offsets[:-1], np.diff(offsets))
    elif targets in block.offsets:  # else the file has none of them, and nobody wants them
        bad |= index >= np.repeat(np.diff(block.offsets[targets]), np.diff(offsets))
    return bad


def _places(block: Block, collection: Collection, bad: NDArray[np.bool_]) -> str:
    entry = int(np.argmax(bad))
    if collection.counter is not None:
        entry = _event_of(block.offsets[collection.counter], entry)
    return f"{np.count_nonzero(bad)} places, the first in entry {block.start + entry}"


def _event_of(offsets: Offsets, position: int) -> int:
    return int(np.searchsorted(offsets, position, side="right")) - 1
