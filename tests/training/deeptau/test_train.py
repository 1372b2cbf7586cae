"""Training is the same in one go and in two, and the same again."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.training.deeptau.synthetic import synthetic
from training.deeptau import train as recipe
from training.deeptau.network import SIZES, Sizes
from training.deeptau.train import TrainingOptions, predict, train, validation_loss
from training.deeptau.weights import weights

OPTIONS = TrainingOptions(
    sizes="tiny", epochs=4, batch=20, threads=1, device="cpu", half=False, learning_rate=0.02
)


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    sizes = Sizes(
        egamma=(6,), muon=(4,), hadrons=(6,), joint=(8,), channels=4, tau=(12,), dense=(12, 8)
    )
    monkeypatch.setitem(SIZES, "tiny", sizes)


@pytest.fixture(scope="module")
def samples():
    return synthetic(150), synthetic(97, seed=5)


def history(folder):
    """Without times."""
    lines = (folder / "history.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) | {"time_s": None} for line in lines]


def test_resumed_training_is_the_uninterrupted_one(samples, tmp_path):
    whole = train(samples[0], samples[1], OPTIONS, tmp_path / "whole")
    for _ in range(OPTIONS.epochs):
        parts = train(samples[0], samples[1], replace(OPTIONS, max_time_s=0), tmp_path / "parts")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, parts.state_dict()[name]), name
    assert history(tmp_path / "whole") == history(tmp_path / "parts")
    assert len(history(tmp_path / "whole")) == 1 + OPTIONS.epochs


def test_finished_training_changes_nothing(samples, tmp_path):
    options = replace(OPTIONS, epochs=1)
    first = train(samples[0], samples[1], options, tmp_path)
    again = train(samples[0], samples[1], options, tmp_path)
    assert len(history(tmp_path)) == 2
    np.testing.assert_array_equal(predict(first, samples[1]), predict(again, samples[1]))


def test_training_goes_on_with_the_same_candidates_only(samples, tmp_path):
    options = replace(OPTIONS, epochs=1, batch=10)
    train(samples[0], samples[1], options, tmp_path)
    with pytest.raises(ValueError, match="150 candidates, there are 97 now"):
        train(samples[1], samples[1], options, tmp_path)


def test_classes_are_learned(samples, tmp_path):
    network = train(samples[0], samples[1], replace(OPTIONS, epochs=8), tmp_path)
    assert validation_loss(network, samples[1]) < 1.2 < np.log(4)
    lines = history(tmp_path)[1:]
    assert validation_loss(network, samples[1]) == pytest.approx(
        min(line["validation"] for line in lines), abs=1e-5
    )


def test_training_stops_without_improvement(samples, tmp_path, monkeypatch):
    losses = iter([1.0, 2.0, 2.0, 2.0])
    monkeypatch.setattr(recipe, "validation_loss", lambda *_: next(losses))
    train(samples[0], samples[1], replace(OPTIONS, patience=2), tmp_path)
    assert len(history(tmp_path)) == 4


def test_validation_loss_is_the_weighted_cross_entropy(samples, tmp_path):
    candidates = samples[1]
    network = train(samples[0], samples[1], replace(OPTIONS, epochs=1), tmp_path)
    label = candidates.columns["label"]
    weight = weights(label, candidates.columns["pt"])
    with torch.no_grad():
        answer = network.eval()(candidates.batch(np.arange(len(label))))
    expected = torch.nn.functional.cross_entropy(
        answer, torch.from_numpy(label.astype(np.int64)), reduction="none"
    )
    assert validation_loss(network, candidates) == pytest.approx(
        float((expected * torch.from_numpy(weight)).mean()), rel=1e-5
    )
