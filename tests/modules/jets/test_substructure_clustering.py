"""The history of a clustering against FastJet's exclusive jets."""

import fastjet
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.modules.jets.substructure_clustering import (
    CAMBRIDGE_AACHEN,
    KT,
    cluster_history,
    on_cylinder,
)
from tests.modules.jets.toy_jets import fastjet_sequence, jets_in, momentum_of, toy_jets

ALGORITHMS = [(CAMBRIDGE_AACHEN, fastjet.cambridge_algorithm), (KT, fastjet.kt_algorithm)]
SIZES = (1, 2, 3, 0, 5, 20, 60, 150)


def exclusive(history, first, size, count):
    """The momenta that are left when so many are: nodes made by then and not yet recombined."""
    nodes = range(2 * size - count)
    used = set(history.parents[first : first + 2 * size - count].ravel().tolist())
    return sorted(history.p4[first + i].tolist() for i in nodes if i not in used)


@pytest.mark.parametrize(("power", "algorithm"), ALGORITHMS)
@pytest.mark.parametrize("seed", range(5))
def test_every_stage_is_fastjets(power, algorithm, seed):
    p4, offsets = toy_jets(seed, SIZES)
    history = cluster_history(p4, offsets, power)
    for jet, begin in zip(jets_in(p4, offsets), offsets, strict=False):
        if len(jet) == 0:
            continue
        sequence = fastjet_sequence(jet, algorithm)
        for count in range(1, len(jet) + 1):
            expected = sorted(momentum_of(found) for found in sequence.exclusive_jets(count))
            found = exclusive(history, 2 * begin, len(jet), count)
            assert np.allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_points_are_fastjets():
    p4, _ = toy_jets(3, (100,))
    points = on_cylinder(p4)
    for i, momentum in enumerate(p4.tolist()):
        particle = fastjet.PseudoJet(*momentum)
        assert points.pt[i] == pytest.approx(particle.pt(), rel=1e-12)
        assert points.rapidity[i] == pytest.approx(particle.rap(), abs=1e-9)
        assert points.phi[i] == pytest.approx(particle.phi_std(), abs=1e-12)


def test_particles_along_the_beam_and_in_one_direction_are_recombined():
    along = [[0.0, 0.0, 5.0, 5.0], [0.0, 0.0, -5.0, 5.0]]
    same = [[3.0, 0.0, 4.0, 5.0], [6.0, 0.0, 8.0, 10.0], [3.0, 0.0, 4.0, 5.0]]
    p4 = np.array(along + same)
    for power in (CAMBRIDGE_AACHEN, KT):
        history = cluster_history(p4, np.array([0, 5]), power)
        assert history.p4[8].tolist() == [12.0, 0.0, 16.0, 30.0]
        assert np.all(np.isfinite(history.points.rapidity))


@given(seed=st.integers(0, 1000), sizes=st.lists(st.integers(0, 30), max_size=5))
def test_momentum_is_conserved_and_the_harder_parent_is_first(seed, sizes):
    p4, offsets = toy_jets(seed, sizes)
    for power in (CAMBRIDGE_AACHEN, KT):
        history = cluster_history(p4, offsets, power)
        for jet, begin in zip(jets_in(p4, offsets), offsets, strict=False):
            for node in range(len(jet), 2 * len(jet) - 1):
                a, b = history.parents[2 * begin + node] + 2 * begin
                total = history.p4[a] + history.p4[b]
                assert history.p4[2 * begin + node] == pytest.approx(total, rel=1e-12)
                assert history.points.pt[a] >= history.points.pt[b]
            if len(jet):
                whole = history.p4[2 * begin + 2 * len(jet) - 2]
                assert whole == pytest.approx(jet.sum(axis=0), rel=1e-9)
