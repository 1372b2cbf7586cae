"""N-subjettiness against a literal implementation, a scan of axes, and FastJet's contrib."""

import math

import awkward as ak
import fastjet
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.modules.columns import offsets_from
from sonicmini.modules.jets.n_subjettiness import n_subjettiness
from sonicmini.modules.jets.substructure_clustering import on_cylinder
from tests.modules.jets.toy_jets import ANY_RADIUS, fastjet_sequence, jets_in, rotated, toy_jets

SIZES = (5, 6, 20, 60, 150)


def distances(jet, axes):
    """Of all constituents to all axes, shape ``(constituents, axes)``."""
    points = on_cylinder(jet)
    turn = np.abs(points.phi[:, np.newaxis] - axes[:, 1]) % (2 * np.pi)
    turn = np.minimum(turn, 2 * np.pi - turn)
    return np.hypot(points.rapidity[:, np.newaxis] - axes[:, 0], turn)


def tau(jet, axes):
    pt = np.hypot(jet[:, 0], jet[:, 1])
    return float(np.sum(pt * distances(jet, axes).min(axis=1)) / np.sum(pt * 0.8))


def seeds(jet, count):
    sequence = fastjet_sequence(jet, fastjet.kt_algorithm)
    return np.array([[axis.rap(), axis.phi_std()] for axis in sequence.exclusive_jets(count)])


def minimised(jet, axes):
    """Each axis goes to the mean of its constituents, weighted by pT over distance."""
    pt, points = np.hypot(jet[:, 0], jet[:, 1]), on_cylinder(jet)
    for _ in range(1000):
        nearest = distances(jet, axes).argmin(axis=1)
        moved = axes.copy()
        for k in range(len(axes)):
            own = nearest == k
            if own.any():
                weight = pt[own] / np.hypot(distances(jet[own], axes[k : k + 1])[:, 0], 1e-4)
                turn = np.remainder(points.phi[own] - axes[k, 1] + np.pi, 2 * np.pi) - np.pi
                moved[k, 0] = np.average(points.rapidity[own], weights=weight)
                moved[k, 1] = axes[k, 1] + np.average(turn, weights=weight)
        step = np.mean(np.hypot(*(moved - axes).T))
        axes = moved
        if step <= 1e-4:
            break
    return axes


@pytest.mark.parametrize("seed", range(4))
def test_is_the_literal_formula(seed):
    p4, offsets = toy_jets(seed, SIZES)
    taus = n_subjettiness(p4, offsets, 0.8)
    for found, jet in zip(taus, jets_in(p4, offsets), strict=True):
        for count in range(1, 5):
            start = seeds(jet, count)
            expected = min(tau(jet, start), tau(jet, minimised(jet, start)))
            assert found[count - 1] == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("seed", range(4))
def test_is_that_of_fastjets_contrib(seed):
    p4, offsets = toy_jets(seed, SIZES)
    columns = dict(zip(("px", "py", "pz", "E"), p4.T, strict=True))
    particles = ak.unflatten(ak.zip(columns, with_name="Momentum4D"), np.diff(offsets))
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, ANY_RADIUS)
    theirs = ak.to_numpy(fastjet.ClusterSequence(particles, definition).njettiness())
    ours = n_subjettiness(p4, offsets, 0.8)
    theirs = theirs.reshape(ours.shape)
    assert np.all(ours <= theirs * (1 + 1e-6))
    assert np.mean(np.isclose(ours, theirs, rtol=1e-9)) > 0.9


@pytest.mark.parametrize("seed", range(4))
def test_minimisation_never_raises_and_finds_the_best_single_axis(seed):
    p4, offsets = toy_jets(seed, SIZES)
    taus = n_subjettiness(p4, offsets, 0.8)
    for found, jet in zip(taus, jets_in(p4, offsets), strict=True):
        for count in range(1, 5):
            assert found[count - 1] <= tau(jet, seeds(jet, count)) * (1 + 1e-12)
        centre = seeds(jet, 1)[0]
        grid = centre + np.stack(np.meshgrid(*[np.linspace(-0.5, 0.5, 101)] * 2), -1).reshape(-1, 2)
        best = min(tau(jet, axis[np.newaxis]) for axis in grid)
        between_points = 0.01 / math.sqrt(2) / 0.8  # that far may the minimum be below the grid's
        assert best - between_points <= found[0] <= best + 1e-4


@pytest.mark.parametrize("size", range(5))
def test_zero_with_as_many_axes_as_constituents(size):
    p4, offsets = toy_jets(2, (size,))
    taus = n_subjettiness(p4, offsets, 0.8)[0]
    assert np.all(taus[max(size, 1) - 1 :] == 0)
    assert np.all(taus[: max(size, 1) - 1] > 0)


def test_two_equal_constituents_by_hand():
    pt, eta = np.array([50.0, 50.0]), np.array([0.2, -0.2])
    p4 = np.stack([pt, pt * 0, pt * np.sinh(eta), pt * np.cosh(eta)], axis=1)
    taus = n_subjettiness(p4, np.array([0, 2]), 0.8)[0]
    assert taus.tolist() == pytest.approx([0.2 / 0.8, 0.0, 0.0, 0.0], abs=1e-12)


@given(seed=st.integers(0, 1000), size=st.integers(1, 40), angle=st.floats(-7, 7))
def test_order_azimuth_scale_and_neighbours_do_not_matter(seed, size, angle):
    p4, offsets = toy_jets(seed, (size,))
    alone = n_subjettiness(p4, offsets, 0.8)[0]
    order = np.random.default_rng(seed).permutation(size)
    other, _ = toy_jets(seed + 1, (7,))
    together = np.concatenate([other, 3 * rotated(p4, angle)[order], other])
    result = n_subjettiness(together, offsets_from(np.array([7, size, 7])), 0.8)
    assert result[1] == pytest.approx(alone, rel=1e-6, abs=1e-9)


def test_no_jets():
    assert n_subjettiness(np.zeros((0, 4)), np.array([0]), 0.8).shape == (0, 4)
