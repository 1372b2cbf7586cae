"""The adaptive fit against a literal one with numpy, scipy's least squares, and true vertices."""

import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.special import expit

from sonicmini.modules.vertexing.adaptive import DEFAULT_FIT, fit_lines, fit_vertices
from sonicmini.modules.vertexing.helix import Lines, linearise
from sonicmini.modules.vertexing.seeding import Groups
from tests.modules.vertexing.toy_tracks import (
    at,
    column_helices,
    full_covariance,
    grouped,
    matrix,
    moved,
    parameters,
    tracks_from,
)

ELSEWHERE = np.array([0.3, -0.3, 0.2])


def vertices(number, tracks, *, seed=5, outliers=0, smeared=True):
    """Toy vertices within 2 cm of the beam line, the last tracks of each from elsewhere."""
    rng = np.random.default_rng(seed)
    rows, covariances, truth = [], [], []
    for _ in range(number):
        phi, radius = rng.uniform(-np.pi, np.pi), rng.uniform(0.2, 2.0)
        vertex = np.array([radius * np.cos(phi), radius * np.sin(phi), rng.normal(0, 3)])
        for start, size in ((vertex, tracks), (vertex + ELSEWHERE, outliers)):
            more, eight = tracks_from(start, size, rng, smeared=smeared)
            rows += more
            covariances += eight
        truth.append(vertex)
    seeds = np.array(truth) + rng.normal(0, 0.05, (number, 3))
    groups = grouped([tracks + outliers] * number, seeds)
    return column_helices(rows, covariances), groups, np.array(truth)


def literal_line(helices, i, point):
    """Closest point, and the inverse covariance across the track by numerical derivatives."""
    track, path = parameters(helices, i), 0.0
    for _ in range(8):
        position, direction = at(track, path)
        path -= (position - point) @ direction / np.hypot(1.0, track[4])
    position, direction = at(track, path)
    step, columns = 1e-6, []
    for k in range(5):
        change = step * np.eye(5)[k]
        shift = (at(moved(track, change), path)[0] - at(moved(track, -change), path)[0]) / (
            2 * step
        )
        columns.append(shift - direction * (shift @ direction))
    jacobian = np.array(columns).T
    covariance = jacobian @ full_covariance(helices.covariance[i]) @ jacobian.T
    return position, np.linalg.pinv(covariance, rcond=1e-9)


def literal_fit(helices, members, point):
    """Annealing as published, with new lines in every step."""
    temperature = 256.0
    for _ in range(16):
        lines = [literal_line(helices, i, point) for i in members]
        chi2 = np.array([(point - p) @ w @ (point - p) for p, w in lines])
        weight = expit((9 - chi2) / (2 * temperature))
        total = sum(f * w for f, (_, w) in zip(weight, lines, strict=True))
        right = sum(f * w @ p for f, (p, w) in zip(weight, lines, strict=True))
        point = np.linalg.solve(total, right)
        temperature = max(1.0, temperature / 4)
    return point, np.linalg.inv(total), weight, weight @ chi2


@pytest.mark.parametrize("outliers", [0, 1])
def test_against_a_literal_fit(outliers):
    number = 4
    helices, groups, _ = vertices(number, 4, outliers=outliers)
    fits = fit_vertices(helices, groups)
    for g in range(number):
        members = groups.track[groups.offsets[g] : groups.offsets[g + 1]]
        point, covariance, weight, chi2 = literal_fit(helices, members, groups.point[g])
        error = np.sqrt(np.diag(covariance))
        assert np.abs(fits.point[g] - point) == pytest.approx(np.zeros(3), abs=0.01 * error.min())
        assert matrix(fits.covariance[g]) == pytest.approx(
            covariance, rel=1e-2, abs=1e-2 * np.trace(covariance)
        )
        span = slice(groups.offsets[g], groups.offsets[g + 1])
        assert fits.weight[span] == pytest.approx(weight, abs=0.01)
        assert fits.chi2[g] == pytest.approx(chi2, rel=0.02, abs=0.01)
        assert fits.ndof[g] == pytest.approx(2 * weight.sum() - 3, abs=0.02)


def test_the_vertex_is_the_weighted_least_squares_of_scipy():
    number = 10
    helices, groups, _ = vertices(number, 5, seed=9)
    lines = linearise(helices, groups.track, groups.point[groups.group()])
    settings = DEFAULT_FIT._replace(max_shift=1e-9)
    fits = fit_lines(lines, groups.offsets, groups.point, settings)
    for g in range(number):
        span = range(groups.offsets[g], groups.offsets[g + 1])
        roots = {k: np.sqrt(fits.weight[k]) * _root(matrix(lines.weight[k])) for k in span}

        def residuals(point, span=span, roots=roots):
            return np.concatenate([roots[k] @ (point - lines.point[k]) for k in span])

        best = least_squares(residuals, groups.point[g], xtol=1e-14, ftol=1e-14, gtol=1e-14)
        assert fits.point[g] == pytest.approx(best.x, abs=1e-6)
        assert fits.chi2[g] == pytest.approx(2 * best.cost, rel=1e-3, abs=1e-4)


