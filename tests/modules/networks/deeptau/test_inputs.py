"""Inputs of DeepTau against CMSSW's way, and that they are nobody else's business."""

from typing import Any

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonicmini.event import Sparse
from sonicmini.inference.batching import Batching, fill, plan
from sonicmini.inference.repository import ModelSpec, TensorSpec
from sonicmini.modules.networks.deeptau.inputs import CONSUMES, KNOWN, deeptau_inputs
from sonicmini.modules.networks.deeptau.scaling import Scaling
from sonicmini.resources import bundled
from tests.modules.networks.deeptau import literal
from tests.modules.networks.deeptau.events import as_list, random_events, sample_events

MODEL = bundled("models") / "deeptau_2018v2p5"
SCALING = Scaling.read(MODEL, KNOWN)
FLOAT = np.dtype(np.float32)


def spec():
    """What the network takes, as its config.pbtxt says."""
    dims: dict[str, tuple[int, ...]] = {"input_tau": (43,)}
    widths = {"egamma": 86, "muon": 64, "hadrons": 38}
    for grid, cells in (("inner", 11), ("outer", 21)):
        dims |= {f"input_{grid}_{name}": (cells, cells, width) for name, width in widths.items()}
    inputs = tuple(TensorSpec(name, FLOAT, shape) for name, shape in dims.items())
    return ModelSpec("deeptau", 1, MODEL, inputs, (), 1000, (), "")


def dense(products):
    tensors: Any = deeptau_inputs(products, SCALING)
    (request,) = plan(spec(), tensors, Batching(max_rows=1000, max_bytes=10**9))
    return fill(spec(), tensors, request)


@pytest.mark.parametrize("products", [sample_events, random_events])
def test_every_number_is_that_of_cms(products):
    found = dense(products())
    expected = [
        literal.inputs_of(event, index)
        for event in as_list(products())
        for index in range(len(event["SlimmedTau"]))
    ]
    assert len(expected) > 5
    for name, tensor in found.items():
        every = np.stack([tau[name] for tau in expected])
        assert every.any()
        np.testing.assert_allclose(tensor, every, rtol=2e-4, atol=2e-4, err_msg=name)


@pytest.mark.parametrize("seed", range(5))
def test_random_events_are_that_of_cms(seed):
    products = random_events(seed)
    found, row = dense(products), 0
    for event in as_list(products):
        for index in range(len(event["SlimmedTau"])):
            for name, expected in literal.inputs_of(event, index).items():
                np.testing.assert_allclose(found[name][row], expected, rtol=2e-4, atol=2e-4)
            row += 1
    assert row == len(found["input_tau"])
