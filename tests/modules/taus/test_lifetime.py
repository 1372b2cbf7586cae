"""Impact parameters and vertices of three tracks against geometry, and scipy's minimiser."""

import math

import awkward as ak
import numpy as np
import pytest
from scipy.optimize import least_squares

from sonicmini.modules.taus.lifetime import (
    NO_FLIGHT_SIGNIFICANCE,
    fit_vertices,
    flight_columns,
    impact_columns,
    tracks_near,
)
from sonicmini.simulation.helix import advance


def tracks_from(points, momenta, charges, *, path=0.0, sigma=(0.002, 0.004)):
    """Tracks through these points, with their reference a path (cm) further along the helix."""
    rows = []
    for point, (pt, eta, phi), charge in zip(points, momenta, charges, strict=True):
        x, y, z = (float(coordinate) for coordinate in point)
        momentum = (pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta))
        x, y, z, px, py, _ = advance((x, y, z, *momentum), charge, path)
        rows.append(
            {"pt": pt, "eta": eta, "phi": math.atan2(py, px), "charge": charge}
            | {"vx": x, "vy": y, "vz": z}
            | {"covDxyDxy": sigma[0] ** 2, "covDszDsz": sigma[1] ** 2}
            | {"covDxyDsz": 0.1 * sigma[0] * sigma[1]}
        )
    return ak.Array([rows])


def random_tracks(rng, n):
    momenta = np.column_stack(
        [rng.uniform(1, 30, n), rng.normal(0, 1, n), rng.uniform(-np.pi, np.pi, n)]
    )
    return momenta, rng.choice([-1, 1], n)


@pytest.mark.parametrize("path", [0.0, 3.0, -2.0])
def test_tracks_come_back_to_a_point_on_them(path):
    rng = np.random.default_rng(1)
    momenta, charges = random_tracks(rng, 50)
    points = rng.normal(0, 0.3, (50, 3))
    found = tracks_near(tracks_from(points, momenta, charges, path=path), np.arange(50), points)
    assert found.position == pytest.approx(points, abs=1e-6)
    expected = np.stack([np.cos(momenta[:, 2]), np.sin(momenta[:, 2])], 1)
    assert found.direction[:, :2] * np.cosh(momenta[:, 1:2]) == pytest.approx(expected, abs=1e-6)


def test_directions_of_errors_are_orthogonal():
    momenta, charges = random_tracks(np.random.default_rng(2), 20)
    found = tracks_near(
        tracks_from(np.zeros((20, 3)), momenta, charges), np.arange(20), np.ones((20, 3))
    )
    frame = np.concatenate([found.direction[:, np.newaxis], found.across], axis=1)
    product = np.einsum("nai,nbi->nab", frame, frame)
    assert product == pytest.approx(np.broadcast_to(np.eye(3), product.shape), abs=1e-12)


def test_impact_parameters_by_hand():
    """A track along x at y = 0.01 and z = 0.02, its tau flying up or down."""
    tracks = tracks_from([(0.0, 0.01, 0.02)] * 2, [(1e6, 0.0, 0.0)] * 2, [1, 1])
    at, cov = np.zeros((2, 3)), np.zeros((2, 3, 3))
    cov[:, [0, 1, 2], [0, 1, 2]] = 1e-6, 4e-6, 9e-6
    direction = np.array([[1.0, 0.5, 0.0], [1.0, -0.5, 0.0]])
    columns = impact_columns(tracks_near(tracks, np.array([0, 1]), at), (at, cov), direction)
    assert columns["dxy"] == pytest.approx([0.01, 0.01], rel=1e-5)
    assert columns["dz"] == pytest.approx([0.02, 0.02], rel=1e-5)
    assert columns["ipDxy"] == pytest.approx([0.01, -0.01], rel=1e-5)
    assert columns["ipDxyErr"] == pytest.approx(math.sqrt(4e-6 + 4e-6), rel=1e-6)
    assert columns["ip3d"] == pytest.approx(
        [math.hypot(0.01, 0.02), -math.hypot(0.01, 0.02)], rel=1e-5
    )
    unit = np.array([0.01, 0.02]) / math.hypot(0.01, 0.02)
    error = unit @ np.array([[8e-6, 0.8e-6], [0.8e-6, 25e-6]]) @ unit
    assert columns["ip3dErr"] == pytest.approx(math.sqrt(error), rel=1e-4)
    assert columns["dxyErr"] == pytest.approx(0.002)
    assert columns["dzErr"] == pytest.approx(0.004)


