import numpy as np
import torch

from tests.training.deepmet.synthetic import features, network
from training.deepmet.metrics import deviation
from training.deepmet.train import predict
from training.deepmet.tune import Sums, tune_network
from training.deepmet.tunes import TUNES, Tune


def test_sums_give_the_answer_of_the_network():
    model, events = network(), features()
    sums = Sums.of(model, events, size=7)
    with torch.no_grad():
        found = model.answer(sums.vectors, sums.scalars).numpy() * 50
    np.testing.assert_allclose(found, predict(model, events), rtol=1e-4, atol=1e-3)


def test_only_the_combination_is_trained_and_the_response_becomes_right(tmp_path):
    model = network()
    weight, combine = model.weight.weight.clone(), model.combine[0].weight.clone()
    training, validation = (Sums.of(model, features(1500, seed=seed)) for seed in (1, 2))
    tune_network(model, training, validation, tune=Tune(9, (5, 20, 200)), folder=tmp_path)
    model.load_state_dict(torch.load(tmp_path / "best.pt", weights_only=True))
    assert torch.equal(model.weight.weight, weight)
    assert not torch.equal(model.combine[0].weight, combine)
    unseen = features(1000, seed=3)
    assert deviation(predict(model, unseen), unseen.gen_met, (5, 20, 200)) < 0.05
    assert "epoch 150" in (tmp_path / "history.txt").read_text()


def test_tunes_are_versions_of_one_model():
    assert {name: tune.model for name, tune in TUNES.items()} == {
        "resolution": "deepmet/1",
        "response": "deepmet/2",
    }
    assert len(TUNES["resolution"].edges) < len(TUNES["response"].edges)
