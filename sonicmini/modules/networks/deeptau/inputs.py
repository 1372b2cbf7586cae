"""The tensors of a DeepTau network: one row of numbers and six grids for each tau."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from sonicmini.event import Products, Sparse
from sonicmini.modules.columns import Bools, Floats, Ints, flat, offsets_of
from sonicmini.modules.networks.deeptau.candidates import CANDIDATE
from sonicmini.modules.networks.deeptau.electrons import ELECTRON
from sonicmini.modules.networks.deeptau.grids import (
    Cells,
    Centres,
    Grid,
    Objects,
    Seen,
    near,
    occupied,
    seen,
    signal_radius,
)
from sonicmini.modules.networks.deeptau.muons import MUON
from sonicmini.modules.networks.deeptau.pairs import PairFeatures, Pairs
from sonicmini.modules.networks.deeptau.scaling import (
    GLOBAL_BLOCK,
    INNER,
    OUTER,
    TAU_BLOCK,
    TAU_INPUT,
    Known,
    Scaling,
)
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

KNOWN: Final[Known] = {
    TAU_BLOCK: TAU_FLAT,
    GLOBAL_BLOCK: GLOBAL,
    **{block: collection.features for collection in _COLLECTIONS for block in collection.blocks},
}
"""Names of all features by block."""


class _View(NamedTuple):
    """One grid around all taus, filled.

    Attributes:
        found: the objects seen, for each collection.
        places: in which of the cells each of them is.
    """

    name: str
    grid: Grid
    cells: Cells
    found: Sequence[Seen]
    places: Sequence[Ints]


class _Part(NamedTuple):
    """Scaled features of a block, shape ``(objects, names)``, and the cell of each object."""

    cell: Ints
    scaled: NDArray[np.float32]


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
    views = [*_views(taus, scaling.grids)]
    tensors: dict[str, NDArray[np.float32] | Sparse] = {}
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        tensors[f"input_{TAU_INPUT}"] = _tau_input(taus, scaling)
        for name, blocks in scaling.inputs.items():
            if name != TAU_INPUT:
                parts = [_parts(block, taus, views, scaling) for block in blocks]
                for view, of_view in zip(views, zip(*parts, strict=True), strict=True):
                    tensors[f"input_{view.name}_{name}"] = _tensor(view, of_view)
    return tensors


def _tau_input(taus: Taus, scaling: Scaling) -> NDArray[np.float32]:
    """The row of numbers: all of its blocks are of the tau as a whole."""
    blocks = [scaling.blocks[OUTER, name] for name in scaling.inputs[TAU_INPUT]]
    return np.concatenate(
        [block.scale(_raw(TAU_FLAT, block.names, taus)) for block in blocks], axis=1
    )


def _views(taus: Taus, grids: Mapping[str, Grid]) -> Iterator[_View]:
    """What is seen in both grids."""
    pt, eta, phi = (taus.of(name) for name in ("pt", "eta", "phi"))
    objects = [_objects(collection, taus.inputs) for collection in _COLLECTIONS]
    around = [near(Centres(eta, phi, taus.event), of) for of in objects]
    inner = [pairs.within(signal_radius(pt)) for pairs in around]
    for name, inside in ((INNER, inner), (OUTER, around)):
        grid = grids[name]
        found = [
            seen(grid, pairs, of, len(collection.blocks))
            for pairs, of, collection in zip(inside, objects, _COLLECTIONS, strict=True)
        ]
        cells, places = occupied(grid, found, len(pt))
        yield _View(name, grid, cells, found, places)


def _objects(collection: _Collection, inputs: Products) -> Objects:
    product = inputs[collection.product]
    pt, eta, phi = (flat(product, name) for name in ("pt", "eta", "phi"))
    kind = np.zeros(len(pt), np.int64)
    if collection.pdg_ids is not None:
        largest = max(collection.pdg_ids)
        kinds = np.full(largest + 2, -1)
        kinds[list(collection.pdg_ids)] = np.arange(len(collection.pdg_ids))
        kind = kinds[np.minimum(np.abs(flat(product, "pdgId", None)), largest + 1)]
    return Objects(pt, eta, phi, kind, offsets_of(product))


def _parts(block: str, taus: Taus, views: Sequence[_View], scaling: Scaling) -> list[_Part]:
    """The features of one block in each grid."""
    scales = [scaling.blocks[view.name, block] for view in views]
    names = scales[0].names
    if block == GLOBAL_BLOCK:
        raw = _raw(GLOBAL, names, taus)
        return [
            _Part(np.arange(len(view.cells.tau)), scale.scale(raw)[view.cells.tau])
            for view, scale in zip(views, scales, strict=True)
        ]
    of = next(i for i, one in enumerate(_COLLECTIONS) if block in one.blocks)
    collection = _COLLECTIONS[of]
    kind = collection.blocks.index(block)
    mine = [np.flatnonzero(view.found[of].kind == kind) for view in views]
    tau, target = (
        np.concatenate([column(view.found[of])[m] for view, m in zip(views, mine, strict=True)])
        for column in (attrgetter("tau"), attrgetter("target"))
    )
    raw = _raw(collection.features, names, Pairs(taus, tau, collection.product, target))
    ends = np.cumsum([len(m) for m in mine])[:-1]
    return [
        _Part(view.places[of][m], scale.scale(part))
        for view, m, scale, part in zip(views, mine, scales, np.split(raw, ends), strict=True)
    ]


def _tensor(view: _View, parts: Sequence[_Part]) -> Sparse:
    """Blocks side by side, 0 where there is no object."""
    widths = [part.scaled.shape[1] for part in parts]
    content = np.zeros((len(view.cells.tau), sum(widths)), np.float32)
    for part, stop, width in zip(parts, np.cumsum(widths), widths, strict=True):
        content[part.cell, stop - width : stop] = part.scaled
    row, column = np.divmod(view.cells.cell, view.grid.cells)
    return Sparse(content, np.stack([row, column], axis=1), view.cells.counts)


_Subject = TypeVar("_Subject", Taus, Pairs)


def _raw(
    table: Mapping[str, Callable[[_Subject], Floats]], names: Sequence[str], of: _Subject
) -> NDArray[np.float32]:
    """Features before scaling, one column for each name."""
    columns = [table[name](of) for name in names]
    return np.stack(columns, axis=1, dtype=np.float32, casting="same_kind")
