"""A ROOT tree that grows basket by basket, with a title on each branch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import awkward as ak
import numpy as np
import uproot
from numpy.typing import NDArray

from sonicmini.errors import ConfigError

Algorithm: TypeAlias = Literal["ZSTD", "LZMA", "LZ4", "ZLIB"]

DEFAULT_LEVELS: dict[Algorithm, int] = {"ZSTD": 4, "LZMA": 6, "LZ4": 4, "ZLIB": 4}

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

    Args:
        file: the open file.
        name: of the tree.
        branches: all of them but the counters.
        counters: titles of the counters by name.
    """

    def __init__(
        self,
        file: uproot.WritableDirectory,
        name: str,
        branches: Sequence[TreeBranch],
        counters: Mapping[str, str],
    ) -> None:
        self._branches = branches
        counter_of = {branch.name: branch.counter for branch in branches}
        self._tree = file.mktree(
            name,
            {branch.name: _root_type(branch) for branch in branches},
            counter_name=counter_of.__getitem__,
            initial_basket_capacity=_BASKET_CAPACITY,
            resize_factor=_RESIZE_FACTOR,
        )
        set_titles(self._tree, {branch.name: branch.title for branch in branches} | dict(counters))

    def extend(self, values: Mapping[str, Any], offsets: Mapping[str, NDArray[np.int64]]) -> None:
        """Appends events as one basket of each branch.

        Args:
            values: by branch, one per event or all values of all events one after the other.
            offsets: by counter, shape ``(events + 1,)``: where the events' values begin.
        """
        indices = {counter: ak.index.Index64(starts) for counter, starts in offsets.items()}
        self._tree.extend(
            {
                branch.name: values[branch.name]
                if branch.counter is None
                else _jagged(indices[branch.counter], values[branch.name])
                for branch in self._branches
            }
        )


def set_titles(tree: uproot.WritableTree, titles: Mapping[str, str]) -> None:
    """Gives the branches of a tree without entries their titles.

    uproot titles a branch with its leaf list (``Jet_pt[nJet]/F``) and has no public way to choose.
    Readers take types and counters from the leaf, so that the branch's title is free, as in
    NanoAOD. The header that was written when the tree was made is written again.
    """
    cascading = tree._cascading  # noqa: SLF001
    for branch in cascading._branch_data:  # noqa: SLF001
        branch["fTitle"] = titles[branch["fName"]]
    cascading._relocate(tree.file, tree.file.sink)  # noqa: SLF001


def _root_type(branch: TreeBranch) -> Any:  # noqa: ANN401
    if branch.counter is None:
        return "string" if branch.dtype.kind == "U" else branch.dtype
    return ak.types.ListType(ak.types.NumpyType(branch.dtype.name))


def _jagged(offsets: ak.index.Index64, content: NDArray[np.generic]) -> ak.Array:
    return ak.Array(ak.contents.ListOffsetArray(offsets, ak.contents.NumpyArray(content)))