def _root(symmetric):
    values, vectors = np.linalg.eigh(symmetric)
    return np.sqrt(np.maximum(values, 0))[:, np.newaxis] * vectors.T


def test_pulls_of_true_vertices():
    number = 3000
    helices, groups, truth = vertices(number, 4, seed=1)
    fits = fit_vertices(helices, groups)
    assert fits.valid.all()
    pulls = (fits.point - truth) / np.sqrt(fits.covariance[:, :3])
    core = 0.5 * np.subtract(*np.percentile(pulls, [84.15, 15.85], axis=0))
    assert core == pytest.approx(np.ones(3), abs=0.06)
    assert np.median(pulls, axis=0) == pytest.approx(np.zeros(3), abs=0.08)


def test_chi2_has_the_degrees_of_freedom():
    number = 3000
    helices, groups, _ = vertices(number, 4, seed=11)
    fits = fit_vertices(helices, groups, DEFAULT_FIT._replace(sigma_cut=30.0))
    assert fits.ndof == pytest.approx(np.full(number, 5.0), abs=1e-3)
    assert fits.chi2.mean() == pytest.approx(5.0, abs=5 * np.sqrt(10 / number))


def test_exact_tracks_give_the_vertex():
    helices, groups, truth = vertices(50, 3, smeared=False)
    assert fit_vertices(helices, groups).point == pytest.approx(truth, abs=2e-4)


def test_tracks_from_elsewhere_lose_their_weight():
    number = 300
    helices, groups, _ = vertices(number, 5, seed=2, outliers=1)
    weight = fit_vertices(helices, groups).weight.reshape(number, 6)
    assert np.mean(weight[:, :5] > 0.5) > 0.97
    assert np.mean(weight[:, 5] < 0.5) > 0.9


def test_groups_do_not_know_of_each_other():
    helices, groups, _ = vertices(6, 4, seed=4)
    together = fit_vertices(helices, groups)
    for g in range(6):
        members = groups.track[groups.offsets[g] : groups.offsets[g + 1]]
        alone = Groups(members, np.array([0, 4]), np.array([0]), groups.point[[g]])
        assert fit_vertices(helices, alone).point[0].tolist() == together.point[g].tolist()


def test_one_track_has_no_vertex():
    helices, _, _ = vertices(1, 2)
    groups = Groups(np.array([0]), np.array([0, 1]), np.array([0]), np.zeros((1, 3)))
    fits = fit_vertices(helices, groups)
    assert not fits.valid[0]
    assert fits.weight.tolist() == [0.0]
    assert fits.point.tolist() == [[0.0, 0.0, 0.0]]


def test_no_groups():
    helices, _, _ = vertices(1, 2)
    groups = grouped(np.zeros(0, dtype=np.int64), np.zeros((0, 3)))
    assert len(fit_vertices(helices, groups).valid) == 0


def test_two_crossing_lines_by_hand():
    """Lines along x and y, 0.02 apart in z with equal errors: the vertex is half way."""
    lines = Lines(
        np.array([[0.5, 0.0, 0.01], [0.0, 0.3, -0.01]]),
        np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
        1e-4 * np.array([[0.0, 1.0, 1.0, 0, 0, 0], [1.0, 0.0, 1.0, 0, 0, 0]]),
        1e4 * np.array([[0.0, 1.0, 1.0, 0, 0, 0], [1.0, 0.0, 1.0, 0, 0, 0]]),
    )
    fits = fit_lines(lines, np.array([0, 2]), np.array([[0.1, 0.1, 0.0]]), DEFAULT_FIT)
    weight = 1 / (1 + np.exp(-4.0))  # chi2 = 1 for both
    assert fits.weight == pytest.approx([weight, weight])
    assert fits.point[0] == pytest.approx([0.0, 0.0, 0.0], abs=1e-12)
    expected = 1e-4 / weight * np.array([1.0, 1.0, 0.5, 0.0, 0.0, 0.0])
    assert fits.covariance[0] == pytest.approx(expected, abs=1e-12)
    assert fits.chi2[0] == pytest.approx(2 * weight)
    assert fits.ndof[0] == pytest.approx(4 * weight - 3)
