"""Helices against an integration of the motion, errors against numerical derivatives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.optimize import minimize_scalar

from sonicmini.modules.columns import flat, offsets_of
from sonicmini.modules.vertexing.helix import RADIUS_PER_PT, helices_of, linearise, taken
from tests.modules.vertexing.toy_tracks import (
    at,
    column_helices,
    covariance_of,
    full_covariance,
    matrix,
    moved,
    parameters,
    real_products,
)

TRACKS = st.tuples(
    st.floats(0.4, 50.0),
    st.floats(-2.4, 2.4),
    st.floats(-3.1, 3.1),
    st.sampled_from([-1, 1]),
    st.floats(-0.5, 0.5),
    st.floats(-10.0, 10.0),
)


def track_of(drawn):
    pt, eta, phi, charge, dxy, z = drawn
    h = -charge / (RADIUS_PER_PT * pt)
    return (-dxy * np.sin(phi), dxy * np.cos(phi), z, phi, np.sinh(eta), h)


def line_at(track, point, covariance=None):
    eight = covariance_of(1 / (abs(track[5]) * RADIUS_PER_PT), track[4])
    helices = column_helices([track], [covariance or eight])
    return linearise(helices, np.array([0]), np.array([point])), eight


def integrated(momentum, charge, start, length):
    """Position and direction after a transverse path, by the Lorentz force in 3.8 T.

    dp/dt = 0.299792458e-2 q v x B in GeV per cm of path, B along z.
    """

    def derivative(_, state):
        p = state[3:]
        norm = np.linalg.norm(p)
        force = 0.299792458e-2 * charge * np.cross(p / norm, [0.0, 0.0, 3.8])
        return np.concatenate([p / norm, force])

    pt, eta, phi = momentum
    p = [pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)]
    span = abs(length) * np.cosh(eta)
    way = np.sign(length)
    solution = solve_ivp(
        lambda t, s: way * derivative(t, s), (0, span), [*start, *p], rtol=1e-10, atol=1e-12
    )
    end = solution.y[:, -1]
    return end[:3], end[3:] / np.linalg.norm(end[3:])


@pytest.mark.parametrize("charge", [-1, 1])
@pytest.mark.parametrize(
    ("pt", "eta", "length"), [(0.5, 0.3, 12.0), (1.0, -2.1, 5.0), (20.0, 1.0, -3.0)]
)
def test_helix_is_the_motion_in_the_field(charge, pt, eta, length):
    track = track_of((pt, eta, 0.7, charge, 0.1, 3.0))
    point, direction = integrated((pt, eta, 0.7), charge, track[:3], length)
    lines, _ = line_at(track, point)
    assert lines.point[0] == pytest.approx(point, abs=1e-7)
    assert lines.direction[0] == pytest.approx(direction, abs=1e-7)


@given(TRACKS, st.floats(-5.0, 5.0), st.floats(-5.0, 5.0), st.floats(-5.0, 5.0))
def test_closest_approach_to_a_point(drawn, x, y, dz):
    track = track_of(drawn)
    point = np.array([x, y, drawn[5] + dz])
    lines, _ = line_at(track, point)
    limit = min(0.5 * np.pi / abs(track[5]), 60.0)
    grid = np.linspace(-limit, limit, 2001)
    distance = [np.linalg.norm(at(track, s)[0] - point) for s in grid]
    k = int(np.argmin(distance))
    found = minimize_scalar(
        lambda s: np.linalg.norm(at(track, s)[0] - point),
        bounds=(grid[max(k - 1, 0)], grid[min(k + 1, 2000)]),
        method="bounded",
        options={"xatol": 1e-10},
    )
    assert np.linalg.norm(lines.point[0] - point) == pytest.approx(found.fun, abs=1e-7)
    assert lines.direction[0] @ (lines.point[0] - point) == pytest.approx(0.0, abs=1e-6)


@given(TRACKS, st.floats(-3.0, 12.0))
def test_covariance_is_propagated(drawn, path):
    """The shift across the track by each parameter, by differences of exact helices."""
    track = track_of(drawn)
    target, direction = at(track, path)
    lines, eight = line_at(track, target)
    derivatives = []
    for k in range(5):
        step = 1e-6
        shifts = [at(moved(track, sign * step * np.eye(5)[k]), path)[0] for sign in (1, -1)]
        shift = (shifts[0] - shifts[1]) / (2 * step)
        derivatives.append(shift - direction * (shift @ direction))
    jacobian = np.array(derivatives).T
    expected = jacobian @ full_covariance(eight) @ jacobian.T
    scale = np.trace(expected)
    assert matrix(lines.covariance[0]) == pytest.approx(expected, rel=1e-4, abs=1e-5 * scale)


@given(TRACKS, st.floats(-3.0, 12.0))
def test_weight_inverts_the_covariance_across_the_track(drawn, path):
    track = track_of(drawn)
    lines, _ = line_at(track, at(track, path)[0])
    product = matrix(lines.weight[0]) @ matrix(lines.covariance[0])
    across = np.eye(3) - np.outer(lines.direction[0], lines.direction[0])
    assert product == pytest.approx(across, abs=1e-6)


def test_impossible_covariances_stay_positive():
    track = track_of((1.0, 0.5, 0.1, 1, 0.0, 0.0))
    lines, _ = line_at(track, (1.0, 0.0, 0.0), [1e-4, 1e-6, 1e-6, 1e-5, 1e-5, 1.0, -1.0, -1.0])
    assert np.all(np.isfinite(lines.weight))
    assert np.all(np.linalg.eigvalsh(matrix(lines.covariance[0])) > -1e-12)


def test_columns_of_the_input():
    tracks = real_products()["Track"]
    index = np.array([3, 40, 7])
    helices = helices_of(tracks, index)
    first = tracks[0][3] if offsets_of(tracks)[1] > 40 else None
    assert first is not None
    radius = RADIUS_PER_PT * first.pt
    expected = (first.vx, first.vy, first.vz, first.phi, np.sinh(first.eta), -first.charge / radius)
    assert parameters(helices, 0) == pytest.approx(expected, rel=1e-6)
    momentum = first.pt * np.cosh(first.eta)
    assert helices.covariance[0, 0] == pytest.approx(first.covQopQop * momentum**2, rel=1e-6)
    assert helices.covariance[:, 6] == pytest.approx(flat(tracks, "covPhiDxy")[index])
    assert parameters(taken(helices, np.array([2])), 0) == parameters(helices, 2)
