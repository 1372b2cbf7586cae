"""Packed particles against the input particle by particle, and momentum conservation."""

import math

import awkward as ak
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.modules.gen.packed import PackedGenParticles, rapidity
from tests.modules.gen.events import collection, pruned_and_packed, run, simulated, trees


def literal_rapidity(p):
    pz = p["pt"] * math.sinh(abs(p["eta"]))
    energy = math.hypot(p["pt"] * math.cosh(p["eta"]), p["mass"])
    return math.log((energy + pz) / math.hypot(p["pt"], p["mass"]))


def test_what_is_kept_and_how_precisely():
    products = simulated()
    for event, packed in zip(
        products["GenPart"].to_list(), products["PackedGenPart"].to_list(), strict=True
    ):
        stable = [i for i, p in enumerate(event) if p["status"] == 1]
        expected = [i for i in stable if abs(literal_rapidity(event[i])) < 6]
        assert sorted(p["genPartIdx"] for p in packed) == expected
        for p in packed:
            original = event[p["genPartIdx"]]
            assert p["pt"] == pytest.approx(original["pt"], rel=2**-11, abs=2**-24)
            assert p["mass"] == pytest.approx(original["mass"], rel=2**-11)
            assert p["eta"] == pytest.approx(original["eta"], abs=2**-12)
            assert p["phi"] == pytest.approx(original["phi"], abs=2**-11)
            assert abs(p["phi"]) <= math.pi
            assert p["pdgId"] == original["pdgId"]


def test_order():
    for event in simulated()["PackedGenPart"].to_list():
        keys = [(p["pdgId"], p["genPartIdxMother"], -p["pt"]) for p in event]
        assert keys == sorted(keys)


def test_mother_is_the_nearest_ancestor_that_was_pruned():
    products = simulated("ztautau")
    for i, packed in enumerate(products["PackedGenPart"].to_list()):
        mothers = products["GenPart"].genPartIdxMother[i].to_list()
        place = {old: new for new, old in enumerate(products["PrunedGenPart"].genPartIdx[i])}
        for p in packed:
            ancestor = mothers[p["genPartIdx"]]
            while ancestor >= 0 and ancestor not in place:
                ancestor = mothers[ancestor]
            assert p["genPartIdxMother"] == place.get(ancestor, -1)


def test_transverse_momentum_is_conserved():
    """Visible particles and neutrinos balance, but for what is beyond the rapidity."""
    products = simulated()
    stable = products["GenPart"][products["GenPart"].status == 1]
    lost = np.abs(rapidity(*(ak.to_numpy(ak.flatten(stable[n])) for n in ("pt", "eta", "mass"))))
    forward = stable[ak.unflatten(lost >= 6, ak.num(stable))]
    for axis in (np.cos, np.sin):
        packed = products["PackedGenPart"]
        found = ak.sum(packed.pt * axis(packed.phi), axis=1)
        beyond = ak.sum(forward.pt * axis(forward.phi), axis=1)
        assert np.all(np.abs(found + beyond) < 0.01 * ak.sum(packed.pt, axis=1))
        assert np.median(np.abs(found + beyond)) < 0.5


@given(st.lists(trees(), min_size=1, max_size=4))
def test_events_do_not_depend_on_their_neighbours(events):
    together = pruned_and_packed(collection(events))["PackedGenPart"].to_list()
    for event, packed in zip(events, together, strict=True):
        assert pruned_and_packed(collection([event]))["PackedGenPart"].to_list() == [packed]
        assert len(packed) <= sum(p["status"] == 1 for p in event)


def test_rapidity_cut():
    particles = [
        {"pt": 1.0, "eta": 5.99, "pdgId": 22},
        {"pt": 1.0, "eta": 6.01, "pdgId": 22},
        {"pt": 0.5, "eta": 6.5, "mass": 0.94, "pdgId": 2212},
        {"pt": 1.0, "eta": -5.0, "pdgId": 22},
    ]
    products = pruned_and_packed(collection([particles]))
    assert products["PackedGenPart"].genPartIdx.to_list() == [[0, 3, 2]]
    narrow = run(PackedGenParticles(max_rapidity=5.5), products)["PackedGenPart"]
    assert narrow.genPartIdx.to_list() == [[3]]


def test_rapidity_of_particles_at_rest_and_massless_ones():
    pt, eta, mass = np.array([0.0, 0.0, 3.0]), np.array([0.0, 50.0, 2.0]), np.array([0.0, 1.0, 0.0])
    assert rapidity(pt, eta, mass) == pytest.approx([0.0, 0.0, 2.0])


def test_chunks_without_events():
    assert pruned_and_packed(collection([]))["PackedGenPart"].to_list() == []
