"""Sums around objects against a loop over all candidates."""

import math

import awkward as ak
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.modules.columns import jagged
from sonicmini.modules.leptons.isolation import (
    Centres,
    Surroundings,
    aod_surroundings,
    cone_sums,
    cones,
    less_area,
    less_half_pileup,
    mini_radius,
    packed_surroundings,
)
from tests.modules.leptons.events import simulated


def literal(around, centres, i, within):
    """The four sums of object ``i``, one candidate after the other."""
    sums, veto = [0.0] * 4, within.veto[i]
    radius, threshold, strip = within.radius[i], within.threshold[i], within.strip[i]
    event = centres.event[i]
    for k in range(around.offsets[event], around.offsets[event + 1]):
        if k == centres.own[i]:
            continue
        d_eta = abs(float(around.eta[k]) - centres.eta[i])
        d_phi = math.remainder(float(around.phi[k]) - centres.phi[i], 2 * math.pi)
        away, pt, kind = math.hypot(d_eta, d_phi), float(around.pt[k]), int(around.pdg_id[k])
        if away >= radius:
            continue
        if kind == 211 and around.from_pv[k] and away > veto[0]:
            sums[0] += pt
        if pt <= threshold:
            continue
        if kind == 130 and away > veto[1]:
            sums[1] += pt
        if kind == 22 and away > veto[2] and d_eta >= strip:
            sums[2] += pt
        charged = kind in (211, 11, 13) if around.leptons[0] else kind == 211
        if charged and not around.from_pv[k] and away > veto[3]:
            sums[3] += pt
    return sums


def directions(products, n, seed=5):
    """Directions of candidates and others, some with their own candidate."""
    rng = np.random.default_rng(seed)
    candidates = products["PFCand"]
    event = np.sort(rng.integers(0, len(candidates), n))
    starts = np.append(0, np.cumsum(ak.num(candidates.pt)))
    own = np.array([rng.integers(starts[e], starts[e + 1]) for e in event])
    eta, phi = (
        np.asarray(ak.flatten(candidates[name]), np.float64)[own] for name in ("eta", "phi")
    )
    away = rng.random(n) < 0.3
    eta, phi = (
        np.where(away, rng.normal(0, 2, n), eta),
        np.where(away, rng.uniform(-3.1, 3.1, n), phi),
    )
    return Centres(eta, phi, event, np.where(away, -1, own))


VETOES = [
    (0.0, (0.0, 0.0, 0.0, 0.0), 0.0),
    (0.5, (0.0001, 0.01, 0.01, 0.01), 0.0),
    (0.0, (0.015, 0.0, 0.08, 0.015), 0.015),
    (0.0, (-1.0, -1.0, -1.0, -1.0), 0.0),
]


@pytest.mark.parametrize(("threshold", "veto", "strip"), VETOES)
def test_sums_are_those_of_a_loop(threshold, veto, strip):
    products = simulated()
    centres = directions(products, 60)
    rng = np.random.default_rng(1)
    radius = rng.choice([0.05, 0.2, 0.3, 0.4], 60)
    packed = products["PackedPFCand"]
    for around in (
        aod_surroundings(products["PFCand"], products["PFCandVertex"]),
        packed_surroundings(packed),
        packed_surroundings(packed, max_dz=0.1),
        packed_surroundings(packed, weighted=True),
    ):
        within = cones(radius, np.array(veto), threshold, np.full(60, strip))
        sums = cone_sums(around, centres, within)
        expected = [literal(around, centres, i, within) for i in range(60)]
        np.testing.assert_allclose(sums, expected, rtol=1e-5, atol=1e-6)
        assert np.count_nonzero(sums) > 20


