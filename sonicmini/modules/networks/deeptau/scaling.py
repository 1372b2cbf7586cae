"""Which features a DeepTau network reads and how they are scaled, as ``scaling.json`` says.

The file stands beside the network: the cells of both grids, the blocks of each input in their
order, and for each block the names of its features with mean, deviation and limit, for both grids
(``all``) or for each of them.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sonicmini.errors import ModelError, nearest
from sonicmini.modules.columns import Ints, kernel
from sonicmini.modules.networks.deeptau.grids import Grid

FILE: Final = "scaling.json"
INNER: Final = "inner"
OUTER: Final = "outer"
GRIDS: Final = (INNER, OUTER)
TAU_INPUT: Final = "tau"
"""The input that is no grid."""

TAU_BLOCK: Final = "TauFlat"
GLOBAL_BLOCK: Final = "GridGlobal"
"""Blocks of the tau: the first only in the input that is no grid, the second in any."""

_PARTS = ("mean", "std", "lim")
_BOTH = "all"

Known = Mapping[str, Collection[str]]
"""Names of the features that there are, by block."""


@dataclass(frozen=True)
class Block:
    """Features of one kind of object, as one input has them.

    Attributes:
        names: CMS's, in the order of the input.
        mean: what is taken off, shape ``(names,)``, as ``std`` and ``lim``.
        std: what is divided by.
        lim: largest value after that, infinite for none.
    """

    names: tuple[str, ...]
    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    lim: NDArray[np.float32]

    def scale_into(self, content: NDArray[np.float32], start: int, raw: "Raw") -> None:
        """Scales features; what is not finite, which is how a missing one is marked, becomes 0.

        Args:
            content: shape ``(cells, ...)``; its columns from ``start`` on take them.
            start: first of these columns.
            raw: the features.
        """
        _scale_into(content[:, start:], raw, self.mean, self.std, self.lim)


class Raw(NamedTuple):
    """Features before scaling, of some of the objects and some of the features of a table.

    Attributes:
        table: shape ``(features, objects)``.
        feature: which features, in the order of the block.
        object: which objects, shape ``(n,)``.
        cell: of each of them, shape ``(n,)``.
    """

    table: NDArray[np.float32]
    feature: Ints
    object: Ints
    cell: Ints


@kernel
def _scale_into(
    content: NDArray[np.float32],
    raw: Raw,
    mean: NDArray[np.float32],
    std: NDArray[np.float32],
    lim: NDArray[np.float32],
) -> None:
    for i in range(len(raw.object)):
        for j in range(len(raw.feature)):
            value = raw.table[raw.feature[j], raw.object[i]]
            if np.isfinite(value):
                scaled = (value - mean[j]) / std[j]
                content[raw.cell[i], j] = min(max(scaled, -lim[j]), lim[j])
            else:
                content[raw.cell[i], j] = 0


@dataclass(frozen=True)
class Scaling:
    """All of a ``scaling.json``.

    Attributes:
        grids: by name.
        inputs: names of the blocks of each input, in their order.
        blocks: by grid and name; one that is the same for both grids is there for each.
    """

    grids: Mapping[str, Grid]
    inputs: Mapping[str, tuple[str, ...]]
    blocks: Mapping[tuple[str, str], Block]

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """Names of the features of each block."""
        return {block: one.names for (grid, block), one in self.blocks.items() if grid == OUTER}

    @classmethod
    def read(cls, folder: Path, known: Known) -> Self:
        """Reads the file that lies beside a network.

        Args:
            folder: of the model.
            known: features that can be computed.

        Raises:
            ModelError: it is missing, unreadable, or asks for what there is not; lists every fault.
        """
        path = folder / FILE
        try:
            content = json.loads(path.read_text())
        except OSError as error:
            raise ModelError(f"DeepTau: {path} is missing or unreadable: {error}") from error
        except ValueError as error:
            raise ModelError(f"DeepTau: {path} is no JSON: {error}") from error
        if faults := list(_faults(content, known)):
            raise ModelError("\n- ".join([f"DeepTau: {path}:", *faults]))
        grids = {name: Grid(**content["grids"][name]) for name in GRIDS}
        inputs = {name: tuple(blocks) for name, blocks in content["inputs"].items()}
        blocks = {
            (grid, name): _block(block, grid)
            for name, block in content["blocks"].items()
            for grid in GRIDS
        }
        return cls(grids, inputs, blocks)


def _block(content: Mapping[str, Any], grid: str) -> Block:
    numbers = content[_BOTH] if _BOTH in content else content[grid]
    lim = [np.inf if limit is None else limit for limit in numbers["lim"]]
    mean, std, limit = (
        np.array(part, np.float32) for part in (numbers["mean"], numbers["std"], lim)
    )
    return Block(tuple(content["names"]), mean, std, limit)


def _faults(content: Any, known: Known) -> Iterator[str]:  # noqa: ANN401 - whatever JSON holds
    """Every fault of the file."""
    if not isinstance(content, dict):
        yield "it is not an object"
        return
    for part in ("grids", "inputs", "blocks"):
        if not isinstance(content.get(part), dict):
            yield f"{part} is missing or not an object"
            return
    for name in GRIDS:
        yield from _grid_faults(name, content["grids"].get(name))
    for name, block in content["blocks"].items():
        yield from _block_faults(name, block, known)
    yield from _input_faults(content["inputs"], content["blocks"])


def _grid_faults(name: str, grid: object) -> Iterator[str]:
    if not isinstance(grid, dict) or set(grid) != {"cells", "cell_size"}:
        yield f"grid {name} needs cells and cell_size"
        return
    cells, size = grid["cells"], grid["cell_size"]
    if not isinstance(cells, int) or cells < 1 or cells % 2 == 0:
        yield f"grid {name} has {cells} cells, expected an odd number"
    if not _is_number(size) or size <= 0:
        yield f"grid {name} has cells of size {size}"


def _input_faults(inputs: Mapping[str, Any], blocks: Mapping[str, Any]) -> Iterator[str]:
    if TAU_INPUT not in inputs:
        yield f"input {TAU_INPUT} is missing"
    for name, wanted in inputs.items():
        if not isinstance(wanted, list):
            yield f"input {name} is not a list of blocks"
            continue
        for block in wanted:
            if not isinstance(block, str) or block not in blocks:
                yield f"input {name} wants the block {block}, which is not there"
            elif block != GLOBAL_BLOCK and (name == TAU_INPUT) != (block == TAU_BLOCK):
                yield f"input {name} cannot have the block {block}"


def _block_faults(name: str, block: object, known: Known) -> Iterator[str]:
    if name not in known:
        yield f"block {name} is unknown{nearest(name, known) or f'; known are {_list(known)}'}"
        return
    if not isinstance(block, dict) or not isinstance(names := block.get("names"), list):
        yield f"block {name} has no names"
        return
    for feature in names:
        if feature not in known[name]:
            yield f"feature {feature} of {name} is unknown{nearest(str(feature), known[name])}"
    for grid in (_BOTH,) if _BOTH in block else GRIDS:
        if not isinstance(numbers := block.get(grid), dict):
            yield f"block {name} has neither {_BOTH} nor {grid}"
            continue
        for part in _PARTS:
            if fault := _number_fault(part, numbers.get(part), len(names)):
                yield f"{part} of {name}, {grid}: {fault}"


def _number_fault(part: str, values: object, length: int) -> str:
    if not isinstance(values, list) or len(values) != length:
        found = len(values) if isinstance(values, list) else "no"
        return f"{found} values for {length} features"
    if part == "lim":
        values = [1 if value is None else value for value in values]
    if not all(_is_number(value) for value in values):
        return "not a number"
    return "must be above 0" if part != "mean" and min(values, default=1) <= 0 else ""


def _is_number(value: object) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))
    )


def _list(names: Collection[str]) -> str:
    return ", ".join(names)
