"""Uncalibrated jets: momenta, constituents and inputs."""

import math

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonicmini.modules.jets.raw import AK4CHSJets, AK4PuppiJets, AK8PuppiJets
from tests.toys import toy_products

SIZES = (500, 0, 1, 120)
MODULES = (AK4CHSJets(), AK4PuppiJets(), AK8PuppiJets())


def inputs_of_jets(seed=1, sizes=SIZES):
    rng = np.random.default_rng(seed)
    products = toy_products(len(sizes), seed, candidates=sizes)
    columns = {"weight": rng.choice([0.0, 0.0, 0.3, 1.0], sum(sizes)).astype(np.float32)}
    products["PuppiWeight"] = ak.unflatten(ak.zip(columns), sizes)
    vertex = {
        "pvIdx": rng.integers(-1, 4, sum(sizes)).astype(np.int16),
        "assignmentQuality": rng.choice([0, 6, 7], sum(sizes)).astype(np.uint8),
    }
    products["PFCandVertex"] = ak.unflatten(ak.zip(vertex), sizes)
    return products


def momentum(c, weight=1.0):
    energy = math.hypot(c["pt"] * math.cosh(c["eta"]), c["mass"])
    px, py, pz = (
        c["pt"] * f for f in (math.cos(c["phi"]), math.sin(c["phi"]), math.sinh(c["eta"]))
    )
    return weight * np.array([px, py, pz, energy])


def weights_of(module, products, event):
    """What each candidate counts, by the rule of each kind of jets."""
    if not isinstance(module, AK4CHSJets):
        return [w["weight"] for w in products["PuppiWeight"][event].to_list()]
    vertices = products["PFCandVertex"][event].to_list()
    return [0.0 if v["assignmentQuality"] == 7 and v["pvIdx"] > 0 else 1.0 for v in vertices]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: type(module).__name__)
def test_constituents_add_up_to_the_jets(module):
    products = inputs_of_jets()
    jets, links = (module.produce(products)[name] for name in module.produces)
    assert len(jets[0]) > 1
    for event in range(len(SIZES)):
        weights = weights_of(module, products, event)
        candidates = products["PFCand"][event].to_list()
        sums = np.zeros((len(jets[event]), 4))
        for link in links[event].to_list():
            index = link["candIdx"]
            assert weights[index] > 0
            sums[link["jetIdx"]] += momentum(candidates[index], weights[index])
        for jet, p4 in zip(jets[event].to_list(), sums, strict=True):
            np.testing.assert_allclose(momentum(jet), p4, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: type(module).__name__)
def test_jets_and_links_are_in_order(module):
    jets, links = (module.produce(inputs_of_jets())[name] for name in module.produces)
    assert np.all(ak.flatten(jets.pt) >= module.pt_min)
    for event in range(len(SIZES)):
        pt = jets.pt[event].to_list()
        assert pt == sorted(pt, reverse=True)
        pairs = [(link["jetIdx"], link["candIdx"]) for link in links[event].to_list()]
        assert pairs == sorted(pairs)
        assert len({candidate for _, candidate in pairs}) == len(pairs)
        assert {jet for jet, _ in pairs} == set(range(len(pt)))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: type(module).__name__)
@given(seed=st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_order_of_candidates_and_neighbours_do_not_matter(module, seed):
    products = inputs_of_jets(seed, (80, 0, 200))
    order = np.random.default_rng(seed).permutation(200)
    names = module.consumes
    alone = {name: products[name][2:][:, order] for name in names}
    jets, links = module.produces
    together, single = module.produce(products), module.produce(alone)
    for name in together[jets].fields:
        np.testing.assert_allclose(together[jets][2][name], single[jets][0][name], rtol=1e-9)
    pairs = {(link["jetIdx"], link["candIdx"]) for link in together[links][2].to_list()}
    moved = {(link["jetIdx"], order[link["candIdx"]]) for link in single[links][0].to_list()}
    assert pairs == moved


@pytest.mark.parametrize("module", MODULES, ids=lambda module: type(module).__name__)
def test_no_events_make_no_jets(module):
    products = {name: values[:0] for name, values in inputs_of_jets().items()}
    result = module.produce(products)
    assert [len(result[name]) for name in module.produces] == [0, 0]


def test_radius_must_be_positive():
    with pytest.raises(ValueError, match="radius"):
        AK4PuppiJets(radius=0.0)
