"""Between products and algorithms: flat columns with offsets, and compiled loops over them.

The algorithms of this package see a collection as flat numpy arrays, one entry per object, and
``offsets`` of shape ``(events + 1,)``: event ``i`` owns the entries ``offsets[i]:offsets[i + 1]``.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

import awkward as ak
import numba
import numpy as np
from numba.core import event as numba_event
from numpy.typing import DTypeLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
Columns: TypeAlias = dict[str, NDArray[Any]]

_log = logging.getLogger(__name__)


class _Announcement(numba_event.Listener):
    """Says once why the first run takes long: code that is not on disk yet is compiled."""

    _said = False

    def on_start(self, event: object) -> None:
        """Called before each compilation."""
        del event
        if not self._said:
            self._said = True
            _log.info("compiling the kernels, once after installation: a minute or two")

    def on_end(self, event: object) -> None:
        """Called after each compilation."""


numba_event.register("numba:compile", _Announcement())  # type: ignore[no-untyped-call]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def kernel(function: _Function) -> _Function:
    """Compiles a loop; it releases the interpreter lock and divides as numpy does.

    The machine code is kept beside the file until that file changes: a kernel must not call one of
    another file.
    """
    compiled: _Function = numba.njit(cache=True, error_model="numpy", nogil=True)(function)
    return compiled


def offsets_of(collection: ak.Array) -> Ints:
    """The offsets of a jagged collection, starting from 0, shape ``(events + 1,)``."""
    layout = collection.layout
    if isinstance(layout, ak.contents.ListOffsetArray):
        offsets: Ints = np.asarray(layout.offsets.data, dtype=np.int64)
        return np.asarray(offsets - offsets[0])
    return offsets_from(np.asarray(ak.num(collection, axis=1), dtype=np.int64))


def offsets_from(counts: NDArray[np.integer[Any]]) -> Ints:
    """Offsets from the number of objects of each event."""
    offsets = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def events_of(offsets: Ints) -> Ints:
    """The event of each object, shape ``(objects,)``."""
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


def flat(collection: ak.Array, name: str, dtype: DTypeLike | None = np.float64) -> NDArray[Any]:
    """One column of a jagged collection, all events one after the other, shape ``(objects,)``.

    ``dtype=None`` keeps the type of the column.
    """
    column = _stored_column(collection.layout, name)
    if column is None:
        column = ak.flatten(collection[name], axis=1)
    return np.ascontiguousarray(column, dtype=dtype)


def _stored_column(layout: Any, name: str) -> NDArray[Any] | None:  # noqa: ANN401 - awkward's
    """The column where it lies, if the collection is stored the plain way.

    Awkward's general functions take 0.15 ms a call, which with some hundred columns of a chunk
    would cost more than many an algorithm.
    """
    if not isinstance(layout, ak.contents.ListOffsetArray):
        return None
    if not isinstance(layout.content, ak.contents.RecordArray):
        return None
    column = layout.content.content(name)
    if not isinstance(column, ak.contents.NumpyArray):
        return None
    offsets = layout.offsets.data
    values: NDArray[Any] = np.asarray(column.data)[offsets[0] : offsets[-1]]
    return values


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


def momenta(collection: ak.Array) -> Floats:
    """Momenta of a jagged collection with pt, eta, phi and mass, shape ``(objects, 4)``.

    Columns px, py, pz, E, in GeV.
    """
    pt, eta, phi, mass = (flat(collection, name) for name in ("pt", "eta", "phi", "mass"))
    p4 = np.empty((len(pt), 4))
    p4[:, 0], p4[:, 1], p4[:, 2] = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    p4[:, 3] = np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2)
    return p4
