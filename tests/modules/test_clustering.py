"""Jets of many events at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonicmini.modules.clustering import anti_kt_history, anti_kt_jets, polar


def momenta(seed, n):
    p4 = np.random.default_rng(seed).normal(0, 10, (n, 4))
    p4[:, 3] = np.linalg.norm(p4[:, :3], axis=1) * 1.01
    return p4


@given(seed=st.integers(0, 10**6), sizes=st.lists(st.integers(0, 60), max_size=4))
@settings(max_examples=30, deadline=None)
def test_events_do_not_know_of_their_neighbours(seed, sizes):
    p4, offsets = momenta(seed, sum(sizes)), np.cumsum([0, *sizes])
    used = np.random.default_rng(seed).random(len(p4)) < 0.7
    together = anti_kt_jets(p4, offsets, used=used, radius=0.4, pt_min=5.0)
    assert np.all(used[together.constituent])
    for i, size in enumerate(sizes):
        part = slice(offsets[i], offsets[i + 1])
        alone = anti_kt_jets(p4[part], np.array([0, size]), used=used[part], radius=0.4, pt_min=5.0)
        first, last = together.offsets[i], together.offsets[i + 1]
        np.testing.assert_array_equal(together.p4[first:last], alone.p4)
        mine = (together.jet >= first) & (together.jet < last)
        np.testing.assert_array_equal(together.jet[mine] - first, alone.jet)
        np.testing.assert_array_equal(together.constituent[mine] - offsets[i], alone.constituent)


def test_jets_are_by_falling_pt_and_not_below_the_least():
    p4 = momenta(1, 300)
    clusters = anti_kt_jets(
        p4, np.array([0, 300]), used=np.ones(300, dtype=bool), radius=0.4, pt_min=12.0
    )
    pt = np.hypot(clusters.p4[:, 0], clusters.p4[:, 1])
    assert len(pt) > 5
    assert np.all(np.diff(pt) <= 0)
    assert pt.min() >= 12.0
    assert np.all(np.diff(clusters.jet) >= 0)
    within = np.diff(clusters.jet) == 0
    assert np.all(np.diff(clusters.constituent)[within] > 0)


def test_nodes_know_the_jet_of_their_particles():
    p4 = momenta(2, 200)
    clusters, history = anti_kt_history(
        p4, np.array([0, 200]), used=np.ones(200, dtype=bool), radius=0.8, pt_min=10.0
    )
    expected = np.full(200, -1)
    expected[clusters.constituent] = clusters.jet
    np.testing.assert_array_equal(history.jet[:200], expected)
    for i, child in enumerate(history.nodes["child"]):
        assert child < 0 or history.jet[child] == history.jet[i]


def test_polar_is_the_inverse_of_cartesian():
    p4 = momenta(3, 50)
    pt, eta, phi, mass = polar(p4, np.float64).values()
    back = (pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta))
    np.testing.assert_allclose(np.stack(back, axis=1), p4[:, :3])
    np.testing.assert_allclose(np.hypot(pt * np.cosh(eta), mass), p4[:, 3])
    assert polar(p4)["pt"].dtype == np.float32
    assert polar(np.array([[3.0, 4.0, 0.0, 5.0 - 1e-12]]))["mass"] == pytest.approx(0)
