"""Impact parameters against a numerical search along the helix, and pulls."""

import math

import awkward as ak
import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from sonicmini.modules.columns import jagged
from sonicmini.modules.leptons.impact import beam_spot_dxy, impact_parameters
from tests.modules.leptons.events import simulated

COVARIANCE = (
    *("covDxyDxy", "covDszDsz", "covDxyDsz", "covPhiPhi", "covPhiDxy", "covLamLam", "covLamDsz"),
)


def random_tracks(n, seed=2):
    rng = np.random.default_rng(seed)
    dxy = rng.normal(0, 0.1, n)
    phi = rng.uniform(-np.pi, np.pi, n)
    return {
        "pt": np.exp(rng.normal(1, 1, n)) + 0.3,
        "eta": rng.normal(0, 1.2, n),
        "phi": phi,
        "charge": rng.choice([-1, 1], n),
        "vx": 0.01 - dxy * np.sin(phi),
        "vy": -0.02 + dxy * np.cos(phi),
        "vz": rng.normal(0, 1, n),
        "covDxyDxy": np.full(n, 9e-6),
        "covDszDsz": np.full(n, 16e-6),
        "covDxyDsz": np.full(n, 2e-6),
        "covPhiPhi": np.full(n, 4e-6),
        "covPhiDxy": np.full(n, -3e-6),
        "covLamLam": np.full(n, 3e-6),
        "covLamDsz": np.full(n, -4e-6),
    }


def vertex(at, cov):
    columns = dict(zip(("x", "y", "z"), at, strict=True))
    for name, (a, b) in {
        "XX": (0, 0),
        "YY": (1, 1),
        "ZZ": (2, 2),
        "XY": (0, 1),
        "XZ": (0, 2),
        "YZ": (1, 2),
    }.items():
        columns[f"cov{name}"] = cov[a][b]
    return jagged(np.array([0, 1]), {name: np.array([value]) for name, value in columns.items()})


NO_ERROR = np.zeros((3, 3))


def measure(columns, pv):
    n = len(columns["pt"])
    tracks = jagged(np.array([0, n]), columns)
    return impact_parameters(tracks, pv, np.arange(n), np.zeros(n, dtype=np.int64))


def position(columns, i, path):
    """Point of a helix: a circle in the plane, a straight line in z over the path along it."""
    radius = columns["pt"][i] / (0.00299792458 * 3.8)  # clockwise for positive charges
    sign = -columns["charge"][i]
    phi = columns["phi"][i]
    end = phi + sign * path / radius
    x = columns["vx"][i] + sign * radius * (math.sin(end) - math.sin(phi))
    y = columns["vy"][i] - sign * radius * (math.cos(end) - math.cos(phi))
    return np.array([x, y, columns["vz"][i] + path * math.sinh(columns["eta"][i])])


def test_distances_are_the_least_along_the_helix():
    columns, pv = random_tracks(60), np.array([0.03, -0.01, 0.4])
    found = measure(columns, vertex(pv, NO_ERROR))
    for i in range(60):
        for name, axes, bound in (("dxy", 2, 1.0), ("ip3d", 3, 20.0)):

            def away(path, i=i, axes=axes):
                return np.linalg.norm((position(columns, i, path) - pv)[:axes])

            grid = np.linspace(-bound, bound, 801)
            start = grid[np.argmin([away(path) for path in grid])]
            step = grid[1] - grid[0]
            least = minimize_scalar(
                away,
                bounds=(start - step, start + step),
                options={"xatol": 1e-10},
                method="bounded",
            )
            assert abs(found[name][i]) == pytest.approx(least.fun, rel=1e-4, abs=1e-6)
            if name == "dxy":
                z = position(columns, i, least.x)[2] - pv[2]
                assert found["dz"][i] == pytest.approx(z, rel=1e-4, abs=1e-5)


def test_signs_by_hand():
    columns = {name: values[:1] for name, values in random_tracks(1).items()}
    columns |= {name: np.zeros(1) for name in ("eta", "phi", "vx", "vy", "vz")}
    columns["pt"] = np.array([1e4])
    # Along x through the origin; the vertex to its right, that is below: dxy = y - y_pv > 0.
    found = measure(columns, vertex((0.0, -0.02, 0.03), NO_ERROR))
    assert found["dxy"][0] == pytest.approx(0.02, rel=1e-4)
    assert found["dz"][0] == pytest.approx(-0.03, rel=1e-5)
    assert found["ip3d"][0] == pytest.approx(math.hypot(0.02, 0.03), rel=1e-4)
    assert found["dxyErr"][0] == pytest.approx(0.003)
    assert found["dzErr"][0] == pytest.approx(0.004)


