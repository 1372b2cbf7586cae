"""Simulated and toy events with everything that the modules of leptons consume and make."""

import functools
import math
from pathlib import Path

import awkward as ak
import numpy as np

from sonicmini.io.root_source import RootSource
from sonicmini.modules.jets.rho import FixedGridRho
from sonicmini.modules.leptons.electrons import SlimmedElectrons
from sonicmini.modules.leptons.isolated_tracks import IsolatedTracks
from sonicmini.modules.leptons.muons import SlimmedMuons
from sonicmini.modules.leptons.photons import SlimmedPhotons
from sonicmini.modules.packing.candidates import PackPFCandidates
from sonicmini.modules.packing.lost_tracks import LostTracks
from sonicmini.modules.puppi.puppi import Puppi
from sonicmini.modules.vertexing.primary import PrimaryVertexAssociation, PrimaryVertexSorting
from tests.toys import toy_products

SAMPLE = Path(__file__).parents[3] / "sample_data" / "ttbar.root"
BEFORE = (
    PrimaryVertexSorting(),
    PrimaryVertexAssociation(),
    Puppi(),
    PackPFCandidates(),
    FixedGridRho(),
)
LEPTONS = (
    SlimmedMuons(),
    SlimmedPhotons(),
    SlimmedElectrons(),
    LostTracks(),
    IsolatedTracks(),
)
MADE = ("SlimmedMuon", "SlimmedPhoton", "SlimmedElectron", "LostTrack", "IsoTrack")


def run(products, modules):
    products = dict(products)
    for module in modules:
        products |= module.produce({name: products[name] for name in module.consumes})
    return products


@functools.cache
def simulated(events=60):
    """Simulated ttbar events with 35 pileup collisions."""
    (chunk,) = RootSource([SAMPLE], chunk_size=events, max_events=events).chunks()
    return run(chunk.products, BEFORE + LEPTONS)


@functools.cache
def toys(seed=3, sizes=(400, 0, 1, 250, 30), vertices=(12, 2, 1, 0, 5)):
    """Events of many sizes, also without candidates and without vertices."""
    products = toy_products(len(sizes), seed, candidates=sizes, vertices=vertices)
    return run(products, BEFORE + LEPTONS)


def pick(products, events):
    """The same products of some events."""
    return {name: array[np.array(events, dtype=np.int64)] for name, array in products.items()}


def same(one, other):
    """Whether two products are equal to the last bit."""
    return all(one[name].to_list() == other[name].to_list() for name in one.fields)


def distance(a, b):
    """In pseudorapidity and azimuth."""
    turn = math.remainder(a["phi"] - b["phi"], 2 * math.pi)
    return math.hypot(a["eta"] - b["eta"], turn)


def rows(products, name):
    """Each object of a product with its event."""
    for i, event in enumerate(products[name].to_list()):
        for row in event:
            yield i, row


def listed(products, name):
    """A product as lists of dictionaries, by event; of the largest only what tests look at."""
    array = products[name]
    if id(array) not in _LISTS:
        kept = array[[field for field in array.fields if field in _FIELDS.get(name, array.fields)]]
        _LISTS[id(array)] = (array, kept.to_list())
    return _LISTS[id(array)][1]


_LISTS: dict[int, tuple[ak.Array, list[list[dict[str, float]]]]] = {}
_P3 = ("pt", "eta", "phi", "pdgId", "charge")
_FIELDS = {
    "PFCand": (*_P3, "trackIdx"),
    "PFCandVertex": ("puppiFromPV",),
    "PackedPFCand": (
        *(
            *_P3,
            "fromPV",
            "dxy",
            "dxyErr",
            "dz",
            "puppiWeight",
            "puppiWeightNoLep",
            "highPurity",
            "pfCandIdx",
        ),
    ),
}
