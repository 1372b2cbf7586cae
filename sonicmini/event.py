"""The data that modules exchange: products of a chunk of events, tensors of a network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from sonicmini.errors import ModuleError

Array: TypeAlias = NDArray[np.generic]

Products: TypeAlias = Mapping[str, ak.Array]
"""One array per product, one entry per event.

A collection is a jagged array of records (``PFCand.pt``), a singleton a flat array of records
(``GenMET.pt``), a bare value a flat array (``run``).
"""


@dataclass(frozen=True)
class Ragged:
    """Rows of variable length, one per object: what a network sees before padding.

    Attributes:
        content: all rows one after the other, shape ``(counts.sum(), ...)``.
        counts: length of each object's row, shape ``(objects,)``.
        axis: which of the model's dimensions (without the batch dimension) is the variable one.
            DeepMET's ``[4500, 8]`` has 0, ParticleNet's ``[20, -1]`` has 1.
    """

    content: Array
    counts: NDArray[np.int64]
    axis: int = 0

    def __len__(self) -> int:
        return len(self.counts)


@dataclass(frozen=True)
class Sparse:
    """Rows that are zero but for some cells, one row per object: a grid with few occupied cells.

    DeepTau's grid of ``[21, 21, 86]`` has some 20 cells of 86 numbers that are not zero: as it
    would be sent it takes 150 kB, as this 7 kB.

    Attributes:
        content: the cells of all rows one after the other, shape ``(counts.sum(), ...)``.
        position: where each cell is in the first dimensions of its row, without the batch
            dimension, shape ``(counts.sum(), axes)``. No cell of a row is there twice.
        counts: number of cells of each row, shape ``(objects,)``.
    """

    content: Array
    position: NDArray[np.integer[Any]]
    counts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.counts)


Tensors: TypeAlias = Mapping[str, "Array | Ragged | Sparse"]
"""Model inputs or outputs by name, one row per object, batch dimension first."""


@dataclass(frozen=True)
class Chunk:
    """The products of events ``[start, stop)`` of one file. Each product is written once.

    Attributes:
        selected: how many of the events there are; None stands for all.
    """

    file: str
    start: int
    stop: int
    products: dict[str, ak.Array] = field(default_factory=dict)
    selected: int | None = None

    @property
    def size(self) -> int:
        """Number of events. Not ``__len__``: a chunk without events must not be false."""
        return self.stop - self.start if self.selected is None else self.selected

    def select(self, wanted: NDArray[np.bool_]) -> "Chunk":
        """The same without the other events; ``wanted`` has one entry per event."""
        if wanted.all():
            return self
        products = {name: array[wanted] for name, array in self.products.items()}
        return Chunk(self.file, self.start, self.stop, products, int(np.count_nonzero(wanted)))

    def put(self, products: Products) -> None:
        """Adds products; refuses a second writer and an array that has not one entry per event."""
        for name, array in products.items():
            if name in self.products:
                raise ModuleError(f"product {name} of {self} is written a second time")
            if len(array) != self.size:
                raise ModuleError(
                    f"product {name} of {self} has {len(array)} entries, expected one per event"
                )
            self.products[name] = array

    def __str__(self) -> str:
        return f"{self.file}[{self.start}:{self.stop}]"