def test_errors_are_those_of_smeared_tracks_and_vertices():
    rng = np.random.default_rng(7)
    base = random_tracks(40, seed=8)
    cov_pv = np.array([[4e-6, 1e-6, 0], [1e-6, 5e-6, -1e-6], [0, -1e-6, 9e-6]])
    pv = np.array([0.02, 0.01, 0.1])
    central = measure(base, vertex(pv, cov_pv))
    chosen = np.flatnonzero((central["sip3d"] > 10) & (np.abs(base["eta"]) < 2))
    assert len(chosen) > 20
    for i in chosen[:15]:
        dxy, dsz, phi, lam = rng.multivariate_normal(
            np.zeros(4),
            [
                [9e-6, 2e-6, -3e-6, 0],
                [2e-6, 16e-6, 0, -4e-6],
                [-3e-6, 0, 4e-6, 0],
                [0, -4e-6, 0, 3e-6],
            ],
            4000,
        ).T
        columns = {name: np.full(4000, values[i]) for name, values in base.items()}
        theta = math.atan(math.sinh(base["eta"][i]))
        sin, cos = math.sin(base["phi"][i]), math.cos(base["phi"][i])
        columns["vx"] += -sin * dxy - math.sin(theta) * cos * dsz
        columns["vy"] += cos * dxy - math.sin(theta) * sin * dsz
        columns["vz"] += math.cos(theta) * dsz
        columns["phi"] += phi
        columns["eta"] = np.arcsinh(np.tan(theta + lam))
        # A vertex moved one way is the track moved the other.
        moved = rng.multivariate_normal(np.zeros(3), cov_pv, 4000)
        for name, shift in zip(("vx", "vy", "vz"), moved.T, strict=True):
            columns[name] = columns[name] - shift
        found = measure(columns, vertex(pv, NO_ERROR))
        expected = central["ip3d"][i] / central["sip3d"][i]
        assert np.std(found["ip3d"]) == pytest.approx(expected, rel=0.06)
        assert np.std(found["dxy"]) == pytest.approx(central["dxyErr"][i], rel=0.06)


def width(values):
    low, high = np.percentile(values, [15.87, 84.13])
    return (high - low) / 2


def test_pulls_with_respect_to_the_true_vertex():
    products = simulated()
    tracks, truth = products["Track"], products["Generator"]
    columns = {"x": truth.vx, "y": truth.vy, "z": truth.vz}
    zero = np.zeros(len(truth))
    names = ("covXX", "covYY", "covZZ", "covXY", "covXZ", "covYZ")
    vertices = jagged(
        np.arange(len(truth) + 1),
        {name: np.asarray(values, np.float64) for name, values in columns.items()}
        | dict.fromkeys(names, zero),
    )
    own = products["SlimmedPV"].pvIdx[:, 0]
    used = (tracks.pvIdx == own) & (tracks.pvWeight > 0.5)
    good = used & (tracks.pt > 1) & (tracks.pt < 5)  # harder ones are more often displaced
    index = np.flatnonzero(np.asarray(ak.flatten(good)))
    event = np.repeat(np.arange(len(tracks)), ak.num(tracks.pt))[index]
    found = impact_parameters(tracks, vertices, index, event)
    near = np.abs(found["dz"]) < 0.1  # the leading vertex is not always the true one
    assert np.count_nonzero(near) > 1000
    assert width((found["dxy"] / found["dxyErr"])[near]) == pytest.approx(1, abs=0.08)
    assert width((found["dz"] / found["dzErr"])[near]) == pytest.approx(1, abs=0.08)


def test_without_track_or_vertex():
    columns = random_tracks(2)
    tracks = jagged(np.array([0, 2, 2]), columns)
    pv = vertex((0.0, 0.0, 0.0), NO_ERROR)
    vertices = ak.concatenate([pv, pv[:, :0]])
    found = impact_parameters(tracks, vertices, np.array([0, -1, 1]), np.array([0, 0, 1]))
    assert found["ip3d"][0] > 0
    for name in ("dxyErr", "dzErr", "ip3d", "sip3d"):
        assert found[name][1:].tolist() == [-1, -1]
    assert found["dxy"][1:].tolist() == found["dz"][1:].tolist() == [0, 0]


def test_beam_spot():
    columns = random_tracks(3)
    tracks = jagged(np.array([0, 3]), columns)
    spot = ak.Array([{"x": 0.01, "y": -0.02}])
    found = beam_spot_dxy(tracks, spot, np.array([0, 1, -1]), np.zeros(3, dtype=np.int64))["dxybs"]
    expected = np.hypot(columns["vx"] - 0.01, columns["vy"] + 0.02)
    assert np.abs(found[:2]) == pytest.approx(expected[:2], rel=1e-5)
    assert found[2] == 0
