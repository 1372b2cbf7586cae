"""Between products and algorithms: flat columns with offsets, and compiled loops over them.

The algorithms of this package see a collection as flat numpy arrays, one entry per object, and
``offsets`` of shape ``(events + 1,)``: event ``i`` owns the entries ``offsets[i]:offsets[i + 1]``.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

import awkward as ak
import numba
import numpy as np
from numpy.typing import DTypeLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def kernel(function: _Function) -> _Function:
    """Compiles a loop; it releases the interpreter lock and divides as numpy does."""
    compiled: _Function = numba.njit(cache=True, error_model="numpy", nogil=True)(function)
    return compiled


def offsets_of(collection: ak.Array) -> Ints:
    """The offsets of a jagged collection, starting from 0, shape ``(events + 1,)``."""
    return offsets_from(np.asarray(ak.num(collection, axis=1), dtype=np.int64))


def offsets_from(counts: NDArray[np.integer[Any]]) -> Ints:
    """Offsets from the number of objects of each event."""
    offsets = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def flat(collection: ak.Array, name: str, dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """One column of a jagged collection, all events one after the other, shape ``(objects,)``."""
    return np.ascontiguousarray(ak.flatten(collection[name], axis=1), dtype=dtype)


def jagged(offsets: Ints, columns: Mapping[str, NDArray[Any]]) -> ak.Array:
    """A jagged collection from its offsets and columns."""
    length = int(offsets[-1])
    contents = [ak.contents.NumpyArray(np.ascontiguousarray(array)) for array in columns.values()]
    record = ak.contents.RecordArray(contents, list(columns), length=length)
    return ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(offsets), record))


def single(columns: Mapping[str, NDArray[Any]]) -> ak.Array:
    """A product of one record per event from its columns, each of shape ``(events,)``."""
    contents = [ak.contents.NumpyArray(np.ascontiguousarray(array)) for array in columns.values()]
    return ak.Array(ak.contents.RecordArray(contents, list(columns)))
