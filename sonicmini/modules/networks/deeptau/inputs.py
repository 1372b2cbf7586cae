"""The tensors of a DeepTau network: one row of numbers and six grids for each tau."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from sonicmini.event import Products, Sparse
from sonicmini.modules.columns import Floats, Ints, flat, offsets_of
from sonicmini.modules.networks.deeptau.candidates import CANDIDATE
from sonicmini.modules.networks.deeptau.electrons import ELECTRON
from sonicmini.modules.networks.deeptau.grids import (
    OUTER_RADIUS,
    Cells,
    Centres,
    Objects,
    Seen,
    occupied,
    seen,
    signal_radius,
)
from sonicmini.modules.networks.deeptau.muons import MUON
from sonicmini.modules.networks.deeptau.pairs import PairFeatures, Pairs
from sonicmini.modules.networks.deeptau.scaling import INNER, OUTER, TAU_INPUT, Known, Scaling
from sonicmini.modules.networks.deeptau.taus import GLOBAL, TAU_FLAT, Taus, taus_of

CONSUMES: Final = (
    *("SlimmedTau", "TauPFCand", "PackedPFCand", "SlimmedPV", "Rho"),
    *("SlimmedElectron", "SlimmedMuon"),
)
"""Products that the inputs are made from."""


class _Collection(NamedTuple):
    """Objects of one product: the block of each type, and what can be known of them.

    Attributes:
        pdg_ids: absolute values by type; None if all objects are of one type.
    """

    product: str
    blocks: tuple[str, ...]
    features: PairFeatures
    pdg_ids: tuple[int, ...] | None = None


_COLLECTIONS: Final = (
    _Collection(
        "PackedPFCand",
        ("PfCand_electron", "PfCand_muon", "PfCand_gamma", "PfCand_nHad", "PfCand_chHad"),
        CANDIDATE,
        (11, 13, 22, 130, 211),
    ),
    _Collection("SlimmedElectron", ("Electron",), ELECTRON),
    _Collection("SlimmedMuon", ("Muon",), MUON),
)
_GLOBAL = "GridGlobal"

KNOWN: Final[Known] = {
    "TauFlat": TAU_FLAT,
    _GLOBAL: GLOBAL,
    **{block: collection.features for collection in _COLLECTIONS for block in collection.blocks},
}
"""Names of all features by block."""


def deeptau_inputs(inputs: Products, scaling: Scaling) -> dict[str, NDArray[np.float32] | Sparse]:
    """Scaled inputs of all taus, one row for each.

    Returns:
        ``input_tau``, shape ``(taus, features)``, and for each grid and each other input a sparse
        ``input_GRID_NAME``, positions in pseudorapidity and azimuth. All of one grid have the same
        cells.
    """
    taus = taus_of(inputs)
    pt, eta, phi = (taus.of(name) for name in ("pt", "eta", "phi"))
    radii = {INNER: signal_radius(pt), OUTER: np.full(len(pt), OUTER_RADIUS)}
    objects = [_objects(collection, inputs) for collection in _COLLECTIONS]
    tensors: dict[str, NDArray[np.float32] | Sparse] = {}
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        tensors[f"input_{TAU_INPUT}"] = _tau_input(taus, scaling)
        for grid, radius in radii.items():
            around = Centres(eta, phi, radius, taus.event)
            tensors |= _grid_inputs(grid, taus, around, objects, scaling)
    return tensors


def _objects(collection: _Collection, inputs: Products) -> Objects:
    product = inputs[collection.product]
    pt, eta, phi = (flat(product, name) for name in ("pt", "eta", "phi"))
    kind = np.zeros(len(pt), np.int64)
    if collection.pdg_ids is not None:
        largest = max(collection.pdg_ids)
        kinds = np.full(largest + 2, -1)
        kinds[list(collection.pdg_ids)] = np.arange(len(collection.pdg_ids))
        pdg_id = np.abs(flat(product, "pdgId", None))
        kind = kinds[np.minimum(pdg_id, largest + 1)]
    return Objects(pt, eta, phi, kind, offsets_of(product))


def _tau_input(taus: Taus, scaling: Scaling) -> NDArray[np.float32]:
    """The row of numbers: all of its blocks are of the tau as a whole."""
    blocks = [(scaling.blocks[OUTER, name], TAU_FLAT) for name in scaling.inputs[TAU_INPUT]]
    scaled = [block.scale(_raw(table, block.names, taus)) for block, table in blocks]
    return np.concatenate(scaled, axis=1)


def _grid_inputs(
    grid: str, taus: Taus, around: Centres, objects: Sequence[Objects], scaling: Scaling
) -> dict[str, Sparse]:
    """The inputs of one grid."""
    shape = scaling.grids[grid]
    views = [
        seen(shape, around, of, len(collection.blocks))
        for of, collection in zip(objects, _COLLECTIONS, strict=True)
    ]
    cells, places = occupied(shape, views, len(taus.event))
    content = _Content(grid, taus, cells, tuple(zip(_COLLECTIONS, views, places, strict=True)))
    position = np.stack([cells.cell // shape.cells, cells.cell % shape.cells], axis=1)
    return {
        f"input_{grid}_{name}": Sparse(content.of(blocks, scaling), position, cells.counts)
        for name, blocks in scaling.inputs.items()
        if name != TAU_INPUT
    }


class _Content(NamedTuple):
    """What is in the cells of one grid.

    Attributes:
        found: for each collection the objects seen, and in which of the cells each of them is.
    """

    grid: str
    taus: Taus
    cells: Cells
    found: tuple[tuple[_Collection, Seen, Ints], ...]

    def of(self, blocks: Sequence[str], scaling: Scaling) -> NDArray[np.float32]:
        """The scaled features of some blocks side by side, 0 where there is no object."""
        parts = [scaling.blocks[self.grid, name] for name in blocks]
        content = np.zeros(
            (len(self.cells.tau), sum(len(part.names) for part in parts)), np.float32
        )
        start = 0
        for name, part in zip(blocks, parts, strict=True):
            stop = start + len(part.names)
            if name == _GLOBAL:
                scaled = part.scale(_raw(GLOBAL, part.names, self.taus))
                content[:, start:stop] = scaled[self.cells.tau]
            else:
                cell, features, pairs = self._pairs(name)
                content[cell, start:stop] = part.scale(_raw(features, part.names, pairs))
            start = stop
        return content

    def _pairs(self, block: str) -> tuple[Ints, PairFeatures, Pairs]:
        """The objects of one type: their cells, what can be known of them, they themselves."""
        collection, view, place = next(of for of in self.found if block in of[0].blocks)
        mine = np.flatnonzero(view.kind == collection.blocks.index(block))
        pairs = Pairs(self.taus, view.tau[mine], collection.product, view.target[mine])
        return place[mine], collection.features, pairs


_Subject = TypeVar("_Subject", Taus, Pairs)


def _raw(
    table: Mapping[str, Callable[[_Subject], Floats]], names: Sequence[str], of: _Subject
) -> NDArray[np.float32]:
    """Features before scaling, one column for each name."""
    return np.stack([table[name](of) for name in names], axis=1).astype(np.float32)
