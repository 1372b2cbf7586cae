"""Inputs of DeepTau against CMSSW's way, and that they are nobody else's business."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonicmini.inference.batching import Batching, fill, plan
from sonicmini.inference.repository import ModelSpec, TensorSpec
from sonicmini.modules.networks.deeptau.inputs import KNOWN, deeptau_inputs
from sonicmini.modules.networks.deeptau.scaling import FILE, Scaling
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


def inputs_of_all(products, scaling=SCALING) -> Any:
    return deeptau_inputs(products, np.ones(ak.count(products["SlimmedTau"].pt), bool), scaling)


def dense(products):
    return dense_of(inputs_of_all(products))


def dense_of(tensors: Any):
    (request,) = plan(spec(), tensors, Batching(max_rows=1000, max_bytes=10**9))
    return fill(spec(), tensors, request)


@pytest.mark.parametrize(
    "products", [sample_events, *(partial(random_events, n) for n in range(5))]
)
def test_every_number_is_that_of_cms(products):
    found = dense(products())
    expected = [
        literal.inputs_of(event, index)
        for event in as_list(products())
        for index in range(len(event["SlimmedTau"]))
    ]
    assert len(expected) > 5
    assert {*found} == {*expected[0]}
    for name, tensor in found.items():
        every = np.stack([tau[name] for tau in expected])
        assert every.any()
        np.testing.assert_allclose(tensor, every, rtol=2e-4, atol=2e-4, err_msg=name)


def test_random_events_have_every_feature_of_every_block_that_the_input_has():
    every: dict[str, set[str]] = {}
    for seed in range(5):
        for event in as_list(random_events(seed)):
            for index in range(len(event["SlimmedTau"])):
                described = literal.tau_features(event, index)
                every.setdefault("TauFlat", set()).update(described)
                for block, _, place, describe in literal.objects(event):
                    every.setdefault(block, set()).update(describe(event, index, place))
    for block in ("TauFlat", *literal.TYPES.values(), "Muon"):
        assert {*literal.SCALING["blocks"][block]["names"]} <= every[block]
    missing = {*literal.SCALING["blocks"]["Electron"]["names"]} - every["Electron"]
    assert len(missing) == 21


def test_all_inputs_of_a_grid_have_the_same_cells_and_each_has_something():
    tensors = inputs_of_all(sample_events())
    for grid in ("inner", "outer"):
        egamma, *others = (
            tensors[f"input_{grid}_{name}"] for name in ("egamma", "muon", "hadrons")
        )
        for other in others:
            assert np.array_equal(other.position, egamma.position)
            assert np.array_equal(other.counts, egamma.counts)
        places = np.column_stack(
            [np.repeat(np.arange(len(egamma)), egamma.counts), egamma.position]
        )
        assert len(np.unique(places, axis=0)) == len(places)
        filled = np.concatenate(
            [egamma.content[:, 4:], *(o.content[:, 4:] for o in others)], axis=1
        )
        assert filled.any(axis=1).all()


@settings(max_examples=10)
@given(seed=st.integers(0, 1000))
def test_order_of_objects_does_not_matter(seed):
    products = random_events(2)
    rng, mixed = np.random.default_rng(seed), dict(products)
    place = {}
    for name in ("PackedPFCand", "SlimmedElectron", "SlimmedMuon"):
        order = ak.Array([rng.permutation(len(event)) for event in products[name]])
        mixed[name] = products[name][ak.values_astype(order, np.int64)]
        place[name] = ak.argsort(order, axis=1)
    back = place["PackedPFCand"]
    links = products["TauPFCand"]
    mixed["TauPFCand"] = ak.with_field(links, back[links.pfCandIdx], "pfCandIdx")
    for name in ("SlimmedElectron", "SlimmedMuon"):
        index = mixed[name].pfCandIdx
        known = ak.where(index >= 0, index, 0)
        moved = ak.where(index >= 0, back[known], -1)
        mixed[name] = ak.with_field(mixed[name], moved, "pfCandIdx")
    for name, expected in dense(products).items():
        np.testing.assert_allclose(dense(mixed)[name], expected, atol=1e-5, err_msg=name)


def test_neighbours_do_not_matter():
    products = sample_events()
    together, row = dense(products), 0
    for event in range(len(products["Rho"])):
        alone = inputs_of_all(
            {name: one[event : event + 1] for name, one in products.items()}, SCALING
        )
        taus = len(alone["input_tau"])
        if taus:
            for name, tensor in dense_of(alone).items():
                assert np.array_equal(tensor, together[name][row : row + taus])
        row += taus
    assert row == len(together["input_tau"])


def test_of_some_taus_only_those():
    products = random_events(3)
    wanted = np.array([False, True, True, False, False, True])
    some = dense_of(deeptau_inputs(products, wanted, SCALING))
    for name, tensor in dense(products).items():
        assert np.array_equal(some[name], tensor[wanted])


@pytest.mark.parametrize("events", [slice(0, 0), slice(1, 2)])
def test_nothing_comes_of_no_events_and_of_no_taus(events):
    tensors = inputs_of_all({name: one[events] for name, one in random_events().items()}, SCALING)
    assert tensors["input_tau"].shape == (0, 43)
    assert tensors["input_outer_egamma"].content.shape == (0, 86)
    assert plan(spec(), tensors, Batching()) == []


def test_another_selection_of_known_features_needs_no_code(tmp_path: Path):
    content = json.loads((MODEL / FILE).read_text())
    content["inputs"] = {"tau": ["GridGlobal", "TauFlat"], "all": ["Muon", "GridGlobal"]}
    numbers = {"mean": [0, 0], "std": [1, 1], "lim": [None, None]}
    content["blocks"]["Muon"] = {"names": ["rel_pt", "valid"], "all": numbers}
    (tmp_path / FILE).write_text(json.dumps(content))
    tensors = inputs_of_all(sample_events(), Scaling.read(tmp_path, KNOWN))
    assert [*tensors] == ["input_tau", "input_inner_all", "input_outer_all"]
    assert tensors["input_tau"].shape[1] == 4 + 43
    assert np.array_equal(tensors["input_tau"][:, :3], tensors["input_tau"][:, 4:7])
    rows = tensors["input_outer_all"].content
    assert set(rows[:, 1].tolist()) == {0, 1}
    assert rows[rows[:, 1] == 1, 0].min() > 0
