"""Efficiencies, their errors, and the thresholds of working points."""

import json

import numpy as np
import pytest

from sonicmini.modules.networks.deeptau.scores import (
    AGAINST,
    discriminators,
    read_working_points,
)
from tests.training.deeptau.synthetic import synthetic
from training.deeptau.metrics import Value, curve, mistaken, passing, score, threshold
from training.deeptau.working_points import EFFICIENCIES, selected, working_points, write


def probabilities(number, seed=1):
    return np.random.default_rng(seed).dirichlet((1, 1, 3, 1), number).astype(np.float32)


def test_scores_are_those_of_the_module():
    answers = np.append(probabilities(50), [[1, 0, 0, 0]], axis=0).astype(np.float32)
    columns = discriminators(answers, np.ones(len(answers), np.bool_), None)
    for name, other in (("VSe", "e"), ("VSmu", "mu"), ("VSjet", "jet")):
        np.testing.assert_array_equal(score(answers, other), columns[f"rawDeepTau2018v2p5{name}"])


def test_passing_by_hand():
    scores = np.array([0.1, 0.5, 0.5, 0.9])
    assert passing(scores, 0.5).value == 0.25
    assert passing(scores, 0.05).value == 1
    assert passing(scores, 0.95).value == 0
    assert passing(scores, 0.95).error == pytest.approx(np.sqrt(5 / 36 / 6))
    assert passing(scores[:0], 0.5).value == 0
    assert str(Value(0.00512, 0.0004)) == "0.51 ± 0.04 %"
    assert str(Value(0.702, 0.01)) == "70.2 ± 1.0 %"


def test_error_of_a_mistake_is_the_spread_of_experiments():
    """Gaussian scores of taus and of jets, 300 experiments."""
    rng = np.random.default_rng(4)
    found = [mistaken(rng.normal(1, 1, 400), rng.normal(0, 1, 800), 0.7) for _ in range(60)]
    values = np.array([one.value for one in found])
    errors = np.array([one.error for one in found])
    expected = 0.317  # above 1 - 0.524
    assert values.mean() == pytest.approx(expected, abs=4 * values.std() / np.sqrt(60))
    assert errors.mean() == pytest.approx(values.std(), rel=0.3)


def test_curve_counts_what_is_not_below():
    signal, background = np.array([3.0, 1.0, 2.0]), np.array([0.0, 2.0, 2.5, 0.5])
    passed, wrong = curve(signal, background)
    np.testing.assert_allclose(passed, [1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(wrong, [0, 0.5, 0.5])
    assert threshold(signal, 0.5) == 2


def test_working_points_have_their_efficiencies(tmp_path):
    candidates, answers = synthetic(4000), probabilities(4000)
    points = working_points(answers, candidates)
    write(points, tmp_path)
    read = read_working_points(tmp_path)
    assert read is not None
    genuine = selected(candidates) & (candidates.columns["label"] == 2)
    assert 500 < genuine.sum() < 1100
    columns = discriminators(answers[genuine], np.ones(genuine.sum(), np.bool_), read)
    for name in AGAINST:
        passed = columns[f"idDeepTau2018v2p5{name}"]
        for number, wanted in enumerate(EFFICIENCIES[name].values(), start=1):
            assert np.mean(passed >= number) == pytest.approx(wanted, abs=2 / genuine.sum())


def test_working_points_ascend_even_if_all_scores_are_one(tmp_path):
    answers = np.tile(np.array([[0, 0, 1, 0]], np.float32), (50, 1))
    points = working_points(answers, synthetic(50))
    write(points, tmp_path)
    assert read_working_points(tmp_path) is not None
    assert list(json.loads((tmp_path / "working_points.json").read_text())) == list(AGAINST)


def test_acceptance():
    candidates = synthetic(4)
    candidates.columns["pt"][:] = 19, 21, 50, 50
    candidates.columns["eta"][:] = 0, 2.4, -2.4, -2.2
    assert selected(candidates).tolist() == [False, False, False, True]
