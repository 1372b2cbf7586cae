"""A ROOT tree that grows basket by basket, with a title on each branch."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import awkward as ak
import numpy as np
import uproot
import uproot.writing._cascadetree as cascading
from numpy.typing import NDArray

from sonicmini.errors import ConfigError

Algorithm: TypeAlias = Literal["ZSTD", "LZMA", "LZ4", "ZLIB"]

DEFAULT_LEVELS: dict[Algorithm, int] = {"ZSTD": 5, "LZMA": 6, "LZ4": 4, "ZLIB": 4}

# The tree's header has room for so many baskets; when they are used up it is written again
# elsewhere, with so many times the room.
_BASKET_CAPACITY = 10
_RESIZE_FACTOR = 4.0


@dataclass(frozen=True)
class TreeBranch:
    """One branch of a tree.

    Attributes:
        counter: the branch that counts its values in an event; None if there is one per event.
    """

    name: str
    dtype: np.dtype[Any]
    title: str
    counter: str | None = None


def compression(algorithm: Algorithm = "ZSTD", level: int | None = None) -> Any:  # noqa: ANN401
    """The library's object for a compression; a level of None is the algorithm's usual one.

    Raises:
        ConfigError: unknown algorithm, or a level that it has not.
    """
    if algorithm not in get_args(Algorithm):
        known = ", ".join(get_args(Algorithm))
        raise ConfigError(f"unknown compression {algorithm!r}; choose one of {known}")
    try:
        return getattr(uproot, algorithm)(DEFAULT_LEVELS[algorithm] if level is None else level)
    except ValueError as error:
        raise ConfigError(f"compression level {level} is not possible with {algorithm}") from error


class TreeWriter:
    """Creates a tree and appends events to it.

    Branches with a counter are handed to the library collection by collection, as records: it
    then looks at the counts once and not for every branch.

    Args:
        file: the open file.
        name: of the tree.
        branches: all of them but the counters. A counter of ``nX`` counts the branches ``X_...``,
            or one branch ``X``.
        counters: titles of the counters by name.
    """

    def __init__(
        self,
        file: uproot.WritableDirectory,
        name: str,
        branches: Sequence[TreeBranch],
        counters: Mapping[str, str],
    ) -> None:
        self._groups = {
            counter: [branch for branch in branches if branch.counter == counter]
            for counter in dict.fromkeys(branch.counter for branch in branches)
        }
        types: dict[str, Any] = {}
        for counter, group in self._groups.items():
            if counter is None:
                types |= {branch.name: _flat_type(branch) for branch in group}
            else:
                types[counter[1:]] = ak.types.ListType(_object_type(counter, group))
        titles = {branch.name: branch.title for branch in branches} | dict(counters)
        with _titled(file, titles):
            self._tree = file.mktree(
                name,
                types,
                initial_basket_capacity=_BASKET_CAPACITY,
                resize_factor=_RESIZE_FACTOR,
            )

    def extend(self, values: Mapping[str, Any], offsets: Mapping[str, NDArray[np.int64]]) -> None:
        """Appends events as one basket of each branch.

        Args:
            values: by branch, one per event or all values of all events one after the other.
            offsets: by counter, shape ``(events + 1,)``: where the events' values begin.
        """
        arrays: dict[str, Any] = {}
        for counter, group in self._groups.items():
            if counter is None:
                arrays |= {branch.name: values[branch.name] for branch in group}
            else:
                contents = [ak.contents.NumpyArray(values[branch.name]) for branch in group]
                objects = contents[0]
                if _is_record(counter, group):
                    objects = ak.contents.RecordArray(contents, _fields(counter, group))
                starts = ak.index.Index64(offsets[counter])
                arrays[counter[1:]] = ak.Array(ak.contents.ListOffsetArray(starts, objects))
        self._tree.extend(arrays)


@contextmanager
def _titled(file: uproot.WritableDirectory, titles: Mapping[str, str]) -> Iterator[None]:
    """Trees that are made meanwhile give their branches these titles.

    uproot titles a branch with its leaf list (``Jet_pt[nJet]/F``) and has no public way to choose.
    Readers take types and counters from the leaf, so that the branch's title is free, as in
    NanoAOD. The titles are set before the header is written: writing it takes half a second for
    600 branches, since the time grows with their number squared.
    """
    directory = file._cascading  # noqa: SLF001

    def add_tree(sink: Any, name: str, title: str, types: Any, *settings: Any) -> Any:  # noqa: ANN401
        tree = cascading.Tree(directory, name, title, types, directory.freesegments, *settings)
        for branch in tree._branch_data:  # noqa: SLF001
            if branch["kind"] != "record":
                branch["fTitle"] = titles[branch["fName"]]
        tree.write_anew(sink)
        return tree

    directory.add_tree = add_tree
    try:
        yield
    finally:
        del directory.add_tree


def _flat_type(branch: TreeBranch) -> Any:  # noqa: ANN401 - the library takes many
    return "string" if branch.dtype.kind == "U" else branch.dtype


def _object_type(counter: str, group: Sequence[TreeBranch]) -> Any:  # noqa: ANN401
    types = [ak.types.NumpyType(branch.dtype.name) for branch in group]
    if _is_record(counter, group):
        return ak.types.RecordType(types, _fields(counter, group))
    return types[0]


def _is_record(counter: str, group: Sequence[TreeBranch]) -> bool:
    return [branch.name for branch in group] != [counter[1:]]


def _fields(counter: str, group: Sequence[TreeBranch]) -> list[str]:
    return [branch.name.removeprefix(f"{counter[1:]}_") for branch in group]
