"""What is in the cells around taus: objects of three products, in two grids."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from sonicmini.event import Products
from sonicmini.modules.columns import Ints, flat, offsets_of
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
from sonicmini.modules.networks.deeptau.pairs import PairFeatures
from sonicmini.modules.networks.deeptau.scaling import INNER, OUTER
from sonicmini.modules.networks.deeptau.taus import Taus


class Collection(NamedTuple):
    """Objects of one product: the block of each type, and what can be known of them.

    Attributes:
        pdg_ids: absolute values by type; None if all objects are of one type.
    """

    product: str
    blocks: tuple[str, ...]
    features: PairFeatures
    pdg_ids: tuple[int, ...] | None = None


COLLECTIONS: Final = (
    Collection(
        "PackedPFCand",
        ("PfCand_electron", "PfCand_muon", "PfCand_gamma", "PfCand_nHad", "PfCand_chHad"),
        CANDIDATE,
        (11, 13, 22, 130, 211),
    ),
    Collection("SlimmedElectron", ("Electron",), ELECTRON),
    Collection("SlimmedMuon", ("Muon",), MUON),
)
"""Everything that can be in a cell."""


class View(NamedTuple):
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


def views_of(taus: Taus, grids: Mapping[str, Grid]) -> Iterator[View]:
    """What is seen in both grids."""
    pt, eta, phi = (taus.of(name) for name in ("pt", "eta", "phi"))
    objects = [objects_of(collection, taus.inputs) for collection in COLLECTIONS]
    around = [near(Centres(eta, phi, taus.event), of) for of in objects]
    inner = [pairs.within(signal_radius(pt)) for pairs in around]
    for name, inside in ((INNER, inner), (OUTER, around)):
        grid = grids[name]
        found = [
            seen(grid, pairs, of, len(collection.blocks))
            for pairs, of, collection in zip(inside, objects, COLLECTIONS, strict=True)
        ]
        cells, places = occupied(grid, found, len(pt))
        yield View(name, grid, cells, found, places)


def objects_of(collection: Collection, inputs: Products) -> Objects:
    """What may be in cells, of all events."""
    product = inputs[collection.product]
    pt, eta, phi = (flat(product, name, np.float32) for name in ("pt", "eta", "phi"))
    kind = np.zeros(len(pt), np.int64)
    if collection.pdg_ids is not None:
        largest = max(collection.pdg_ids)
        kinds = np.full(largest + 2, -1)
        kinds[list(collection.pdg_ids)] = np.arange(len(collection.pdg_ids))
        kind = kinds[np.minimum(np.abs(flat(product, "pdgId", None)), largest + 1)]
    return Objects(pt, eta, phi, kind, offsets_of(product))
