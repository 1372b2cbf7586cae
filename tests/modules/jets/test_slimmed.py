"""Jets of the output: selection, order, corrected momenta, links, independence."""

import functools

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonicmini.modules.jets.raw import AK4CHSJets, AK4PuppiJets, AK8PuppiJets
from sonicmini.modules.jets.slimmed import SlimmedFatJets, SlimmedJetsCHS, SlimmedJetsPuppi
from tests.toys import toy_products

PAIRS = [
    (AK4CHSJets(), SlimmedJetsCHS()),
    (AK4PuppiJets(), SlimmedJetsPuppi()),
    (AK8PuppiJets(), SlimmedFatJets()),
]
by_name = pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: type(pair[1]).__name__)


@functools.cache
def inputs_of(raw, seed=1, sizes=(900, 0, 1, 300)):
    """Candidates with weights and vertices, their jets, some packed order, some corrections."""
    rng = np.random.default_rng(seed)
    products = toy_products(len(sizes), seed, candidates=sizes)
    n = sum(sizes)
    columns = {
        "PuppiWeight": {"weight": rng.choice([0.0, 0.3, 1.0], n)},
        "PFCandVertex": {
            "pvIdx": rng.integers(-1, 4, n),
            "assignmentQuality": rng.choice([0, 6, 7], n),
            "dzPV0": rng.normal(0, 0.3, n),
        },
        "PackedPFCand": {"pfCandIdx": np.concatenate([rng.permutation(k) for k in sizes])},
    }
    for name, values in columns.items():
        products[name] = ak.unflatten(ak.zip(values), sizes)
    products |= raw.produce(products)
    jets = products[raw.produces[0]]
    counts = ak.num(jets).to_numpy()
    factor = ak.unflatten(rng.uniform(0.6, 1.6, counts.sum()), counts)
    products[f"{raw.produces[0]}Correction"] = ak.zip({"factor": factor})
    return products


@by_name
def test_jets_are_corrected_selected_and_sorted(pair):
    raw, module = pair
    products = inputs_of(raw)
    jets = module.produce(products)[module.produces[0]]
    total = 0
    for event in range(4):
        uncorrected = products[raw.produces[0]][event].to_list()
        factors = products[f"{raw.produces[0]}Correction"].factor[event].to_list()
        corrected = [
            (jet["pt"] * f, i) for i, (jet, f) in enumerate(zip(uncorrected, factors, strict=True))
        ]
        corrected.sort(reverse=True)
        expected = [
            index
            for rank, (pt, index) in enumerate(corrected)
            if pt > module.pt_min or (rank < module.leading and pt > module.leading_pt_min)
        ]
        assert jets.rawJetIdx[event].to_list() == expected
        total += len(expected)
        for jet, index in zip(jets[event].to_list(), expected, strict=True):
            before, factor = uncorrected[index], factors[index]
            for name, scale in (("pt", factor), ("mass", factor), ("eta", 1), ("phi", 1)):
                assert jet[name] == pytest.approx(before[name] * scale, rel=1e-5, abs=1e-6)
            assert jet["pt"] * (1 - jet["rawFactor"]) == pytest.approx(before["pt"], rel=1e-5)
            assert jet["area"] == pytest.approx(before["area"])
    assert total > 1


@by_name
def test_links_lead_back_to_the_candidates(pair):
    raw, module = pair
    products = inputs_of(raw)
    jets, links = (module.produce(products)[name] for name in module.produces)
    for event in range(4):
        place = products["PackedPFCand"].pfCandIdx[event].to_list()
        found = [(link["jetIdx"], link["pfCandIdx"]) for link in links[event].to_list()]
        assert found == sorted(found)
        of_raw: dict[int, set[int]] = {}
        for link in products[raw.produces[1]][event].to_list():
            of_raw.setdefault(link["jetIdx"], set()).add(link["candIdx"])
        for jet, (raw_index, count) in enumerate(
            zip(jets.rawJetIdx[event], jets.nConstituents[event], strict=True)
        ):
            members = {place[candidate] for i, candidate in found if i == jet}
            assert members == of_raw[raw_index]
            assert len(members) == count


@by_name
def test_fractions_and_numbers_add_up(pair):
    raw, module = pair
    jets = ak.flatten(module.produce(inputs_of(raw))[module.produces[0]])
    parts = sum(jets[name] for name in ("chHEF", "neHEF", "chEmEF", "neEmEF", "muEF"))
    np.testing.assert_allclose(parts, 1.0, rtol=1e-5)
    assert ak.all(jets.chMultiplicity + jets.neMultiplicity == jets.nConstituents)
    assert ak.all(abs(jets.jetCharge) <= 1)
    if "PuppiWeight" in module.consumes:
        assert ak.all(jets.puppiMultiplicity <= jets.nConstituents + 1e-3)
        assert ak.all(jets.neutralPuppiMultiplicity <= jets.neMultiplicity + 1e-3)
    assert set(np.unique(jets.jetId)) <= {0, 2, 6}


@by_name
@given(seed=st.integers(1, 40))
@settings(max_examples=5, deadline=None)
def test_events_do_not_know_of_their_neighbours(pair, seed):
    raw, module = pair
    products = inputs_of(raw, seed, (300, 0, 500))
    together = module.produce(products)
    for event in range(3):
        chosen = {name: values[event : event + 1] for name, values in products.items()}
        alone = module.produce(chosen)
        for name in module.produces:
            assert together[name][event].to_list() == alone[name][0].to_list()


@by_name
def test_no_events_and_no_jets_are_no_trouble(pair):
    raw, module = pair
    products = inputs_of(raw)
    for part in (slice(0, 0), slice(1, 3)):
        chosen = {name: values[part] for name, values in products.items()}
        result = module.produce(chosen)
        assert all(len(result[name]) == part.stop - part.start for name in module.produces)
        assert all(ak.sum(ak.num(result[name])) == 0 for name in module.produces)
