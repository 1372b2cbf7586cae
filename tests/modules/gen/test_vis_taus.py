"""Visible taus against a recursion over daughters, and decays made by hand."""

import awkward as ak
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.modules.gen.vis_taus import GenVisTaus
from tests.modules.gen.events import collection, run, simulated, trees
from tests.modules.gen.test_jets import momentum

CHARGED = (211, 321, 2212, 3112, 3222, 3312, 3334)


def descendants(event, i):
    for j, p in enumerate(event):
        if p["genPartIdxMother"] == i:
            yield j
            yield from descendants(event, j)


def decay_mode(kinds):
    charged = sum(k in CHARGED for k in kinds)
    photons = kinds.count(22)
    if [k for k in kinds if k not in CHARGED and k != 22 and k not in (11, 13)]:
        return 15
    usual = {(1, 0): 0, (1, 2): 1, (1, 4): 2, (3, 0): 10, (3, 2): 11}
    return usual.get((charged, photons), 15)


def reference(event):
    for i, tau in enumerate(event):
        if abs(tau["pdgId"]) != 15 or tau["status"] != 2:
            continue
        family = [event[j] for j in descendants(event, i)]
        if any(abs(p["pdgId"]) == 15 and p["status"] == 2 for p in family):
            continue
        stable = [p for p in family if p["status"] == 1]
        visible = [p for p in stable if abs(p["pdgId"]) not in (12, 14, 16)]
        kinds = [abs(p["pdgId"]) for p in visible]
        if kinds.count(11) == 1 or kinds.count(13) == 1:
            continue
        p4 = sum((momentum(p) for p in visible), np.zeros(4))
        if np.hypot(*p4[:2]) > 10:
            yield i, p4, -1 if tau["pdgId"] > 0 else 1, decay_mode(kinds)


def check(particles, visible):
    for event, taus in zip(particles.to_list(), visible.to_list(), strict=True):
        expected = list(reference(event))
        assert [t["genPartIdxMother"] for t in taus] == [i for i, *_ in expected]
        for tau, (_, p4, charge, mode) in zip(taus, expected, strict=True):
            np.testing.assert_allclose(momentum(tau)[:3], p4[:3], rtol=1e-4, atol=1e-3)
            assert (tau["charge"], tau["status"]) == (charge, mode)


def test_simulated_taus():
    products = simulated("ztautau")
    check(products["PrunedGenPart"], products["GenVisTau"])
    modes, counts = np.unique(ak.flatten(products["GenVisTau"].status), return_counts=True)
    assert set(modes) <= {0, 1, 2, 10, 11, 15}
    assert modes[np.argmax(counts)] == 1  # the rho, a quarter of all decays


@given(st.lists(trees(), max_size=3))
def test_random_taus(events):
    particles = collection(events)
    check(particles, run(GenVisTaus(), {"PrunedGenPart": particles})["GenVisTau"])


def decay(*kinds, radiates=False):
    tau = [{"pdgId": 15, "status": 2, "pt": 100.0}]
    if radiates:
        tau += [{"pdgId": 15, "status": 2, "pt": 99.0, "genPartIdxMother": 0}]
    last = len(tau) - 1
    return tau + [{"pdgId": k, "pt": 20.0, "genPartIdxMother": last} for k in kinds]


@pytest.mark.parametrize(
    ("kinds", "mode"),
    [
        ((16, -211), 0),
        ((16, -211, 22, 22), 1),
        ((16, -321, 22, 22, 22, 22), 2),
        ((16, -211, 22), 15),
        ((16, -211, 130), 15),
        ((16, -211, 211, -211), 10),
        ((16, -211, 211, -211, 22, 22), 11),
        ((16, -211, 211, -211, 22, 22, 22, 22), 15),
        ((16, -211, 211, -211, -211, 211), 15),
        ((16, -211, 22, 22, 11, -11), 1),
    ],
)
def test_decay_modes(kinds, mode):
    particles = collection([decay(*kinds)])
    (tau,) = run(GenVisTaus(), {"PrunedGenPart": particles})["GenVisTau"][0].to_list()
    assert (tau["status"], tau["charge"], tau["genPartIdxMother"]) == (mode, -1, 0)
    assert tau["pt"] == pytest.approx(20.0 * (len(kinds) - 1))


@pytest.mark.parametrize("kinds", [(16, 11, -12), (16, 13, -14), (16, 13, -14, 22)])
def test_leptonic_decays_are_left_out(kinds):
    particles = collection([decay(*kinds)])
    assert run(GenVisTaus(), {"PrunedGenPart": particles})["GenVisTau"].to_list() == [[]]


def test_taus_that_radiate_count_once():
    particles = collection([[], decay(16, -211, radiates=True)])
    taus = run(GenVisTaus(), {"PrunedGenPart": particles})["GenVisTau"]
    assert taus.genPartIdxMother.to_list() == [[], [1]]
