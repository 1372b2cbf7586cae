from dataclasses import replace

import numpy as np
import torch

from tests.training.deepmet.synthetic import features
from training.deepmet.metrics import resolution
from training.deepmet.network import DeepMETNetwork
from training.deepmet.train import TrainingOptions, predict, train

OPTIONS = TrainingOptions(start="", epochs=4, frozen_epochs=2, batch=30, learning_rate=1e-2)


def best(folder) -> dict[str, torch.Tensor]:
    return dict(torch.load(folder / "best.pt", weights_only=True))


def run(folder, options):
    folder.mkdir(exist_ok=True)
    train(features(400, seed=1), features(100, seed=2), options, folder)


def test_learns_which_candidates_count(tmp_path):
    run(tmp_path, OPTIONS)
    network = DeepMETNetwork(OPTIONS.sums)
    unseen = features(200, seed=3)
    before = resolution(predict(network, unseen), unseen.gen_met)
    network.load_state_dict(best(tmp_path))
    after = resolution(predict(network, unseen), unseen.gen_met)
    assert after.rms < 0.9 * before.rms
    history = (tmp_path / "history.txt").read_text().splitlines()
    assert [line.split()[0] for line in history[1:]] == ["epoch"] * 4


def test_an_interrupted_training_goes_on_where_it_was(tmp_path):
    run(tmp_path / "whole", OPTIONS)
    for _ in range(OPTIONS.epochs):  # each stops after an epoch, for lack of time
        run(tmp_path / "parts", replace(OPTIONS, max_time_s=0.0))
    whole, parts = best(tmp_path / "whole"), best(tmp_path / "parts")
    assert whole.keys() == parts.keys()
    for name, tensor in whole.items():
        np.testing.assert_allclose(tensor, parts[name], rtol=1e-4, atol=1e-6)


def test_starts_from_the_network_beside_it(tmp_path):
    run(tmp_path, replace(OPTIONS, start="start.pt", epochs=1, frozen_epochs=1, learning_rate=1e-9))
    start = DeepMETNetwork(OPTIONS.sums)
    assert not torch.equal(best(tmp_path)["dense.0.weight"], start.dense[0].weight)
    found = features(50, seed=4)
    assert np.isfinite(predict(start, found)).all()
