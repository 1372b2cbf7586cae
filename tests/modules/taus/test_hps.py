"""Taus of real sample events against the rules written out, and their invariances."""

import functools
from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from sonicmini.io.root_source import RootSource
from sonicmini.modules.jets.raw import AK4CHSJets
from sonicmini.modules.taus.hps import HPSTaus
from sonicmini.modules.vertexing.primary import PrimaryVertexAssociation, PrimaryVertexSorting
from tests.modules.taus.literal import literal_taus
from tests.toys import toy_products

SAMPLES = Path(__file__).parents[3] / "sample_data"
PREPARE = (PrimaryVertexSorting(), PrimaryVertexAssociation(), AK4CHSJets())


def prepare(products):
    products = dict(products)
    for module in PREPARE:
        products |= module.produce({name: products[name] for name in module.consumes})
    return products


@functools.cache
def sample(name, events):
    source = RootSource([SAMPLES / f"{name}.root"], ("PFCand", "Track", "PV"), max_events=events)
    return prepare(next(iter(source.chunks())).products)


def run(products, **parameters):
    module = HPSTaus(**parameters)
    return module.produce({name: products[name] for name in module.consumes})


def members(result, i, tau):
    links = result["HPSTauCand"][i]
    return [(link["role"], link["candIdx"]) for link in links[links.tauIdx == tau].to_list()]


@pytest.mark.parametrize(
    ("name", "events", "signed"),
    [("ztautau", 30, True), ("ztautau", 10, False), ("ttbar", 8, True)],
)
def test_taus_follow_the_rules(name, events, signed):
    products = sample(name, events)
    result = run(products, signed_phi=signed)
    modes = set()
    for i in range(events):
        expected = literal_taus(products, i, signed=signed)
        found = result["HPSTau"][i].to_list()
        assert [tau["jetIdx"] for tau in found] == [tau["jetIdx"] for tau in expected]
        for place, (tau, rule) in enumerate(zip(found, expected, strict=True)):
            mine = [(role, c["place"]) for role, cs in rule["roles"].items() for c in cs]
            assert members(result, i, place) == mine
            assert (tau["decayMode"], tau["charge"]) == (rule["mode"], rule["charge"])
            assert tau["decayModeFindingNewDMs"] == rule["passes"]
            old = rule["passes"] and rule["built"] in {(1, 0), (1, 1), (1, 2), (3, 0)}
            assert tau["decayModeFinding"] == old
            for column in ("pt", *(key for key in rule if "Sum" in key or "aw" in key)):
                assert tau[column] == pytest.approx(rule[column], rel=1e-9, abs=1e-9), column
            modes.add(tau["decayMode"])
    assert {0, 1, 5, 10} <= modes or events < 30


def test_working_points_follow_the_sums():
    taus = ak.flatten(run(sample("ztautau", 30))["HPSTau"])
    compact = taus.photonPtSumOutsideSignalCone <= 0.1 * taus.pt
    raw = taus.byCombinedIsolationDeltaBetaCorrRaw3Hits
    for name, limit in (("Loose", 2.5), ("Medium", 1.5), ("Tight", 0.8)):
        flag = taus[f"by{name}CombinedIsolationDeltaBetaCorr3Hits"]
        assert flag.to_list() == (compact & (raw <= limit)).to_list()
        assert ak.any(flag)
        assert not ak.all(flag)


def test_momenta_are_those_of_the_members():
    products = sample("ztautau", 30)
    result = run(products)
    links, candidates = result["HPSTauCand"], products["PFCand"]
    for i in range(30):
        for place, tau in enumerate(result["HPSTau"][i].to_list()):
            mine = candidates[i][
                links[i].candIdx[(links[i].tauIdx == place) & (links[i].role <= 1)]
            ]
            px = float(ak.sum(mine.pt * np.cos(mine.phi)))
            py = float(ak.sum(mine.pt * np.sin(mine.phi)))
            assert tau["pt"] == pytest.approx(np.hypot(px, py), rel=1e-5)
            assert tau["leadPt"] == candidates.pt[i, tau["leadCandIdx"]]
            assert members(result, i, place)[0] == (0, tau["leadCandIdx"])
            if tau["decayMode"] == 0:
                assert tau["mass"] == pytest.approx(0.13957, abs=1e-4)


def close(one, other):
    assert one.fields == other.fields
    for name in one.fields:
        a, b = (ak.to_numpy(ak.flatten(array[name])).astype(float) for array in (one, other))
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9, err_msg=name)


def test_events_do_not_depend_on_their_neighbours():
    products = sample("ztautau", 30)
    whole = run(products)
    for i in (0, 7, 29):
        alone = run({name: array[i : i + 1] for name, array in products.items()})
        for name, array in alone.items():
            close(array, whole[name][i : i + 1])
    turned = run({name: array[::-1] for name, array in products.items()})
    for name, array in turned.items():
        close(array[::-1], whole[name])


def test_the_order_of_candidates_does_not_matter():
    products = sample("ztautau", 10)
    rng = np.random.default_rng(5)
    order = ak.Array([rng.permutation(n) for n in ak.num(products["PFCand"]).to_list()])
    links = products["AK4CHSJetCand"]
    places = ak.argsort(order)[links.candIdx]
    shuffled = products | {
        "PFCand": products["PFCand"][order],
        "AK4CHSJetCand": ak.with_field(links, places, "candIdx"),
    }
    one, other = run(products), run(shuffled)
    apart = [name for name in one["HPSTau"].fields if name != "leadCandIdx"]
    close(one["HPSTau"][apart], other["HPSTau"][apart])
    for i in range(10):
        back = order[i][other["HPSTauCand"][i].candIdx]
        assert back.to_list() == one["HPSTauCand"][i].candIdx.to_list()


def test_extreme_events():
    sizes, vertices = (400, 0, 1, 2, 300, 250), (8, 3, 1, 0, 0, 2)
    products = prepare(toy_products(len(sizes), 3, candidates=sizes, vertices=vertices))
    result = run(products)
    assert ak.num(result["HPSTau"]).to_list()[1] == 0
    assert ak.num(result["HPSTau"]).to_list()[3:5] == [0, 0]
    for array in result.values():
        for name in array.fields:
            assert np.isfinite(ak.to_numpy(ak.flatten(array[name])).astype(float)).all(), name
    nothing = run({name: array[:0] for name, array in products.items()})
    assert [len(nothing[name]) for name in HPSTaus.produces] == [0, 0]
    assert nothing["HPSTau"].fields == result["HPSTau"].fields


def test_toys_follow_the_rules_too():
    sizes = (500, 350, 0, 420)
    products = prepare(toy_products(len(sizes), 8, candidates=sizes, vertices=(5, 2, 1, 9)))
    result = run(products)
    total = 0
    for i in range(len(sizes)):
        expected = literal_taus(products, i)
        total += len(expected)
        found = result["HPSTau"][i].to_list()
        assert [t["decayMode"] for t in found] == [t["mode"] for t in expected]
        for place, rule in enumerate(expected):
            mine = [(role, c["place"]) for role, cs in rule["roles"].items() for c in cs]
            assert members(result, i, place) == mine
    assert total > 5
