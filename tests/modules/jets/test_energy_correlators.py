"""Energy correlators against sums over all tuples, by hand, and FastJet's contrib."""

import itertools
import math

import awkward as ak
import fastjet
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.modules.columns import offsets_from
from sonicmini.modules.jets.energy_correlators import energy_correlators, n_ratios
from sonicmini.modules.jets.substructure_clustering import Points, on_cylinder
from tests.modules.jets.toy_jets import ANY_RADIUS, jets_in, rotated, toy_jets

BETAS = (1.0, 2.0)


def angle(points, i, j):
    turn = abs(points.phi[i] - points.phi[j])
    return math.hypot(points.rapidity[i] - points.rapidity[j], min(turn, 2 * math.pi - turn))


def literal(points, beta, smallest, size):
    """Sum over all sets of ``size``: product of fractions and of the smallest angles."""
    z = points.pt / points.pt.sum()
    total = 0.0
    for chosen in itertools.combinations(range(len(z)), size):
        angles = sorted(angle(points, i, j) for i, j in itertools.combinations(chosen, 2))
        total += math.prod(z[list(chosen)]) * math.prod(angles[:smallest]) ** beta
    return total


def points_at(pt, rapidity, phi):
    return Points(*(np.array(values, dtype=np.float64) for values in (pt, rapidity, phi)))


def of_one_jet(points):
    return n_ratios(points, np.array([0, len(points.pt)]), np.array([True]))


@pytest.mark.parametrize("seed", range(3))
def test_sums_go_over_all_tuples(seed):
    p4, offsets = toy_jets(seed, (1, 2, 3, 4, 0, 5, 9, 18, 23), phi=math.pi)
    everything = np.ones(len(offsets) - 1, dtype=np.bool_)
    sums = energy_correlators(on_cylinder(p4), offsets, everything)
    for i, jet in enumerate(jets_in(p4, offsets)):
        points = on_cylinder(jet)
        for b, beta in enumerate(BETAS):
            assert sums.v1e2[i, b] == pytest.approx(literal(points, beta, 1, 2), rel=1e-9)
            assert sums.v1e3[i, b] == pytest.approx(literal(points, beta, 1, 3), rel=1e-9)
            assert sums.v2e3[i, b] == pytest.approx(literal(points, beta, 2, 3), rel=1e-9)
            assert sums.v2e4[i, b] == pytest.approx(literal(points, beta, 2, 4), rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_ratios_are_those_of_fastjets_contrib(seed):
    p4, offsets = toy_jets(seed, (4, 12, 30, 50))
    columns = dict(zip(("px", "py", "pz", "E"), p4.T, strict=True))
    particles = ak.unflatten(ak.zip(columns, with_name="Momentum4D"), np.diff(offsets))
    definition = fastjet.JetDefinition(fastjet.cambridge_algorithm, ANY_RADIUS)
    sequence = fastjet.ClusterSequence(particles, definition)
    ratios = n_ratios(on_cylinder(p4), offsets, np.array([True] * 4))
    for order, ours in ((2, ratios.n2), (3, ratios.n3)):
        for b, beta in enumerate((1, 2)):
            theirs = sequence.exclusive_jets_energy_correlator(
                njets=1, beta=beta, npoint=order, func="nseries"
            )
            assert ours[:, b] == pytest.approx(ak.to_numpy(theirs).ravel(), rel=1e-9)


def test_two_constituents_by_hand():
    sums = energy_correlators(
        points_at([30, 10], [0, 0.3], [0, 0.4]), np.array([0, 2]), np.array([True])
    )
    assert sums.v1e2[0].tolist() == pytest.approx([0.75 * 0.25 * 0.5, 0.75 * 0.25 * 0.25])
    ratios = of_one_jet(points_at([30, 10], [0, 0.3], [0, 0.4]))
    assert ratios.n2.tolist() == [[0.0, 0.0]]
    assert ratios.n3.tolist() == [[-1.0, -1.0]]


def test_three_constituents_by_hand():
    # A right triangle with sides 0.3, 0.4 and 0.5, all with a third of the momentum.
    ratios = of_one_jet(points_at([7, 7, 7], [0, 0.3, 0], [0, 0, 0.4]))
    pairs = [(0.3 + 0.4 + 0.5) / 9, (0.09 + 0.16 + 0.25) / 9]
    triple = [0.3 * 0.4 / 27, 0.09 * 0.16 / 27]
    expected = [t / p**2 for t, p in zip(triple, pairs, strict=True)]
    assert ratios.n2[0].tolist() == pytest.approx(expected)
    assert ratios.n3.tolist() == [[0.0, 0.0]]


def test_four_constituents_by_hand():
    # A square of side 0.2: each triple has two sides and a diagonal, the four have four sides.
    ratios = of_one_jet(points_at([5, 5, 5, 5], [0, 0, 0.2, 0.2], [0, 0.2, 0, 0.2]))
    for b, beta in enumerate(BETAS):
        side = 0.2**beta
        pairs = (4 * side + 2 * (0.2 * math.sqrt(2)) ** beta) / 16
        assert ratios.n2[0, b] == pytest.approx(4 * side**2 / 64 / pairs**2)
        assert ratios.n3[0, b] == pytest.approx(side**2 / 256 / (4 * side / 64) ** 2)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_undefined_without_denominator(n):
    same = of_one_jet(points_at([9] * n, [0.1] * n, [2] * n))
    assert same.n2.tolist() == same.n3.tolist() == [[-1.0, -1.0]]


def test_n3_only_where_wanted():
    p4, offsets = toy_jets(1, (20, 20))
    n2, n3 = n_ratios(on_cylinder(p4), offsets, np.array([False, True]))
    assert np.all(n2 > 0)
    assert n3[0].tolist() == [-1.0, -1.0]
    assert np.all(n3[1] > 0)


@given(seed=st.integers(0, 1000), size=st.integers(1, 40), angle=st.floats(-7, 7))
def test_order_azimuth_scale_and_neighbours_do_not_matter(seed, size, angle):
    p4, offsets = toy_jets(seed, (size,))
    alone = n_ratios(on_cylinder(p4), offsets, np.array([True]))
    order = np.random.default_rng(seed).permutation(size)
    other, _ = toy_jets(seed + 1, (7,))
    together = np.concatenate([other, 3 * rotated(p4, angle)[order], other])
    result = n_ratios(
        on_cylinder(together), offsets_from(np.array([7, size, 7])), np.array([True] * 3)
    )
    assert result.n2[1] == pytest.approx(alone.n2[0], rel=1e-9)
    assert result.n3[1] == pytest.approx(alone.n3[0], rel=1e-9)


def test_no_jets():
    ratios = n_ratios(Points(*np.zeros((3, 0))), np.array([0]), np.zeros(0, dtype=np.bool_))
    assert ratios.n2.shape == ratios.n3.shape == (0, 2)
