"""The tensors of a DeepTau network: one row of numbers and six grids for each tau."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from sonicmini.event import Products, Sparse
from sonicmini.modules.columns import Bools, Floats
from sonicmini.modules.networks.deeptau.pairs import Pairs
from sonicmini.modules.networks.deeptau.scaling import (
    GLOBAL_BLOCK,
    OUTER,
    TAU_BLOCK,
    TAU_INPUT,
    Known,
    Raw,
    Scaling,
)
from sonicmini.modules.networks.deeptau.taus import GLOBAL, TAU_FLAT, Taus, taus_of
from sonicmini.modules.networks.deeptau.views import COLLECTIONS, View, views_of

CONSUMES: Final = (
    *("SlimmedTau", "TauPFCand", "SlimmedPV", "Rho"),
    *(collection.product for collection in COLLECTIONS),
)
"""Products that the inputs are made from."""

KNOWN: Final[Known] = {
    TAU_BLOCK: TAU_FLAT,
    GLOBAL_BLOCK: GLOBAL,
    **{block: collection.features for collection in COLLECTIONS for block in collection.blocks},
}
"""Names of all features by block."""


def deeptau_inputs(
    inputs: Products, wanted: Bools, scaling: Scaling
) -> dict[str, NDArray[np.float32] | Sparse]:
    """Scaled inputs of taus, one row for each.

    Args:
        inputs: products.
        wanted: which of all taus.
        scaling: what the network reads.

    Returns:
        ``input_tau``, shape ``(taus, features)``, and for each grid and each other input a sparse
        ``input_GRID_NAME``, positions in pseudorapidity and azimuth. All of one grid have the same
        cells.
    """
    taus = taus_of(inputs, wanted)
    views = [*views_of(taus, scaling.grids)]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        flat = _tau_input(taus, scaling)
        raw = _raw_features(taus, views, scaling)
    return {f"input_{TAU_INPUT}": flat} | {
        f"input_{view.name}_{name}": _grid_input(view, blocks, of_view, scaling)
        for view, of_view in zip(views, raw, strict=True)
        for name, blocks in scaling.inputs.items()
        if name != TAU_INPUT
    }


def _tau_input(taus: Taus, scaling: Scaling) -> NDArray[np.float32]:
    """The row of numbers: all of its blocks are of the tau as a whole."""
    blocks = [scaling.blocks[OUTER, name] for name in scaling.inputs[TAU_INPUT]]
    every = np.arange(len(taus.event))
    content = np.zeros((len(every), sum(len(block.names) for block in blocks)), np.float32)
    start = 0
    for block in blocks:
        table = _table(TAU_FLAT, block.names, taus)
        block.scale_into(content, start, Raw(table, np.arange(len(table)), every, every))
        start += len(block.names)
    return content


def _grid_input(
    view: View, blocks: Sequence[str], raw: Mapping[str, Raw], scaling: Scaling
) -> Sparse:
    """Blocks side by side, 0 where there is no object."""
    scales = [scaling.blocks[view.name, block] for block in blocks]
    widths = [len(scale.names) for scale in scales]
    content = np.zeros((len(view.cells.tau), sum(widths)), np.float32)
    for block, scale, stop in zip(blocks, scales, np.cumsum(widths).tolist(), strict=True):
        scale.scale_into(content, stop - len(scale.names), raw[block])
    row, column = np.divmod(view.cells.cell, view.grid.cells)
    return Sparse(content, np.stack([row, column], axis=1), view.cells.counts)


def _raw_features(taus: Taus, views: Sequence[View], scaling: Scaling) -> list[dict[str, Raw]]:
    """The features of all blocks in each grid.

    Those of all types of a collection in all grids are computed at once, those that a type does not
    have as well: calls cost more than numbers.
    """
    names = scaling.names
    table = _table(GLOBAL, names.get(GLOBAL_BLOCK, ()), taus)
    raw = []
    for view in views:
        every = np.arange(len(view.cells.tau))
        raw.append({GLOBAL_BLOCK: Raw(table, np.arange(len(table)), view.cells.tau, every)})
    for of, collection in enumerate(COLLECTIONS):
        own = {block: names[block] for block in collection.blocks if block in names}
        features = [*dict.fromkeys(chain.from_iterable(own.values()))]
        found = [view.found[of] for view in views]
        tau = np.concatenate([seen.tau for seen in found])
        target = np.concatenate([seen.target for seen in found])
        table = _table(collection.features, features, Pairs(taus, tau, collection.product, target))
        first = 0
        for of_view, view, seen in zip(raw, views, found, strict=True):
            for block, of_block in own.items():
                mine = np.flatnonzero(seen.kind == collection.blocks.index(block))
                columns = np.array([features.index(name) for name in of_block], np.int64)
                of_view[block] = Raw(table, columns, first + mine, view.places[of][mine])
            first += len(seen.tau)
    return raw


_Subject = TypeVar("_Subject", Taus, Pairs)


def _table(
    functions: Mapping[str, Callable[[_Subject], Floats]], names: Sequence[str], of: _Subject
) -> NDArray[np.float32]:
    """Features before scaling, one row for each name."""
    table = np.empty((len(names), len(of.event)), np.float32)
    for row, name in zip(table, names, strict=True):
        row[:] = functions[name](of)
    return table
