"""The events of a chunk that a selection wants, with the products that are written."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import awkward as ak
import numpy as np

from sonicmini.errors import ConfigError, nearest
from sonicmini.event import Chunk
from sonicmini.skim.selection import Selection, compile_selection


@dataclass(frozen=True)
class Skim:
    """Leaves out events after all modules have run.

    Attributes:
        selection: on names as they are in the output.
        sources: products that make up each of its names; several hold columns of the same objects.
        written: products that the output has.
    """

    selection: Selection
    sources: Mapping[str, tuple[str, ...]]
    written: tuple[str, ...]

    @property
    def products(self) -> frozenset[str]:
        """Products that the selection needs."""
        return frozenset(name for names in self.sources.values() for name in names)

    def __call__(self, chunk: Chunk) -> Chunk:
        """The chunk with the wanted events and the products that are written.

        Raises:
            ConfigError: a product does not have the field that the selection names.
        """
        names = {
            name: _together([chunk.products[product] for product in products])
            for name, products in self.sources.items()
        }
        wanted = np.asarray(self.selection.mask(names))
        written = {name: chunk.products[name] for name in self.written}
        return Chunk(chunk.file, chunk.start, chunk.stop, written).select(wanted)


def make_skim(
    expression: str, offered: Mapping[str, tuple[str, ...]], written: Collection[str]
) -> Skim:
    """Finds the products that a selection is about.

    Args:
        expression: of the language of ``docs/skim.md``.
        offered: products by the name that a selection may use.
        written: products that the output has.

    Raises:
        ConfigError: every fault of the expression, every name that nobody makes.
    """
    selection = compile_selection(expression)
    unknown = [name for name in sorted(selection.products) if name not in offered]
    if unknown:
        raise ConfigError(
            "\n".join(f"nobody makes {name}{nearest(name, offered)}" for name in unknown)
        )
    sources = {name: offered[name] for name in sorted(selection.products)}
    return Skim(selection, sources, tuple(written))


def _together(arrays: list[ak.Array]) -> ak.Array:
    """Columns of the same objects as one product."""
    if len(arrays) == 1:
        return arrays[0]
    return ak.zip({name: array[name] for array in arrays for name in array.fields}, depth_limit=2)
