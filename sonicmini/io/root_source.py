"""Reads AOD-like ROOT files chunk by chunk."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from sonicmini.errors import ConfigError, InputError, nearest
from sonicmini.event import Chunk
from sonicmini.io.blocks import Block, cut_into_chunks, flat_block, plan_reads
from sonicmini.io.content import INDEX_TARGETS, content_faults
from sonicmini.io.event_range import EventRange
from sonicmini.io.schema import AOD, Collection
from sonicmini.io.validation import EVENT_TREE, count_events, input_errors, opened


class RootSource:
    """Events of AOD-like files, in the order of the files.

    All files are checked when the source is made, from their metadata alone. Content is checked
    when it is read. Only the branches of the wanted products are read, in whole baskets; a chunk
    never spans files, and its boundaries do not depend on baskets.

    Args:
        files: paths, or event ranges of them.
        products: the wanted ones; None is all of the format.
        chunk_size: events of a chunk.
        max_events: end after so many events of all files together; None is all.
        allow_nonfinite: let NaN and infinite values pass instead of refusing the file.

    Raises:
        InputError: lists every fault of every file.
        ConfigError: no files, a product that the format does not have, or a size below 1.
    """

    def __init__(
        self,
        files: Iterable[str | Path | EventRange],
        products: Iterable[str] | None = None,
        *,
        chunk_size: int = 100,
        max_events: int | None = None,
        allow_nonfinite: bool = False,
    ) -> None:
        wanted = tuple(AOD if products is None else dict.fromkeys(products))
        requests = [
            file if isinstance(file, EventRange) else EventRange(str(file)) for file in files
        ]
        _check_request(requests, wanted, chunk_size, max_events)
        self._collections = [AOD[product] for product in wanted]
        self._chunk_size = chunk_size
        self._allow_nonfinite = allow_nonfinite
        self.ranges: Sequence[EventRange] = _limited(
            _existing(requests, self._collections), max_events
        )

    @property
    def produces(self) -> tuple[str, ...]:
        """The products of each chunk."""
        return tuple(collection.product for collection in self._collections)

    @property
    def entries(self) -> int:
        """Number of events in all chunks together."""
        return sum((events.stop or 0) - events.start for events in self.ranges)

    def chunks(self) -> Iterator[Chunk]:
        """Yields the chunks in the order of the files; may be called again to start anew.

        Raises:
            InputError: a file is damaged, or its content is not what the format promises.
        """
        for events in self.ranges:
            blocks = self._blocks(events)
            for block in cut_into_chunks(blocks, self._chunk_size, self._counter_of):
                products = {
                    collection.product: block.array(collection) for collection in self._collections
                }
                yield Chunk(events.file, block.start, block.stop, products)

    @cached_property
    def _counter_of(self) -> dict[str, str | None]:
        return {
            collection.branch_name(branch): collection.counter
            for collection in self._collections
            for branch in collection.branches
        }

    def _blocks(self, events: EventRange) -> Iterator[Block]:
        file, start, stop = events.file, events.start, events.stop or 0
        with opened(file) as directory:
            with input_errors(file, "reading its structure"):
                tree = directory[EVENT_TREE]
                counters = self._counters() & set(tree.keys())
                names = counters | set(self._counter_of)
                branches = [tree[name] for name in sorted(names)]
                cuts = plan_reads(branches, start, stop, self._chunk_size)
            for first, last in pairwise(cuts):
                with input_errors(file, f"reading events [{first}:{last}]"):
                    arrays = tree.arrays(
                        filter_name=names.__contains__,
                        entry_start=first,
                        entry_stop=last,
                        array_cache=None,
                        how=dict,
                    )
                    block = flat_block(arrays, self._counter_of, first, last)
                faults = list(
                    content_faults(block, self._collections, allow_nonfinite=self._allow_nonfinite)
                )
                if faults:
                    lines = "\n  ".join([f"content of events [{first}:{last}] is wrong", *faults])
                    raise InputError(f"{file}: {lines}")
                yield block

    def _counters(self) -> set[str]:
        """Counters of what is read, and of what its indices point into."""
        pointed = {
            AOD[INDEX_TARGETS[branch.name]].counter
            for collection in self._collections
            for branch in collection.branches
            if branch.name in INDEX_TARGETS
        }
        own = {collection.counter for collection in self._collections}
        return {counter for counter in own | pointed if counter is not None}


def _check_request(
    requests: Sequence[EventRange],
    wanted: Iterable[str],
    chunk_size: int,
    max_events: int | None,
) -> None:
    faults = [] if requests else ["no input file is given"]
    faults += [
        f"the input format has no product {product}{nearest(product, AOD)}"
        for product in wanted
        if product not in AOD
    ]
    if chunk_size < 1:
        faults.append(f"a chunk of {chunk_size} events is impossible; take 1 or more")
    if max_events is not None and max_events < 0:
        faults.append(f"{max_events} events cannot be read")
    if faults:
        raise ConfigError("\n".join(faults))


def _existing(
    requests: Sequence[EventRange], collections: Sequence[Collection]
) -> list[EventRange]:
    """The requests with their ends filled in, or one error for all files."""
    entries: dict[str, int] = {}
    faults: dict[str, str] = {}
    for file in dict.fromkeys(request.file for request in requests):
        try:
            entries[file] = count_events(file, collections)
        except InputError as error:
            faults[file] = str(error)
    ranges = []
    for request in requests:
        count = entries.get(request.file, 0)
        stop = count if request.stop is None else request.stop
        if 0 <= request.start <= stop <= count:
            ranges.append(replace(request, stop=stop))
        elif request.file in entries:
            faults[str(request)] = f"{request}: there are no such events, the file has {count}"
    if len(faults) > 1:
        count = len({request.file for request in requests})
        raise InputError(
            "\n".join([f"{len(faults)} faults in {count} input files", *faults.values()])
        )
    if faults:
        raise InputError(*faults.values())
    return ranges


def _limited(ranges: Sequence[EventRange], max_events: int | None) -> list[EventRange]:
    """The ranges up to so many events of all together; those without events are left out."""
    limited = []
    left = sys.maxsize if max_events is None else max_events
    for events in ranges:
        stop = min(events.stop or 0, events.start + left)
        if stop > events.start:
            limited.append(replace(events, stop=stop))
            left -= stop - events.start
    return limited
