"""Soft drop against FastJet's Cambridge/Aachen trees, walked down in Python, and its contrib."""

import awkward as ak
import fastjet
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.modules.columns import offsets_from
from sonicmini.modules.jets.soft_drop import DEFAULT_CUT, SoftDropCut, soft_drop
from tests.modules.jets.toy_jets import (
    ANY_RADIUS,
    fastjet_sequence,
    jets_in,
    momentum_of,
    rotated,
    toy_jets,
)

SIZES = (1, 2, 3, 0, 5, 20, 60, 150)
CUTS = [DEFAULT_CUT, SoftDropCut(z_cut=0.2, beta=0.0), SoftDropCut(z_cut=0.15, beta=1.5)]


def literal(jet, cut):
    """Momentum, subjets and the constituents of the subjets, by the published procedure."""
    sequence = fastjet_sequence(jet, fastjet.cambridge_algorithm)
    (node,) = sequence.exclusive_jets(1)
    one, two = fastjet.PseudoJet(), fastjet.PseudoJet()
    while node.has_parents(one, two):
        if two.pt() > one.pt():
            one, two = two, one
        z = two.pt() / (one.pt() + two.pt())
        if z > cut.z_cut * (one.delta_R(two) / cut.r0) ** cut.beta:
            subjets = [one, two]
            break
        node, one, two = one, fastjet.PseudoJet(), fastjet.PseudoJet()
    else:
        subjets = []
    parts = [{c.user_index() for c in part.constituents()} for part in subjets or [node]]
    return momentum_of(node), [momentum_of(subjet) for subjet in subjets], parts


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("seed", range(5))
def test_is_the_published_procedure(cut, seed):
    p4, offsets = toy_jets(seed, SIZES)
    dropped = soft_drop(p4, offsets, cut)
    for i, jet in enumerate(jets_in(p4, offsets)):
        part = dropped.part[offsets[i] : offsets[i + 1]]
        if len(jet) == 0:
            assert not dropped.p4[i].any()
            continue
        momentum, subjets, parts = literal(jet, cut)
        assert dropped.p4[i] == pytest.approx(momentum, rel=1e-9, abs=1e-9)
        assert [set(np.flatnonzero(part == k).tolist()) for k in range(len(parts))] == parts
        assert set(part.tolist()) <= {-1, *range(len(parts))}
        expected = np.array(subjets) if subjets else np.zeros((2, 4))
        assert np.allclose(dropped.subjets[i], expected, rtol=1e-9, atol=1e-9)


def test_mass_is_that_of_fastjets_contrib():
    p4, offsets = toy_jets(11, (10, 30, 60, 90))
    columns = dict(zip(("px", "py", "pz", "E"), p4.T, strict=True))
    particles = ak.unflatten(ak.zip(columns, with_name="Momentum4D"), np.diff(offsets))
    definition = fastjet.JetDefinition(fastjet.cambridge_algorithm, ANY_RADIUS)
    theirs = fastjet.ClusterSequence(particles, definition).exclusive_jets_softdrop_grooming()
    dropped = soft_drop(p4, offsets)
    mass = np.sqrt(dropped.p4[:, 3] ** 2 - np.sum(dropped.p4[:, :3] ** 2, axis=1))
    assert mass == pytest.approx(ak.to_numpy(theirs.msoftdrop).ravel(), rel=1e-6)
    assert 0 < np.sum(dropped.part < 0) < len(p4)


@pytest.mark.parametrize(("soft", "kept"), [(11.0, True), (9.9, False)])
def test_two_constituents(soft, kept):
    pt = np.array([100.0 - soft, soft])
    p4 = np.stack([pt, pt * 0.0, pt * np.sinh([0.0, 0.5]), pt * np.cosh([0.0, 0.5])], axis=1)
    dropped = soft_drop(p4, np.array([0, 2]))
    assert dropped.part.tolist() == ([0, 1] if kept else [0, -1])
    assert dropped.p4[0] == pytest.approx(p4.sum(axis=0) if kept else p4[0])
    assert bool(dropped.subjets.any()) == kept


@given(seed=st.integers(0, 1000), size=st.integers(1, 40), angle=st.floats(-7, 7))
def test_order_azimuth_and_neighbours_do_not_matter(seed, size, angle):
    p4, offsets = toy_jets(seed, (size,))
    alone = soft_drop(p4, offsets)
    order = np.random.default_rng(seed).permutation(size)
    other, _ = toy_jets(seed + 1, (7,))
    together = np.concatenate([other, rotated(p4, angle)[order], other])
    result = soft_drop(together, offsets_from(np.array([7, size, 7])))
    assert np.array_equal(result.part[7 : 7 + size], alone.part[order])
    assert rotated(result.p4[1:2], -angle)[0] == pytest.approx(alone.p4[0], rel=1e-9, abs=1e-9)


def test_no_jets():
    dropped = soft_drop(np.zeros((0, 4)), np.array([0]))
    assert (len(dropped.p4), len(dropped.subjets), len(dropped.part)) == (0, 0, 0)
