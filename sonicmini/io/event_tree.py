"""The events of a file under one view, whether they are a TTree or an RNTuple.

Branches have the names, types and counters of a tree: the member ``pt`` of the collection
``PFCand`` of an RNTuple is ``PFCand_pt``, its number of objects ``nPFCand``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import awkward as ak
import numpy as np
import uproot

from sonicmini.errors import InputError
from sonicmini.io.blocks import plan_reads
from sonicmini.io.validation import EVENT_TREE

_LEAST_EVENTS = 500


@dataclass(frozen=True)
class BranchSummary:
    """A branch and its size in the file.

    Attributes:
        type: of its values, with ``[]`` if an event has any number of them.
        compressed_bytes: in the file, basket headers included.
        uncompressed_bytes: in memory, event boundaries included.
    """

    name: str
    type: str
    title: str
    compressed_bytes: int
    uncompressed_bytes: int


class EventTree(Protocol):
    """What can be asked of the events of a file.

    Attributes:
        entries: number of events.
        kind: how the file holds them.
    """

    entries: int
    kind: str

    @property
    def branches(self) -> tuple[BranchSummary, ...]:
        """In the file's order, counters among them."""

    def cuts(self) -> Iterator[tuple[int, int]]:
        """Event ranges that together are the file, each a bounded part of it in whole baskets."""

    def array(self, name: str, start: int, stop: int) -> ak.Array:
        """A branch's values for events ``[start, stop)``."""


def event_tree(directory: uproot.ReadOnlyDirectory, file: str) -> EventTree:
    """The events of an open file.

    Raises:
        InputError: it has none.
    """
    found = directory.get(EVENT_TREE)
    if isinstance(found, uproot.TTree):
        return _Tree(found)
    if isinstance(found, uproot.behaviors.RNTuple.RNTuple):
        return _NTuple(found)
    raise InputError(f"{file}: it has no tree {EVENT_TREE}")


class _Tree:
    kind = "TTree"

    def __init__(self, tree: Any) -> None:  # noqa: ANN401 - the library has no types
        self._tree = tree
        self.entries = int(tree.num_entries)
        self.branches = tuple(
            BranchSummary(
                branch.name,
                branch.typename,
                branch.title,
                int(branch.compressed_bytes),
                int(branch.uncompressed_bytes),
            )
            for branch in tree.branches
        )

    def cuts(self) -> Iterator[tuple[int, int]]:
        if self.entries:
            yield from pairwise(plan_reads(self._tree.branches, 0, self.entries, _LEAST_EVENTS))

    def array(self, name: str, start: int, stop: int) -> ak.Array:
        return self._tree[name].array(entry_start=start, entry_stop=stop)


class _Extent(NamedTuple):
    """What planning reads asks of a branch, of all columns at once."""

    entry_offsets: list[int]
    num_entries: int
    uncompressed_bytes: int


class _Column(NamedTuple):
    """Where the values of a branch are."""

    branch: str
    path: str
    """Of the field, as the library names it."""
    type: str
    title: str
    is_counter: bool


class _NTuple:
    kind = "RNTuple"

    def __init__(self, ntuple: Any) -> None:  # noqa: ANN401 - the library has no types
        self._ntuple = ntuple
        self.entries = int(ntuple.num_entries)

    @cached_property
    def _columns(self) -> list[_Column]:
        fields = self._ntuple.field_records
        return [_column(fields, column.field_id) for column in self._ntuple.column_records]

    @cached_property
    def branches(self) -> tuple[BranchSummary, ...]:
        """One for each column, but for texts, which have two."""
        compressed = dict.fromkeys((column.branch for column in self._columns), 0)
        uncompressed = dict(compressed)
        for cluster in self._ntuple.page_link_list:
            for column, record, pages in zip(
                self._columns, self._ntuple.column_records, cluster, strict=True
            ):
                compressed[column.branch] += sum(page.locator.num_bytes for page in pages.pages)
                elements = sum(page.num_elements for page in pages.pages)
                uncompressed[column.branch] += (elements * record.nbits + 7) // 8
        first = {column.branch: column for column in reversed(self._columns)}
        return tuple(
            BranchSummary(name, first[name].type, first[name].title, size, uncompressed[name])
            for name, size in compressed.items()
        )

    def cuts(self) -> Iterator[tuple[int, int]]:
        if not self.entries:
            return
        starts = [summary.num_first_entry for summary in self._ntuple.cluster_summaries]
        memory = sum(branch.uncompressed_bytes for branch in self.branches)
        extent = _Extent([*starts, self.entries], self.entries, memory)
        yield from pairwise(plan_reads([extent], 0, self.entries, _LEAST_EVENTS))

    def array(self, name: str, start: int, stop: int) -> ak.Array:
        column = next(column for column in self._columns if column.branch == name)
        path = column.path
        if column.is_counter:
            below = (one.path for one in self._columns if not one.is_counter)
            path = next(one for one in below if one == path or one.startswith(f"{path}."))
        array = self._ntuple[path].array(entry_start=start, entry_stop=stop)
        return ak.values_astype(ak.num(array), np.int32) if column.is_counter else array


def _column(fields: Any, field_id: int) -> _Column:  # noqa: ANN401 - the library has no types
    """Follows the field of a column to the top."""
    collection = uproot.const.RNTupleFieldRole.COLLECTION
    field, names, depth, at = fields[field_id], [], 0, field_id
    while True:
        if fields[at].field_name != "_0":
            names.append(fields[at].field_name)
        depth += at != field_id and fields[at].struct_role == collection
        if fields[at].parent_field_id == at:
            break
        at = fields[at].parent_field_id
    path = ".".join(reversed(names))
    branch = path.replace(".", "_")
    if field.struct_role == collection:
        counter_type = "int32_t" + "[]" * depth
        return _Column(f"n{branch}", path, counter_type, field.field_desc, is_counter=True)
    type_ = field.type_name.removeprefix("std::") + "[]" * depth
    return _Column(branch, path, type_, field.field_desc, is_counter=False)
