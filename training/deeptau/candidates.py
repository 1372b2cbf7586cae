"""Tau candidates with their occupied cells as they are stored, and as the network sees them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from numpy.typing import NDArray

from sonicmini.event import Sparse, Tensors
from training.deeptau.layout import BLOCKS, GLOBAL, GRIDS, SEGMENTS, Segment, input_name
from training.deeptau.network import Batch, Cells

Arrays = dict[str, NDArray[Any]]
Indices = NDArray[np.int64]

COLUMNS: Final = {
    "label": np.int16,
    "decayMode": np.int16,
    "idCombinedIso": np.int16,
    "pileup": np.int16,
    "event": np.int64,
    "pt": np.float32,
    "eta": np.float32,
    "rawIso": np.float32,
    "genPt": np.float32,
}
"""Of each candidate, for training and evaluation. ``event``: one number for each hard event of all
files; ``genPt``: of the visible tau, 0 if there is none."""

_LARGEST: Final = float(np.finfo(np.float16).max)


@dataclass(frozen=True)
class Grid:
    """Occupied cells of a grid, some 3 kB a tau.

    Attributes:
        counts: number of cells of each tau, shape (taus,).
        position: of each cell, eta index * side + phi index, uint16.
        kinds: which objects are in each cell: bit i is that of the i-th of ``SEGMENTS``.
        rows: features of the objects of each kind, by cell, float16, shape (objects, features).
    """

    counts: NDArray[np.int64]
    position: NDArray[np.uint16]
    kinds: NDArray[np.uint8]
    rows: dict[str, NDArray[np.float16]]

    @cached_property
    def starts(self) -> Indices:
        """First cell of each tau, and the number of all cells."""
        return np.concatenate([[0], np.cumsum(self.counts)])

    @cached_property
    def row_starts(self) -> dict[str, Indices]:
        """First object of each kind of each tau, and the number of all."""
        found = {}
        for bit, name in enumerate(SEGMENTS):
            before = np.concatenate([[0], np.cumsum(self.kinds >> bit & 1, dtype=np.int64)])
            found[name] = before[self.starts]
        return found


@dataclass(frozen=True)
class Candidates:
    """Tau candidates.

    Attributes:
        tau: ``input_tau``, shape (taus, 43).
        shared: the features that all occupied cells of a tau have, shape (taus, 4).
        grids: by name.
        columns: by the names of ``COLUMNS``, shape (taus,).
    """

    tau: NDArray[np.float32]
    shared: NDArray[np.float32]
    grids: dict[str, Grid]
    columns: Arrays

    def __len__(self) -> int:
        return len(self.tau)

    @classmethod
    def from_tensors(cls, tensors: Tensors, columns: Mapping[str, Any]) -> "Candidates":
        """From what ``DeepTau.acquire`` returns.

        Args:
            tensors: ``input_tau`` and the six grids, which are :class:`Sparse`.
            columns: of the same candidates.
        """
        tau = np.asarray(tensors["input_tau"], np.float32)
        shared = np.zeros((len(tau), GLOBAL), np.float32)
        grids = {}
        for name, size in GRIDS.items():
            blocks = {block: cast("Sparse", tensors[input_name(name, block)]) for block in BLOCKS}
            grids[name] = _stored(blocks, size, shared)
        kept = {key: np.asarray(columns[key], dtype) for key, dtype in COLUMNS.items()}
        return cls(tau, shared, grids, kept)

    @classmethod
    def concatenate(cls, parts: Sequence["Candidates"]) -> "Candidates":
        """All candidates of all parts."""
        return cls._from_arrays(_concatenated(part.arrays() for part in parts))

    @classmethod
    def load(cls, path: Path) -> "Candidates":
        """Reads a file that :meth:`save` wrote."""
        with np.load(path) as arrays:
            return cls._from_arrays(dict(arrays))

    def save(self, path: Path) -> None:
        """Writes the file; it appears when it is whole."""
        partial = path.with_suffix(".part")
        with partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **self.arrays())
        partial.rename(path)

    def arrays(self) -> Arrays:
        """All arrays by the names that they have in files."""
        found: Arrays = {"tau": self.tau, "shared": self.shared, **self.columns}
        for name, grid in self.grids.items():
            columns: Arrays = {
                "counts": grid.counts,
                "position": grid.position,
                "kinds": grid.kinds,
            }
            found |= {f"{name}_{key}": array for key, array in (columns | grid.rows).items()}
        return found

    @classmethod
    def _from_arrays(cls, arrays: Arrays) -> "Candidates":
        grids = {
            name: Grid(
                counts=arrays[f"{name}_counts"],
                position=arrays[f"{name}_position"],
                kinds=arrays[f"{name}_kinds"],
                rows={kind: arrays[f"{name}_{kind}"] for kind in SEGMENTS},
            )
            for name in GRIDS
        }
        columns = {name: arrays[name] for name in COLUMNS}
        return cls(arrays["tau"], arrays["shared"], grids, columns)

    def batch(self, indices: Indices) -> Batch:
        """Some of the candidates as the network sees them."""
        grids = {}
        for name, size in GRIDS.items():
            place, blocks = self._cells(name, indices)
            owner, position = place
            grids[name] = Cells(blocks, torch.from_numpy(owner * size * size + position))
        return Batch(torch.from_numpy(self.tau[indices]), grids)

    def tensors(self, indices: Indices) -> dict[str, NDArray[np.float32] | Sparse]:
        """Some of the candidates as :meth:`from_tensors` takes them."""
        found: dict[str, NDArray[np.float32] | Sparse] = {"input_tau": self.tau[indices]}
        for name, size in GRIDS.items():
            (_, position), blocks = self._cells(name, indices)
            axes = np.stack([position // size, position % size], axis=1)
            counts = self.grids[name].counts[indices]
            for block, rows in blocks.items():
                found[input_name(name, block)] = Sparse(rows.numpy(), axes, counts)
        return found

    def _cells(
        self, name: str, indices: Indices
    ) -> tuple[tuple[Indices, Indices], dict[str, torch.Tensor]]:
        """Which of the candidates each cell is of, its position, and its features by block."""
        grid = self.grids[name]
        counts = grid.counts[indices]
        cells = _ranges(grid.starts[indices], counts)
        owner = np.repeat(np.arange(len(indices)), counts)
        shared = torch.from_numpy(self.shared[indices][owner])
        blocks = {}
        for block, width in BLOCKS.items():
            blocks[block] = torch.zeros(len(cells), width)
            blocks[block][:, :GLOBAL] = shared
        kinds = grid.kinds[cells]
        for bit, (kind, (block, start, stop)) in enumerate(SEGMENTS.items()):
            starts = grid.row_starts[kind]
            rows = grid.rows[kind][_ranges(starts[indices], (starts[1:] - starts[:-1])[indices])]
            here = torch.from_numpy(np.flatnonzero(kinds >> bit & 1))
            blocks[block][here, start:stop] = torch.from_numpy(rows).float()
        return (owner, grid.position[cells].astype(np.int64)), blocks


def _stored(blocks: Mapping[str, Sparse], size: int, shared: NDArray[np.float32]) -> Grid:
    """The cells of a grid; fills in what they share.

    Raises:
        ValueError: if the blocks have other cells, or cells of a tau other shared features.
    """
    counts, position = next((one.counts, one.position) for one in blocks.values())
    owner = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts) - counts
    content = {block: np.asarray(one.content, np.float32) for block, one in blocks.items()}
    some = np.flatnonzero(counts)
    shared[some] = content["egamma"][first[some], :GLOBAL]
    for block, one in blocks.items():
        if not np.array_equal(one.counts, counts) or not np.array_equal(one.position, position):
            raise ValueError(f"{block} has other cells than egamma")
        if not np.array_equal(content[block][:, :GLOBAL], shared[owner]):
            raise ValueError(f"{block}: cells of a tau differ in what they should share")
    parts = {kind: _part(content, segment) for kind, segment in SEGMENTS.items()}
    kinds = np.zeros(len(owner), np.uint8)
    for bit, part in enumerate(parts.values()):
        kinds |= part.any(axis=1).astype(np.uint8) << np.uint8(bit)
    rows = {kind: part[part.any(axis=1)].astype(np.float16) for kind, part in parts.items()}
    flat = position[:, 0].astype(np.int64) * size + position[:, 1]
    return Grid(counts.astype(np.int64), flat.astype(np.uint16), kinds, rows)


def _part(content: Mapping[str, NDArray[np.float32]], segment: Segment) -> NDArray[np.float32]:
    part = content[segment.block][:, segment.start : segment.stop]
    return np.clip(np.nan_to_num(part, posinf=0, neginf=0), -_LARGEST, _LARGEST)


def _concatenated(parts: Iterable[Arrays]) -> Arrays:
    whole = list(parts)
    return {name: np.concatenate([part[name] for part in whole]) for name in whole[0]}


def _ranges(starts: Indices, counts: Indices) -> Indices:
    """The numbers from each start on, as many as its count, one range after the other."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - ends + counts, counts)