def test_candidates_are_read_as_they_are():
    products = simulated()
    candidates, vertex = products["PFCand"][4].to_list(), products["PFCandVertex"][4].to_list()
    packed = products["PackedPFCand"][4].to_list()
    some = np.array([4])
    aod = aod_surroundings(products["PFCand"][some], products["PFCandVertex"][some])
    near = packed_surroundings(products["PackedPFCand"][some], max_dz=0.1)
    weighted = packed_surroundings(products["PackedPFCand"][some], weighted=True)
    assert len(aod.pt) == len(candidates) == len(packed)
    for k, (candidate, its_vertex, own) in enumerate(zip(candidates, vertex, packed, strict=True)):
        assert aod.pt[k] == np.float32(candidate["pt"])
        assert aod.pdg_id[k] == abs(candidate["pdgId"])
        assert aod.from_pv[k] == (its_vertex["puppiFromPV"] in (2, 3))
        assert near.from_pv[k] == (own["fromPV"] > 1 or abs(own["dz"]) < np.float32(0.1))
        assert weighted.from_pv[k] == (own["fromPV"] > 1)
        assert weighted.pt[k] == pytest.approx(own["pt"] * own["puppiWeight"], rel=1e-6)


@st.composite
def surroundings(draw):
    n = draw(st.integers(0, 30))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return Surroundings(
        rng.exponential(2, n).astype(np.float32),
        rng.normal(0, 0.3, n).astype(np.float32),
        (rng.normal(3.0, 0.3, n) % (2 * np.pi) - np.pi).astype(np.float32),
        rng.choice([211, 211, 22, 130, 11, 13, 1, 2], n).astype(np.int16),
        rng.random(n) < 0.5,
        np.array([draw(st.booleans())]),
        np.array([0, n]),
    )


@given(surroundings(), st.integers(0, 2**32 - 1))
def test_the_order_of_candidates_does_not_matter(around, seed):
    order = np.random.default_rng(seed).permutation(len(around.pt))
    shuffled = around._replace(
        **{name: getattr(around, name)[order] for name in around._fields[:5]}
    )
    centres = Centres(np.zeros(1), np.zeros(1), np.zeros(1, np.int64), np.full(1, -1))
    within = cones(np.array([0.4]), np.array(VETOES[1][1]), 0.5)
    one, other = (cone_sums(candidates, centres, within) for candidates in (around, shuffled))
    np.testing.assert_allclose(one, other, rtol=1e-12)


@given(surroundings())
def test_larger_cones_hold_more(around):
    centres = Centres(np.zeros(2), np.zeros(2), np.zeros(2, np.int64), np.full(2, -1))
    sums = cone_sums(around, centres, cones(np.array([0.2, 0.4]), np.zeros(4)))
    assert np.all(sums[0] <= sums[1])


def test_no_objects_and_no_candidates():
    empty = jagged(
        np.zeros(3, np.int64),
        {
            **{name: np.zeros(0, np.float32) for name in ("pt", "eta", "phi", "dz", "puppiWeight")},
            "pdgId": np.zeros(0, np.int16),
            "fromPV": np.zeros(0, np.uint8),
        },
    )
    around = packed_surroundings(empty, max_dz=0.1)
    nothing = np.zeros(0, np.int64)
    none = Centres(np.zeros(0), np.zeros(0), nothing, nothing)
    assert cone_sums(around, none, cones(np.zeros(0), np.zeros(4))).shape == (0, 4)
    one = Centres(np.zeros(1), np.zeros(1), np.ones(1, np.int64), np.full(1, -1))
    assert cone_sums(around, one, cones(np.array([0.4]), np.zeros(4))).tolist() == [[0, 0, 0, 0]]


def test_corrections_and_radius_by_hand():
    sums = np.array([[3.0, 1.0, 2.0, 4.0], [3.0, 1.0, 2.0, 10.0]])
    assert less_half_pileup(sums).tolist() == [4.0, 3.0]
    assert less_area(sums, np.array([0.5, 7.0])).tolist() == [5.5, 3.0]
    assert mini_radius(np.array([10.0, 100.0, 500.0])).tolist() == [0.2, 0.1, 0.05]
