"""Strips against the rule written out, and by hand."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonicmini.modules.taus.inputs import candidate_columns
from sonicmini.modules.taus.strips import build_strips
from tests.modules.taus import literal
from tests.modules.taus.hand import make_event, particle


def build(photons, *, signed_phi=True):
    """Daughters of the strips of one seed, hardest strip first, and the strips."""
    products = make_event([particle(22, *p) for p in photons])
    columns = candidate_columns(products["PFCand"], products["Track"])
    event = literal.event_of(products, 0)[0]
    order = np.array([c["place"] for c in literal.by_pt(event)], dtype=np.int64)
    strips = build_strips(order, np.array([0, len(order)]), of=columns, signed_phi=signed_phi)
    starts = strips.daughter_starts
    daughters = [set(strips.daughter[a:b].tolist()) for a, b in pairwise(starts)]
    rule = literal.make_strips(literal.by_pt(event), signed=signed_phi)
    rule.sort(key=lambda s: -literal.pt_of(literal.add(*(c["p4"] for c in s[0]))))
    return daughters, strips, rule


def test_near_photons_join_and_far_ones_do_not():
    assert build([(10, 0, 0), (5, 0.09, 0), (4, 0.3, 0)])[0] == [{0, 1}, {2}]


def test_the_strip_moves_with_what_it_takes_up():
    photons = [(8.1, 0, 0), (8, 0.09, 0), (7.9, 0.13, 0)]  # the third is far from the first
    assert build(photons)[0] == [{0, 1, 2}]
    assert build([photons[0], photons[2]])[0] == [{0}, {1}]


def test_one_side_in_azimuth_is_open_as_in_cmssw():
    photons = [(10, 0, 0), (5, 0, 0.35)]
    assert build(photons)[0] == [{0, 1}]
    assert build(photons, signed_phi=False)[0] == [{0}, {1}]
    mirrored = [(10, 0, 0), (5, 0, -0.35)]
    assert build(mirrored)[0] == [{0}, {1}]


def test_across_the_seam_of_azimuth():
    assert build([(10, 0, np.pi - 0.02), (5, 0, -np.pi + 0.02)], signed_phi=False)[0] == [{0, 1}]


def test_bends_are_windows_weighted_with_energy():
    _, strips, _ = build([(10, 0, 0), (2, 0.01, 0)])
    expected = (10 * 0.05 + 2 * 0.197077 * 2**-0.658701) / 12
    assert strips.bend_eta[0] == pytest.approx(expected, rel=1e-4)


PHOTON = st.tuples(
    st.floats(1.0625, 60, width=32),
    st.floats(-0.375, 0.375, width=32),
    st.floats(-0.375, 0.375, width=32),
)


@given(photons=st.lists(PHOTON, max_size=12, unique=True), signed=st.booleans())
@settings(max_examples=60, deadline=None)
def test_strips_follow_the_rule(photons, signed):
    daughters, strips, rule = build(photons, signed_phi=signed)
    expected = [{c["place"] for c in parts} for parts, _ in rule]
    assert sorted(map(sorted, daughters)) == sorted(map(sorted, expected))
    assert sorted(i for group in daughters for i in group) == list(range(len(photons)))
    pt = np.hypot(strips.p4[:, 0], strips.p4[:, 1])
    assert (np.diff(pt) <= 0).all()
    for group, p4, bend in zip(daughters, strips.p4, strips.bend_phi, strict=True):
        parts, (_, rule_bend) = next(r for r in rule if {c["place"] for c in r[0]} == group)
        assert p4 == pytest.approx(literal.add(*(c["p4"] for c in parts)), rel=1e-6, abs=1e-6)
        assert bend == pytest.approx(rule_bend, rel=1e-6)
