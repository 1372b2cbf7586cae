"""The variables against plain Python, jet by jet, and against numpy's eigenvalues."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonicmini.modules.jets.constituents import Constituents
from sonicmini.modules.jets.pileup_id import Axes, Candidates, pileup_id_variables


def some_jets(seed, sizes):
    rng = np.random.default_rng(seed)
    n = sum(sizes)
    jets = Axes(
        rng.uniform(5, 100, len(sizes)),
        rng.uniform(-4, 4, len(sizes)),
        rng.uniform(-np.pi, np.pi, len(sizes)),
    )
    jet = np.repeat(np.arange(len(sizes)), sizes)
    candidate = rng.permutation(n + 5)[:n]  # a few belong to no jet
    columns = [rng.uniform(0, 1, n + 5) for _ in range(3)]
    columns[0] = rng.exponential(3.0, n + 5) + 0.1
    columns[1][candidate] = jets.eta[jet] + rng.normal(0, 0.15, n)
    phi = jets.phi[jet] + rng.normal(0, 0.15, n)
    columns[2][candidate] = (phi + np.pi) % (2 * np.pi) - np.pi
    dz = rng.normal(0, 0.2, n + 5)
    pt, eta, phi = columns
    candidates = Candidates(pt, eta, phi, rng.random(n + 5) < 0.5, dz)
    first = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    return jets, Constituents(first, candidate), candidates


def literal(jet, members):
    """One jet; ``members`` are (pt, eta, phi, charged, dz)."""
    pt_jet, eta_jet, phi_jet = jet
    squares = sum(m[0] ** 2 for m in members)
    found = dict.fromkeys(("frac01", "frac02", "frac03", "frac04"), 0.0)
    mean_square, covariance = 0.0, np.zeros((2, 2))
    mean = np.zeros(2)
    for pt, eta, phi, _, _ in members:
        d = np.array([eta - eta_jet, math.remainder(phi - phi_jet, 2 * math.pi)])
        r = math.hypot(*d)
        mean_square += (pt * r) ** 2
        covariance += pt**2 * np.outer(d, d)
        mean += pt**2 * d / squares
        for i, edge in enumerate((0.1, 0.2, 0.3, 0.4)):
            if edge - 0.1 < r <= edge:
                found[f"frac0{i + 1}"] += pt / pt_jet
    pull = np.zeros(2)
    for pt, eta, phi, _, _ in members:
        d = np.array([eta - eta_jet, math.remainder(phi - phi_jet, 2 * math.pi)]) - mean
        pull += pt**2 * d * math.hypot(*d) / squares
    low, high = np.sqrt(np.abs(np.linalg.eigvalsh(covariance / squares)))
    total = sum(m[0] for m in members)
    charged = [m for m in members if m[3]]
    lead_charged = max((m[0] for m in charged), default=min(m[0] for m in members))
    near = sum(m[0] for m in charged if abs(m[4]) < 0.2)
    return found | {
        "beta": near / sum(m[0] for m in charged) if charged else 0.0,
        "dR2Mean": mean_square / squares,
        "majW": high,
        "minW": low,
        "pull": math.hypot(*pull),
        "jetR": max(m[0] for m in members) / total,
        "jetRchg": lead_charged / total,
    }


@given(seed=st.integers(0, 10**6), sizes=st.lists(st.integers(1, 30), max_size=6, min_size=1))
@settings(max_examples=50, deadline=None)
def test_variables_are_those_of_plain_python(seed, sizes):
    jets, constituents, candidates = some_jets(seed, sizes)
    columns = pileup_id_variables(jets, constituents, candidates)
    for jet in range(len(sizes)):
        index = constituents.candidate[constituents.first[jet] : constituents.first[jet + 1]]
        members = [tuple(column[i] for column in candidates) for i in index]
        expected = literal([column[jet] for column in jets], members)
        assert set(columns) == {f"puId_{name}" for name in expected}
        for name, value in expected.items():
            assert columns[f"puId_{name}"][jet] == pytest.approx(value, rel=1e-5, abs=1e-6)


def test_a_jet_of_one_neutral_candidate():
    pt, eta, phi = (np.array([x]) for x in (20.0, 1.0, 2.0))
    candidates = Candidates(pt, eta, phi, np.array([False]), np.zeros(1))
    constituents = Constituents(np.array([0, 1]), np.array([0]))
    jets = Axes(np.array([20.0]), np.array([1.0]), np.array([2.0]))
    columns = pileup_id_variables(jets, constituents, candidates)
    ones = {"puId_frac01", "puId_jetR", "puId_jetRchg"}
    assert {name for name, values in columns.items() if values[0] == 1} == ones
    assert all(columns[name][0] == 0 for name in set(columns) - ones)


def test_no_jets_have_no_variables():
    empty = np.zeros(0)
    candidates = Candidates(empty, empty, empty, np.zeros(0, dtype=bool), empty)
    constituents = Constituents(np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.int64))
    columns = pileup_id_variables(Axes(empty, empty, empty), constituents, candidates)
    assert all(len(values) == 0 for values in columns.values())
