"""A ROOT RNTuple that grows cluster by cluster, with the content of a tree.

A jagged collection is a field that is a collection of records (``PFCand`` with ``pt``, ``eta``
...), a singleton is a record, a bare value is a field. The number of objects is part of the
collection: there is no counter. Columns of two bytes and more are stored in RNTuple's split
encoding, all first bytes before all second ones, as ROOT itself does: they compress far better so.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np
import uproot
import uproot.writing._cascadentuple as cascading
from numpy.typing import NDArray

from sonicmini.io.tree_writer import TreeBranch


class NTupleWriter:
    """Creates an RNTuple and appends events to it; has the methods of ``TreeWriter``.

    Args:
        file: the open file.
        name: of the RNTuple.
        branches: as of a tree: ``X_y`` with the counter ``nX`` is the member ``y`` of the
            collection ``X``, without a counter that of the record ``X``.
        counters: titles of the collections by name of the counter.
    """

    def __init__(
        self,
        file: uproot.WritableDirectory,
        name: str,
        branches: Sequence[TreeBranch],
        counters: Mapping[str, str],
    ) -> None:
        self._fields = _fields(branches)
        self._titles = {counter[1:]: title for counter, title in counters.items()}
        values = {branch.name: np.empty(0, branch.dtype) for branch in branches}
        form = self._layout(values, {counter: np.zeros(1, np.int64) for counter in counters}).form
        self._ntuple = _create(file, name, form)

    def extend(self, values: Mapping[str, Any], offsets: Mapping[str, NDArray[np.int64]]) -> None:
        """Appends events as one cluster.

        Args:
            values: by branch, one per event or all values of all events one after the other.
            offsets: by counter, shape ``(events + 1,)``: where the events' values begin.
        """
        self._ntuple.extend(ak.Array(self._layout(values, offsets)))

    def _layout(
        self, values: Mapping[str, Any], offsets: Mapping[str, NDArray[np.int64]]
    ) -> ak.contents.RecordArray:
        contents = []
        for field, members in self._fields.items():
            parts = {name: _column(branch, values[branch.name]) for name, branch in members.items()}
            content = parts.get("")
            if content is None:
                content = ak.contents.RecordArray(list(parts.values()), list(parts))
            counter = next(iter(members.values())).counter
            if counter is not None:
                title = {"__doc__": self._titles.get(field, "")}
                index = ak.index.Index64(offsets[counter])
                content = ak.contents.ListOffsetArray(index, content, parameters=title)
            contents.append(content)
        return ak.contents.RecordArray(contents, list(self._fields))


def _fields(branches: Sequence[TreeBranch]) -> dict[str, dict[str, TreeBranch]]:
    """Members of each field; the only one of a field without members has no name."""
    bare = {branch.name for branch in branches}
    fields: dict[str, dict[str, TreeBranch]] = {}
    for branch in branches:
        field, _, member = branch.name.partition("_")
        if branch.counter is not None:
            field = branch.counter[1:]
            member = branch.name.removeprefix(field).removeprefix("_")
        elif field in bare:
            field, member = branch.name, ""
        fields.setdefault(field, {})[member] = branch
    return fields


def _column(branch: TreeBranch, values: Any) -> Any:  # noqa: ANN401 - the library takes many
    title = {"__doc__": branch.title}
    if branch.dtype.kind == "U":
        text = ak.to_layout(ak.Array(["", *values])[1:])
        return ak.with_parameter(text, "__doc__", branch.title, highlevel=False)
    return ak.contents.NumpyArray(split(np.asarray(values, branch.dtype)), parameters=title)


def split(values: NDArray[Any]) -> NDArray[Any]:
    """Numbers whose memory is RNTuple's split encoding of the given ones; not their values.

    All first bytes come before all second ones, from the lowest. Signed integers are zigzag encoded
    before: 0, -1, 1, -2 as 0, 1, 2, 3.
    """
    size = values.itemsize
    if size == 1:
        return values
    if values.dtype.kind == "i":
        values = (values << 1) ^ (values >> (8 * size - 1))
    order = values.astype(values.dtype.newbyteorder("<"), copy=False)
    parts = np.ascontiguousarray(order).view(np.uint8).reshape(-1, size).T
    return np.ascontiguousarray(parts).reshape(-1).view(values.dtype)


_TYPES = uproot.const.rntuple_col_type_to_num_dict
_SPLIT_TYPES = {
    _TYPES[name]: _TYPES[f"split{name}"]
    for name in (
        *("int16", "uint16", "int32", "uint32", "int64", "uint64"),
        *("real16", "real32", "real64"),
    )
}


class _SplitHeader(cascading.NTuple_Header):  # type: ignore[misc]  # the library has no types
    """Declares the columns of numbers as split, which the library itself never does."""

    def generate_field_col_records(self) -> None:
        super().generate_field_col_records()
        for column in self._column_records:
            column.type_num = _SPLIT_TYPES.get(column.type_num, column.type_num)


def _create(file: uproot.WritableDirectory, name: str, form: Any) -> Any:  # noqa: ANN401
    """As ``file.mkrntuple(name, form)``, with another header: there is no way to choose it."""
    directory, sink = file._cascading, file._file.sink  # noqa: SLF001
    version = uproot.const.rntuple_version_for_writing
    header = _SplitHeader(None, name, "", form)
    ntuple = cascading.NTuple(
        directory,
        form,
        directory._freesegments,  # noqa: SLF001
        header,
        cascading.NTuple_Footer(None, header._checksum),  # noqa: SLF001
        [],
        cascading.NTuple_Anchor(None, *version, *[None] * 6, 0),
    )
    ntuple.write(sink)
    writable = uproot.writing.writable.WritableNTuple((*file._path, name), file._file, ntuple)  # noqa: SLF001
    file._file._new_ntuple(writable)  # noqa: SLF001
    return writable
