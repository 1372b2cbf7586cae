"""Events for the tests of generator modules: simulated ones, and random trees of particles."""

import functools
from pathlib import Path

import awkward as ak
import numpy as np
from hypothesis import strategies as st

from sonicmini.io.root_source import RootSource
from sonicmini.modules.gen.flavour import GenJetFlavours
from sonicmini.modules.gen.jets import GenJets, GenJetsAK8
from sonicmini.modules.gen.packed import PackedGenParticles
from sonicmini.modules.gen.pruned import PrunedGenParticles
from sonicmini.modules.gen.subjets import SubGenJetsAK8
from sonicmini.modules.gen.vis_taus import GenVisTaus

SAMPLES = Path(__file__).parents[3] / "sample_data"

FIELDS = {
    "pt": np.float32,
    "eta": np.float32,
    "phi": np.float32,
    "mass": np.float32,
    "pdgId": np.int32,
    "status": np.uint8,
    "statusFlags": np.uint32,
    "genPartIdxMother": np.int16,
    "vx": np.float32,
    "vy": np.float32,
    "vz": np.float32,
}


@functools.cache
def simulated(sample="ttbar", events=40):
    """Products of the generator modules on simulated events, with the input's ``GenPart``."""
    source = RootSource([SAMPLES / f"{sample}.root"], ["GenPart"], max_events=events)
    (chunk,) = source.chunks()
    return with_jets(pruned_and_packed(chunk.products["GenPart"]))


def with_jets(products):
    for module in (GenJets(), GenJetsAK8(), GenJetFlavours(), SubGenJetsAK8(), GenVisTaus()):
        products |= run(module, products)
    return products


def run(module, products):
    return dict(module.produce({name: products[name] for name in module.consumes}))


def pruned_and_packed(particles):
    products = {"GenPart": particles}
    for module in (PrunedGenParticles(), PackedGenParticles()):
        products |= run(module, products)
    return products


def collection(events):
    """``GenPart`` from lists of particles, each a dictionary with some of the fields."""
    counts = [len(event) for event in events]
    flat = [particle for event in events for particle in event]
    default = {"pt": 1.0, "status": 1, "genPartIdxMother": -1}
    columns = {
        name: np.array([p.get(name, default.get(name, 0)) for p in flat], dtype=dtype)
        for name, dtype in FIELDS.items()
    }
    return ak.unflatten(ak.zip(columns), np.array(counts, dtype=np.int64))


INTERESTING = (
    *(1, -2, 3, 4, -5, 6, 21, 22, 23, 24, 25, 11, -13, 15, 12, -14, 16, 211, -321, 310, 130),
    *(111, 333, 443, 553, 511, -521, 5122, 411, -421, 4122, 10411, 20513, 100553, 2212, 1000022),
)
STATUSES = (1, 1, 1, 2, 2, 2, 3, 11, 21, 22, 23, 44, 52, 62, 71, 72, 73)


@st.composite
def trees(draw, max_size=30):
    """A random event: particles with mothers before them."""
    size = draw(st.integers(0, max_size))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    columns = {
        "pt": rng.choice([0.0, 0.5, 2.0, 4.0, 7.0, 15.0], size) * rng.uniform(0.8, 1.2, size),
        "eta": rng.uniform(-4, 4, size),
        "phi": rng.uniform(-3, 3, size),
        "pdgId": rng.choice(INTERESTING, size),
        "status": rng.choice(STATUSES, size),
        "statusFlags": rng.integers(0, 2**15, size) & rng.integers(0, 2**15, size),
        "genPartIdxMother": rng.integers(-1, np.arange(size)) if size else np.zeros(0, dtype=int),
    }
    columns |= {name: columns[name].astype(np.float32) for name in ("pt", "eta", "phi")}
    rows = zip(*(values.tolist() for values in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]
