"""Raw missing momenta against literal sums over each event."""

import math

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonicmini.modules.met.raw import RawChsMET, RawMET, RawMETNoHF, RawPuppiMET, TkMET
from tests.toys import toy_products

SIZES = (500, 0, 1, 120)
MODULES = (RawMET(), RawChsMET(), RawMETNoHF(), RawPuppiMET(), TkMET())


def made(seed=1, sizes=SIZES):
    """Toy events with weights and vertices drawn at random."""
    rng = np.random.default_rng(seed)
    n = sum(sizes)
    products = toy_products(len(sizes), seed, candidates=sizes)
    columns = {"weightNoLep": rng.choice([0.0, 0.3, 1.0], n), "weight": rng.random(n)}
    products["PuppiWeight"] = ak.unflatten(ak.zip(columns), sizes)
    vertex = {
        "fromPV": rng.integers(0, 4, n).astype(np.uint8),
        "pvAssocQuality": rng.choice([0, 1, 4, 5, 6, 7], n).astype(np.uint8),
        "pvIdx": rng.integers(-1, 3, n).astype(np.int16),
    }
    products["PFCandVertex"] = ak.unflatten(ak.zip(vertex), sizes)
    return products


def weight_of(module, candidate, vertex, puppi):
    """Each published rule, literally."""
    match module.produces[0]:
        case "RawMET":
            return 1.0
        case "RawChsMET":
            return float(vertex["fromPV"] > 0)
        case "RawMETNoHF":
            return float(abs(candidate["eta"]) < 3 and candidate["pdgId"] not in (1, 2))
        case "RawPuppiMET":
            return puppi["weightNoLep"]
        case _:
            close = vertex["pvAssocQuality"] >= 4 and vertex["pvIdx"] == 0
            return float(candidate["charge"] != 0 and close)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.produces[0])
def test_missing_momentum_is_the_opposite_of_the_sum(module):
    products = made()
    (name,) = module.produces
    result = module.produce({name: products[name] for name in module.consumes})[name]
    parts = [products[key].to_list() for key in ("PFCand", "PFCandVertex", "PuppiWeight")]
    for met, *event in zip(result.to_list(), *parts, strict=True):
        x = y = sum_et = 0.0
        for candidate, vertex, puppi in zip(*event, strict=True):
            weight = weight_of(module, candidate, vertex, puppi)
            pt, eta = weight * candidate["pt"], candidate["eta"]
            x -= pt * math.cos(candidate["phi"])
            y -= pt * math.sin(candidate["phi"])
            energy = math.hypot(pt * math.cosh(eta), weight * candidate["mass"])
            sum_et += energy / math.cosh(eta)
        assert met["pt"] == pytest.approx(math.hypot(x, y), rel=1e-4, abs=1e-3)
        assert met["pt"] * math.cos(met["phi"]) == pytest.approx(x, abs=1e-3)
        assert met["pt"] * math.sin(met["phi"]) == pytest.approx(y, abs=1e-3)
        assert met["sumEt"] == pytest.approx(sum_et, rel=1e-5)
    assert result[1].to_list() == {"pt": 0.0, "phi": 0.0, "sumEt": 0.0}


def test_the_rules_choose_different_candidates():
    products = made(2)
    sums = {
        module.produces[0]: float(module.produce(products)[module.produces[0]].sumEt[0])
        for module in MODULES
    }
    assert len(set(sums.values())) == len(MODULES)
    assert max(sums, key=lambda name: sums[name]) == "RawMET"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.produces[0])
@settings(max_examples=20)
@given(
    seed=st.integers(0, 1000),
    sizes=st.lists(st.sampled_from([0, 1, 7, 60]), min_size=1, max_size=4),
)
def test_events_do_not_depend_on_their_neighbours(module, seed, sizes):
    products = made(seed, tuple(sizes))
    (name,) = module.produces
    together = module.produce({key: products[key] for key in module.consumes})[name]
    for i in range(len(sizes)):
        alone = module.produce({key: products[key][i : i + 1] for key in module.consumes})[name]
        assert alone[0].to_list() == pytest.approx(together[i].to_list(), rel=1e-5, abs=1e-4)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.produces[0])
def test_a_chunk_without_events(module):
    products = made(1, (3, 2))
    inputs = {key: products[key][:0] for key in module.consumes}
    assert len(module.produce(inputs)[module.produces[0]]) == 0
