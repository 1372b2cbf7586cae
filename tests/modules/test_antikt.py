"""The clustering without FastJet against FastJet."""

import math

import awkward as ak
import fastjet
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.modules.antikt import anti_kt, anti_kt_events, empty_tiles

TILES = empty_tiles(0.4)


def particles(rng, n, *, spread=5.0):
    pt = rng.exponential(1.0, n) + 0.1
    pt[: n // 10] *= 20
    eta, phi = rng.uniform(-spread, spread, n), rng.uniform(-math.pi, math.pi, n)
    energy = np.hypot(pt * np.cosh(eta), rng.choice([0.0, 0.14, 0.5], n))
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), energy], axis=1)


def by_pt(p4):
    return p4[np.argsort(-np.hypot(p4[:, 0], p4[:, 1]))]


def fastjet_jets(p4, radius):
    array = ak.zip(dict(zip(("px", "py", "pz", "E"), p4.T, strict=True)), with_name="Momentum4D")
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, radius)
    jets = fastjet.ClusterSequence(array, definition).inclusive_jets(min_pt=0)
    return np.stack([np.asarray(jets[name]) for name in ("px", "py", "pz", "E")], axis=1)


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 150),
    spread=st.sampled_from([0.3, 2.0, 5.0, 9.0]),
)
def test_jets_are_those_of_fastjet(seed, n, spread):
    p4 = particles(np.random.default_rng(seed), n, spread=spread)
    expected = by_pt(fastjet_jets(p4, 0.4))
    np.testing.assert_allclose(by_pt(anti_kt(p4, 0.4, TILES)), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("radius", [0.2, 0.8, 1.5])
def test_jets_of_a_full_event_are_those_of_fastjet(radius):
    p4 = particles(np.random.default_rng(5), 1600)
    jets = anti_kt(p4, radius, empty_tiles(radius))
    np.testing.assert_allclose(by_pt(jets), by_pt(fastjet_jets(p4, radius)), rtol=1e-8, atol=1e-8)


def test_momentum_is_conserved_and_particles_stay_as_they_were():
    p4 = particles(np.random.default_rng(6), 500)
    before = p4.copy()
    jets = anti_kt(p4, 0.4, TILES)
    np.testing.assert_allclose(jets.sum(axis=0), p4.sum(axis=0), rtol=1e-10)
    assert np.array_equal(p4, before)


def test_order_of_particles_does_not_matter():
    rng = np.random.default_rng(7)
    p4 = particles(rng, 400)
    jets, shuffled = (anti_kt(p, 0.4, TILES) for p in (p4, rng.permutation(p4)))
    np.testing.assert_allclose(by_pt(shuffled), by_pt(jets), rtol=1e-9)


def test_nothing_gives_nothing_and_one_particle_one_jet():
    assert anti_kt(np.zeros((0, 4)), 0.4, TILES).shape == (0, 4)
    one = np.array([[3.0, -4.0, 12.0, 13.0]])
    assert np.array_equal(anti_kt(one, 0.4, TILES), one)


def test_particles_without_transverse_momentum_are_jets_of_their_own():
    p4 = np.array([[0.0, 0.0, 5.0, 5.0], [0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 1.0]])
    jets = anti_kt(p4, 0.4, TILES)
    assert len(jets) == 3
    np.testing.assert_allclose(jets.sum(axis=0), p4.sum(axis=0))


def test_only_wanted_events_and_hard_jets_are_kept():
    rng = np.random.default_rng(8)
    events = [particles(rng, n) for n in (200, 0, 300, 100)]
    offsets = np.array([0, 200, 200, 500, 600])
    wanted = np.array([True, True, False, True])
    jets = anti_kt_events(np.concatenate(events), offsets, wanted, 0.4, 10.0)
    for i, p4 in enumerate(events):
        expected = anti_kt(p4, 0.4, TILES) if wanted[i] else np.zeros((0, 4))
        expected = expected[np.hypot(expected[:, 0], expected[:, 1]) > 10.0]
        assert np.array_equal(jets.p4[jets.offsets[i] : jets.offsets[i + 1]], expected)
    assert jets.offsets[1] > 0
