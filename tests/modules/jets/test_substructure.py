"""The module: which jets get what, and that subjets are parts of their jet."""

import functools

import awkward as ak
import fastjet
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonicmini.modules.columns import jagged, momenta
from sonicmini.modules.jets.energy_correlators import n_ratios
from sonicmini.modules.jets.n_subjettiness import n_subjettiness
from sonicmini.modules.jets.raw import AK8PuppiJets
from sonicmini.modules.jets.soft_drop import soft_drop
from sonicmini.modules.jets.substructure import COLUMNS, AK8PuppiSubstructure
from sonicmini.modules.jets.substructure_clustering import on_cylinder
from tests.toys import toy_products

SIZES = (900, 0, 1, 400, 600)


def with_jets(seed, sizes):
    rng = np.random.default_rng(seed)
    products = toy_products(len(sizes), seed, candidates=sizes)
    weight = {"weight": rng.choice([0.0, 0.3, 1.0], sum(sizes)).astype(np.float32)}
    products["PuppiWeight"] = jagged(np.cumsum([0, *sizes]), weight)
    module = AK8PuppiJets()
    products |= module.produce({name: products[name] for name in module.consumes})
    return products


@functools.cache
def made(module=None, seed=4):
    module = module or AK8PuppiSubstructure(pt_min=60.0, pt_min_n3=100.0)
    products = with_jets(seed, SIZES)
    inputs = {name: products[name] for name in module.consumes}
    return {**products, **module.produce(inputs)}


def rapidity(jet):
    return np.arcsinh(jet["pt"] * np.sinh(jet["eta"]) / np.hypot(jet["pt"], jet["mass"]))


def constituents(products, event, jet):
    links = products["AK8PuppiJetCand"][event]
    index = links.candIdx[links.jetIdx == jet]
    p4 = momenta(products["PFCand"][event : event + 1])[ak.to_numpy(index)]
    return p4 * ak.to_numpy(products["PuppiWeight"].weight[event][index])[:, np.newaxis]


def jets(products):
    """Event, place, jet and its substructure."""
    for event, (found, rows) in enumerate(
        zip(
            products["AK8PuppiJet"].to_list(),
            products["AK8PuppiJetSubstructure"].to_list(),
            strict=True,
        )
    ):
        for place, (jet, row) in enumerate(zip(found, rows, strict=True)):
            yield event, place, jet, row


def test_each_jet_has_what_its_constituents_give():
    products = made()
    kinds = set()
    for event, place, jet, row in jets(products):
        kind = (jet["pt"] > 60, abs(rapidity(jet)) < 2.4)
        kinds.add(kind)
        taus = [row[f"tau{n}"] for n in range(1, 5)]
        groomed = [row[name] for name in ("msoftdrop", "n2b1", "n2b2", "n3b1", "n3b2")]
        p4 = constituents(products, event, place)
        offsets = np.array([0, len(p4)])
        if kind[0]:
            assert taus == pytest.approx(n_subjettiness(p4, offsets, 0.8)[0].tolist(), rel=1e-9)
        else:
            assert taus == [-1] * 4
        if not all(kind):
            assert groomed == [-1] * 5
            assert row["subJetIdx1"] == row["subJetIdx2"] == -1
            continue
        dropped = soft_drop(p4, offsets)
        left = p4[dropped.part >= 0]
        high = np.array([np.hypot(*dropped.p4[0, :2]) > 100])
        n2, n3 = n_ratios(on_cylinder(left), np.array([0, len(left)]), high)
        mass = fastjet.PseudoJet(*left.sum(axis=0).tolist()).m()
        assert groomed == pytest.approx([mass, *n2[0], *n3[0]], rel=1e-6, abs=1e-6)
    assert kinds >= {(True, True), (False, True), (False, False)}


def test_forward_jets_are_not_groomed():
    products = made(AK8PuppiSubstructure(pt_min=30.0, rapidity_max=1.0))
    forward = [row for _, _, jet, row in jets(products) if abs(rapidity(jet)) > 1.0]
    assert len(forward) > 3
    assert all(row["msoftdrop"] == row["n2b1"] == row["subJetIdx1"] == -1 for row in forward)
    assert any(row["tau1"] > 0 for row in forward)


def test_subjets_add_up_to_the_groomed_jet():
    products = made()
    subjets = products["AK8PuppiSubJet"]
    p4 = ak.unflatten(momenta(subjets), ak.num(subjets))
    used = 0
    for event, place, _, row in jets(products):
        if row["subJetIdx1"] < 0:
            assert row["subJetIdx2"] < 0
            continue
        pair = [row["subJetIdx1"], row["subJetIdx2"]]
        first, second = subjets[event][pair].to_list()
        assert first["jetIdx"] == second["jetIdx"] == place
        assert first["pt"] >= second["pt"] > 0.1 * (first["pt"] + second["pt"])
        total = fastjet.PseudoJet(*ak.sum(p4[event][pair], axis=0).to_list())
        assert total.m() == pytest.approx(row["msoftdrop"], rel=1e-6)
        assert all(subjet[f"tau{n}"] >= 0 for subjet in (first, second) for n in range(1, 5))
        used += 2
    assert used == ak.sum(ak.num(subjets)) > 0
    assert ak.all(subjets.rawFactor == 0)


def test_subjets_have_the_shapes_of_their_constituents():
    products = made()
    subjets = products["AK8PuppiSubJet"].to_list()
    for event, place, _, row in jets(products):
        if row["subJetIdx1"] < 0:
            continue
        p4 = constituents(products, event, place)
        part = soft_drop(p4, np.array([0, len(p4)])).part
        for number, column in enumerate(("subJetIdx1", "subJetIdx2")):
            own = p4[part == number]
            offsets, subjet = np.array([0, len(own)]), subjets[event][row[column]]
            taus = [subjet[f"tau{n}"] for n in range(1, 5)]
            assert taus == pytest.approx(n_subjettiness(own, offsets, 0.8)[0].tolist(), rel=1e-9)
            n2, n3 = n_ratios(on_cylinder(own), offsets, np.array([True]))
            assert [subjet["n2b1"], subjet["n3b1"]] == pytest.approx([n2[0, 0], n3[0, 0]])


def test_no_events():
    module = AK8PuppiSubstructure()
    products = with_jets(1, (300,))
    result = module.produce({name: products[name][:0] for name in module.consumes})
    assert [len(array) for array in result.values()] == [0, 0]
    assert set(result["AK8PuppiJetSubstructure"].fields) >= set(COLUMNS)


@settings(max_examples=15)
@given(seed=st.integers(0, 100), sizes=st.lists(st.integers(0, 400), min_size=1, max_size=4))
def test_events_do_not_depend_on_their_neighbours(seed, sizes):
    module = AK8PuppiSubstructure(pt_min=40.0)
    products = with_jets(seed, sizes)
    inputs = {name: products[name] for name in module.consumes}
    together = module.produce(inputs)
    for i in range(len(sizes)):
        alone = module.produce({name: array[i : i + 1] for name, array in inputs.items()})
        for name in module.produces:
            assert alone[name].to_list() == together[name][i : i + 1].to_list()
