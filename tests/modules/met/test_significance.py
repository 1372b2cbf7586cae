"""Covariance and significance against cases worked out by hand and against linear algebra."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.modules.met.significance import Jets, met_covariance, met_significance


def test_two_jets_by_hand():
    # Along x: 100 GeV, 10 % and 0.02 rad, 10 GeV along x and 2 GeV along y.
    # Along y: 50 GeV, 20 % and 0.04 rad, 10 GeV along y and 2 GeV along x.
    # The rest: 3^2 + 0.5^2 * 64 = 25 GeV2 each way. In all 100 + 4 + 25 = 129 and no correlation.
    jets = Jets(
        px=np.array([100.0, 0.0]),
        py=np.array([0.0, 50.0]),
        pt_resolution=np.array([0.1, 0.2]),
        phi_resolution=np.array([0.02, 0.04]),
        event=np.array([0, 0]),
    )
    covariance = met_covariance(jets, np.array([64.0]), (3.0, 0.5))
    assert [float(part[0]) for part in covariance] == pytest.approx([129.0, 0.0, 129.0])
    significance = met_significance(np.array([30.0]), np.array([40.0]), covariance)
    assert significance[0] == pytest.approx(2500 / 129)


def test_a_jet_along_the_diagonal_by_hand():
    # (30, 30) GeV, 10 % of pT and no spread in azimuth: variance 18 along the diagonal.
    px, py, of_pt, of_phi = (np.array([value]) for value in (30.0, 30.0, 0.1, 0.0))
    jets = Jets(px, py, of_pt, of_phi, np.array([1]))
    covariance = met_covariance(jets, np.array([7.0, 0.0]), (1.0, 1.0))
    np.testing.assert_allclose(covariance, [[8, 10], [0, 9], [8, 10]])


@given(st.lists(st.tuples(*[st.floats(-200, 200)] * 2, *[st.floats(0.01, 0.5)] * 2), max_size=6))
def test_covariance_is_the_sum_of_rotated_matrices(rows):
    x, y, pt_resolution, phi_resolution = np.array(rows).reshape(-1, 4).T
    jets = Jets(x, y, pt_resolution, phi_resolution, np.zeros(len(rows), dtype=np.int64))
    xx, xy, yy = met_covariance(jets, np.array([90.0]), (2.0, 0.7))
    expected = np.eye(2) * (4.0 + 0.49 * 90.0)
    for px, py, of_pt, of_phi in rows:
        pt, phi = np.hypot(px, py), np.arctan2(py, px)
        turn = np.array([[np.cos(phi), -np.sin(phi)], [np.sin(phi), np.cos(phi)]])
        expected += turn @ np.diag([(of_pt * pt) ** 2, (of_phi * pt) ** 2]) @ turn.T
    np.testing.assert_allclose([[xx[0], xy[0]], [xy[0], yy[0]]], expected, rtol=1e-9, atol=1e-9)
    met = np.array([12.0, -35.0])
    found = met_significance(met[:1], met[1:], met_covariance(jets, np.array([90.0]), (2.0, 0.7)))
    assert found[0] == pytest.approx(met @ np.linalg.inv(expected) @ met, rel=1e-6)


def test_without_any_measurement_there_is_no_significance():
    none = np.zeros(0)
    nothing = Jets(none, none, none, none, np.zeros(0, dtype=np.int64))
    covariance = met_covariance(nothing, np.zeros(2), (0.0, 0.6))
    assert met_significance(np.array([0.0, 5.0]), np.zeros(2), covariance).tolist() == [0.0, 0.0]
