"""Reflected features are those of reflected events."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import torch

from sonicmini.modules.networks.deeptau.producer import DeepTau
from tests.training.deeptau.synthetic import synthetic, synthetic_columns
from training.chain import Chain
from training.deeptau.candidates import Candidates
from training.deeptau.dataset import MODEL, REPOSITORY
from training.deeptau.layout import GRIDS
from training.deeptau.mirrors import STATES, Mirrors
from training.deeptau.train import SCALING

FILE = Path(__file__).parents[3] / "sample_data" / "ztautau.root"

REVERSED = {
    1: {"eta", "dz", "z", "dTrkEta", "flightLengthZ", "leadTkEtaAtEcalMinusEta", "deltaEtaInSC"},
    2: {"phi", "charge", "pdgId", "dxy", "y", "dTrkPhi", "flightLengthY", "deltaPhiInSC"},
    4: {"x", "y", "flightLengthX", "flightLengthY"},
}
"""Columns of our products that a reflection reverses; the last also turns phi by half a turn."""


@pytest.fixture(scope="module")
def mirrors():
    return Mirrors.read(SCALING)


@pytest.fixture(scope="module")
def products():
    (chunk,) = Chain(DeepTau.consumes).chunks(FILE)
    return {name: chunk.products[name] for name in DeepTau.consumes}


def reflected(products, reflection):
    found = {}
    for name, array in products.items():
        columns = {field: array[field] for field in array.fields}
        for field in REVERSED[reflection] & set(columns):
            columns[field] = -columns[field]
        if reflection == 4 and "phi" in columns:
            turned = columns["phi"] + np.float32(np.pi)
            columns["phi"] = turned - 2 * np.float32(np.pi) * (turned > np.pi)
        found[name] = ak.zip(columns) if array.ndim > 1 else ak.zip(columns, depth_limit=1)
        if not columns:
            found[name] = array
    return found


def batch_of(products):
    tensors = DeepTau().configured(REPOSITORY / MODEL).acquire(products)
    taus = len(tensors["input_tau"])
    return Candidates.from_tensors(tensors, synthetic_columns(taus)).batch(np.arange(taus))


def ordered(cells):
    order = torch.argsort(cells.place)
    return cells.place[order], {name: rows[order] for name, rows in cells.blocks.items()}


@pytest.mark.parametrize("reflection", REVERSED)
def test_reflected_features_are_those_of_reflected_events(mirrors, products, reflection):
    original = batch_of(products)
    expected = batch_of(reflected(products, reflection))
    found = mirrors(original, torch.full((len(original.tau),), reflection))
    assert len(found.tau) > 40
    np.testing.assert_allclose(found.tau, expected.tau, atol=0.03)
    assert (found.tau != original.tau).any(dim=1).all()
    for grid in GRIDS:
        place, blocks = ordered(found.grids[grid])
        other, rows = ordered(expected.grids[grid])
        np.testing.assert_array_equal(place, other)
        for block in blocks:
            np.testing.assert_allclose(blocks[block], rows[block], atol=0.05, err_msg=block)


def test_twice_is_not_at_all(mirrors):
    batch = synthetic(30).batch(np.arange(30))
    state = torch.arange(30) % STATES
    twice = mirrors(mirrors(batch, state), state)
    assert torch.equal(twice.tau, batch.tau)
    for grid in GRIDS:
        assert torch.equal(twice.grids[grid].place, batch.grids[grid].place)
        for block, rows in batch.grids[grid].blocks.items():
            assert torch.equal(twice.grids[grid].blocks[block], rows)


def test_no_reflection_changes_nothing(mirrors):
    batch = synthetic(5).batch(np.arange(5))
    found = mirrors(batch, torch.zeros(5, dtype=torch.int64))
    assert torch.equal(found.tau, batch.tau)
    assert torch.equal(found.grids["outer"].place, batch.grids["outer"].place)