def test_vertices_are_those_of_least_squares():
    rng = np.random.default_rng(3)
    momenta, charges = random_tracks(rng, 30)
    vertex = np.repeat(rng.normal(0, 0.5, (10, 3)), 3, axis=0)
    points = tracks_near(
        tracks_from(vertex + rng.normal(0, 0.003, (30, 3)), momenta, charges), np.arange(30), vertex
    )
    position, cov, chi2 = fit_vertices(points)
    for group in range(10):
        rows = slice(3 * group, 3 * group + 3)
        roots = [np.linalg.cholesky(np.linalg.inv(c)).T for c in points.cov[rows]]

        def residuals(x, rows=rows, roots=roots):
            away = [
                a @ (x - p) for a, p in zip(points.across[rows], points.position[rows], strict=True)
            ]
            return np.concatenate([r @ d for r, d in zip(roots, away, strict=True)])

        best = least_squares(residuals, np.zeros(3), xtol=1e-14, gtol=1e-14, ftol=1e-14)
        jacobian = np.asarray(best.jac)
        assert position[group] == pytest.approx(best.x, abs=1e-5)
        assert chi2[group] == pytest.approx(2 * best.cost, rel=1e-3, abs=1e-6)
        assert cov[group] == pytest.approx(np.linalg.inv(jacobian.T @ jacobian), rel=1e-2, abs=1e-9)


def test_pulls_of_vertices_are_one():
    rng = np.random.default_rng(4)
    n = 1500
    momenta, charges = random_tracks(rng, 3 * n)
    phi, eta = momenta[:, 2], momenta[:, 1]
    u = np.stack([-np.sin(phi), np.cos(phi), 0 * phi], 1)
    w = np.stack([-np.cos(phi) * np.tanh(eta), -np.sin(phi) * np.tanh(eta), 1 / np.cosh(eta)], 1)
    chol = np.linalg.cholesky([[4e-6, 0.8e-6], [0.8e-6, 16e-6]])
    shift = rng.normal(size=(3 * n, 2)) @ chol.T
    smeared = 0.2 + u * shift[:, :1] + w * shift[:, 1:]
    index = np.arange(3 * n).reshape(n, 3)
    at, cov = np.zeros((n, 3)), np.full((n, 3, 3), 0.0)
    tracks = tracks_from(smeared, momenta, charges)
    columns = flight_columns(tracks, index, (at, cov), np.ones((n, 3)))
    for axis in "XYZ":
        pull = (columns[f"sv{axis}"] - 0.2) / np.sqrt(columns[f"svCov{axis}{axis}"])
        assert np.std(pull) == pytest.approx(1.0, abs=0.06)
        assert np.mean(pull) == pytest.approx(0.0, abs=0.08)
        assert (columns[f"flightLength{axis}"] == columns[f"sv{axis}"]).all()
    assert np.mean(columns["svChi2"]) == pytest.approx(3.0, abs=0.25)
    assert np.mean(columns["flightLengthSig"] > 3) > 0.9


def test_taus_without_three_tracks_have_no_vertex():
    tracks = tracks_from([(0.1, 0, 0)] * 3, [(5, 0.1 * i, 0.1 * i) for i in range(3)], [1, -1, 1])
    index = np.array([[0, 1, -1], [0, 1, 2], [2, -1, -1]])
    vertex = (np.zeros((3, 3)), np.zeros((3, 3, 3)))
    backward = np.array([[1.0, 0, 0], [-1.0, 0, 0], [1.0, 0, 0]])
    columns = flight_columns(tracks, index, vertex, backward)
    assert columns["hasSecondaryVertex"].tolist() == [False, True, False]
    assert columns["flightLengthSig"][[0, 2]].tolist() == [NO_FLIGHT_SIGNIFICANCE] * 2
    assert columns["flightLengthSig"][1] < 0
    assert columns["flightLengthX"] == pytest.approx([0, 0.1, 0], abs=1e-3)


def test_parallel_tracks_keep_the_vertex_near_them():
    tracks = tracks_from([(0.1, 0, 0)] * 3, [(5, 0.1, 0.1)] * 3, [1, 1, 1])
    columns = flight_columns(
        tracks, np.array([[0, 1, 2]]), (np.zeros((1, 3)), np.zeros((1, 3, 3))), np.ones((1, 3))
    )
    assert np.isfinite(columns["svX"]).all()
    assert abs(columns["svX"][0]) < 0.2
