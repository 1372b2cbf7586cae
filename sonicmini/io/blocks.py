"""Events as they are read: whole baskets, each once, cut into chunks of any size."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from sonicmini.io.schema import Collection

# A cluster of more is read in parts: its baskets are then decompressed more than once.
MAX_BLOCK_BYTES = 128 * 1024**2

Offsets = NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """The flat content of events ``[start, stop)`` of a file.

    Attributes:
        values: by branch, all events one after the other.
        offsets: by counter, shape ``(events + 1,)``, from 0: where the events' values begin.
    """

    start: int
    stop: int
    values: Mapping[str, NDArray[np.generic]]
    offsets: Mapping[str, Offsets]

    def array(self, collection: Collection) -> ak.Array:
        """A collection as its product, one entry per event; shares the block's memory."""
        contents = {
            branch.name: ak.contents.NumpyArray(self.values[collection.branch_name(branch)])
            for branch in collection.branches
        }
        if collection.kind == "bare":
            return ak.Array(next(iter(contents.values())))
        counter = collection.counter
        length = self.stop - self.start if counter is None else int(self.offsets[counter][-1])
        records = ak.contents.RecordArray(
            list(contents.values()), list(contents.keys()), length=length
        )
        if counter is None:
            return ak.Array(records)
        index = ak.index.Index64(self.offsets[counter])
        return ak.Array(ak.contents.ListOffsetArray(index, records))

    def cut(self, start: int, stop: int, counter_of: Mapping[str, str | None]) -> "Block":
        """Events ``[start, stop)`` of the file, without copying values."""
        first, last = start - self.start, stop - self.start
        values = {}
        for branch, content in self.values.items():
            counter = counter_of[branch]
            if counter is None:
                values[branch] = content[first:last]
            else:
                offsets = self.offsets[counter]
                values[branch] = content[offsets[first] : offsets[last]]
        cut = {
            counter: offsets[first : last + 1] - offsets[first]
            for counter, offsets in self.offsets.items()
        }
        return Block(start, stop, values, cut)


def flat_block(
    arrays: Mapping[str, ak.Array], counter_of: Mapping[str, str | None], start: int, stop: int
) -> Block:
    """The block of events ``[start, stop)``, from the file's branches.

    Args:
        arrays: by branch, counters among them.
        counter_of: counter of each branch that is no counter itself.
        start: first event.
        stop: one past the last.

    Raises:
        ValueError: the branches do not have the same events, or not as many values in each.
    """
    counts = {name: ak.to_numpy(arrays[name]) for name in arrays.keys() - counter_of.keys()}
    values = {}
    for name, counter in counter_of.items():
        array = arrays[name]
        if len(array) != stop - start:
            raise ValueError(f"branch {name} has {len(array)} of {stop - start} events")
        if counter is not None:
            if not np.array_equal(ak.to_numpy(ak.num(array)), counts[counter]):
                raise ValueError(f"branch {name} has not as many values as {counter} says")
            array = ak.flatten(array)
        values[name] = ak.to_numpy(array)
    offsets = {
        name: np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
        for name, count in counts.items()
    }
    return Block(start, stop, values, offsets)


def join(blocks: Sequence[Block]) -> Block:
    """Blocks that follow one another as one."""
    if len(blocks) == 1:
        return blocks[0]
    values = {
        branch: np.concatenate([block.values[branch] for block in blocks])
        for branch in blocks[0].values
    }
    offsets = {
        counter: np.concatenate(
            [[0], np.cumsum(np.concatenate([np.diff(block.offsets[counter]) for block in blocks]))]
        ).astype(np.int64)
        for counter in blocks[0].offsets
    }
    return Block(blocks[0].start, blocks[-1].stop, values, offsets)


def cut_into_chunks(
    blocks: Iterable[Block], size: int, counter_of: Mapping[str, str | None]
) -> Iterator[Block]:
    """Blocks of ``size`` events, the last one perhaps shorter, from blocks of any size.

    Args:
        blocks: in the order of the file, without gaps.
        size: events of a chunk.
        counter_of: counter of each branch; None if it has one value per event.
    """
    parts: list[Block] = []
    waiting = 0
    for block in blocks:
        start = block.start
        while start < block.stop:
            stop = min(start + size - waiting, block.stop)
            parts.append(block.cut(start, stop, counter_of))
            waiting += stop - start
            start = stop
            if waiting == size:
                yield join(parts)
                parts, waiting = [], 0
    if parts:
        yield join(parts)


def plan_reads(branches: Sequence[Any], start: int, stop: int, at_least: int) -> list[int]:
    """Where to cut events ``[start, stop)`` so that reading the parts is cheap and bounded.

    The cuts are boundaries that the baskets of all branches have in common, at least ``at_least``
    events apart. Where such a cluster is too large for memory it is cut without regard to baskets.

    Returns:
        ``start``, the cuts between, ``stop``.
    """
    common = set[int].intersection(*(set(branch.entry_offsets) for branch in branches))
    entries = max(branches[0].num_entries, 1)
    event_bytes = sum(branch.uncompressed_bytes for branch in branches) / entries
    at_most = max(at_least, int(MAX_BLOCK_BYTES / max(event_bytes, 1)))
    cuts = [start]
    for boundary in [*sorted(cut for cut in common if start < cut < stop), stop]:
        if boundary - cuts[-1] < at_least and boundary != stop:
            continue
        while boundary - cuts[-1] > at_most:
            cuts.append(cuts[-1] + at_most)
        cuts.append(boundary)
    return cuts
