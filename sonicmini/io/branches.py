"""Branches of any file with a tree ``Events``, one at a time and for some events only."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from sonicmini.errors import InputError
from sonicmini.io.event_tree import EventTree, event_tree
from sonicmini.io.metadata import Metadata, read_metadata
from sonicmini.io.validation import check_bytes, input_errors, is_remote, opened

EVENT_ID = ("run", "luminosityBlock", "event")
"""Branches that name an event."""

Positions: TypeAlias = NDArray[np.int64]

_NUMBERS = re.compile(r"(float|double|bool|u?int(8|16|32|64)_t)(\[\])?")
# Events that nobody wants are read along if they are so few: cheaper than a further read.
_LARGEST_GAP = 50


@dataclass(frozen=True)
class BranchValues:
    """The content of a branch for some events.

    Attributes:
        counts: values of each event; None if there is one of each.
        values: of all events, one after the other.
    """

    counts: NDArray[np.int64] | None
    values: NDArray[Any]


class EventFile:
    """An open file; :func:`open_events` makes it.

    Attributes:
        path: as it was given.
        entries: number of events.
        types: of the branches, in the file's order, ``[]`` if an event has any number of values.
        metadata: what the file says of itself; None if it says nothing.
    """

    def __init__(self, path: str, tree: EventTree, metadata: Metadata | None) -> None:
        self.path = path
        self.entries = tree.entries
        self.types: Mapping[str, str] = {branch.name: branch.type for branch in tree.branches}
        self.metadata = metadata
        self._tree = tree

    def event_ids(self) -> NDArray[np.uint64]:
        """Run, luminosity block and number of each event, shape ``(entries, 3)``.

        Raises:
            InputError: the file does not name its events, or is damaged.
        """
        missing = [name for name in EVENT_ID if name not in self.types]
        if missing:
            raise InputError(
                f"{self.path}: no branch {', '.join(missing)}: its events have no name"
            )
        every = np.arange(self.entries)
        columns = [self.read(name, every).values.astype(np.uint64) for name in EVENT_ID]
        return np.stack(columns, axis=1)

    def cuts(self) -> Iterator[tuple[int, int]]:
        """Event ranges that together are the file, each a bounded part of it in whole baskets."""
        yield from self._tree.cuts()

    def read(self, branch: str, positions: Positions) -> BranchValues:
        """A branch's values for the events at these positions, in their order.

        Raises:
            InputError: the file is damaged.
        """
        order = np.argsort(positions, kind="stable")
        ascending = positions[order]
        spans = np.split(ascending, np.flatnonzero(np.diff(ascending) > _LARGEST_GAP) + 1)
        with input_errors(self.path, f"reading branch {branch}"):
            array = ak.concatenate([self._span(branch, span) for span in spans])
            if not np.array_equal(ascending, positions):
                array = array[np.argsort(order, kind="stable")]
            if array.ndim == 1:
                return BranchValues(None, ak.to_numpy(array))
            counts = ak.to_numpy(ak.num(array)).astype(np.int64)
            return BranchValues(counts, ak.to_numpy(ak.flatten(array)))

    def _span(self, branch: str, positions: Positions) -> ak.Array:
        if not len(positions):
            return self._tree.array(branch, 0, 0)
        first, stop = int(positions[0]), int(positions[-1]) + 1
        array = self._tree.array(branch, first, stop)
        return array if len(array) == len(positions) else array[positions - first]


@contextmanager
def open_events(path: str) -> Iterator[EventFile]:
    """Opens a file whose ``Events``, a TTree or an RNTuple, are numbers, single or in lists.

    Raises:
        InputError: the file is missing, damaged, has no ``Events``, or a branch of another kind.
    """
    if not is_remote(path):
        check_bytes(path)
    with opened(path) as directory:
        with input_errors(path, "reading its structure"):
            file = EventFile(path, event_tree(directory, path), read_metadata(directory))
        odd = [f"{name} ({type_})" for name, type_ in file.types.items() if not _is_known(type_)]
        if odd:
            raise InputError(f"{path}: only branches of numbers can be read, not {', '.join(odd)}")
        yield file


def _is_known(type_: str) -> bool:
    return _NUMBERS.fullmatch(type_) is not None
