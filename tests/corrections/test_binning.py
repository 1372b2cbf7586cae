"""Bins and medians of the derivation against plain loops."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corrections.binning import eta_bins, filled_bins, medians, point, within


@given(
    st.lists(st.floats(0, 40), max_size=60),
    st.integers(1, 8),
)
def test_bins_have_enough_and_share_nothing(values, least):
    edges = (1.0, 5.0, 10.0, 20.0, 35.0)
    array = np.array(values)
    found = list(filled_bins(array, edges, least))
    assert all(np.count_nonzero(inside) >= least for _, _, inside in found)
    for low, high, inside in found:
        assert inside.tolist() == [low <= value < high for value in values]
    assert all(before[1] <= after[0] for before, after in pairwise(found))
    lost = [v for v in values if 1 <= v < 35 and not any(low <= v < high for low, high, _ in found)]
    assert len(lost) < least  # only what is above the last bin


def test_the_point_of_a_gaussian():
    rng = np.random.default_rng(1)
    errors = []
    for _ in range(200):
        found = point(rng.normal(0.9, 0.1, 400), np.full(400, 50.0), (40.0, 60.0))
        assert found.width == pytest.approx(0.1, abs=0.025)
        errors.append((found.value - 0.9) / found.error)
    assert (found.gen_pt, found.pairs, found.low, found.high) == (50.0, 400, 40.0, 60.0)
    assert np.std(errors) == pytest.approx(1.0, abs=0.2)


def test_medians_by_generated_momentum():
    gen_pt = np.array([11.0, 12.0, 13.0, 25.0, 26.0, 27.0, 70.0])
    values = np.array([1.0, 2.0, 9.0, 4.0, 5.0, 6.0, 7.0])
    found = medians(gen_pt, values, (10.0, 20.0, 40.0, 80.0), least=3)
    assert [(one.gen_pt, one.value) for one in found] == [(12.0, 2.0), (26.0, 5.0)]


def test_eta_bins_cover_the_detector_once():
    eta = np.random.default_rng(2).uniform(-5.19, 5.19, 500)
    inside = np.array([within(eta, *edges) for edges in eta_bins()])
    assert inside.sum(axis=0).tolist() == [1] * 500
