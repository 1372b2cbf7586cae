from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.training.particlenet.synthetic import INTERFACE, MASS, SIZES, Jets, random_jets
from training.particlenet.batch import Batch
from training.particlenet.checkpoint import load
from training.particlenet.grooming import PT
from training.particlenet.network import ParticleNet
from training.particlenet.options import Interface, TrainingOptions
from training.particlenet.train import rate, train

OPTIONS = TrainingOptions(epochs=3, batch=100, learning_rate=2e-2, threads=1, device="cpu")
DATA = (Jets(400), Jets(300, seed=1))


def fresh(interface: Interface = INTERFACE) -> ParticleNet:
    torch.manual_seed(11)
    return ParticleNet(interface, SIZES)


@torch.no_grad()
def answers_of(network: ParticleNet, jets: Batch) -> torch.Tensor:
    answers: torch.Tensor = network.eval()(jets)
    return answers


def test_it_learns(tmp_path: Path) -> None:
    data = (Jets(1200), DATA[1])
    network = train(fresh(), data, replace(OPTIONS, epochs=4), folder=tmp_path)
    jets = random_jets(1000, seed=2)
    right = answers_of(network, jets).argmax(1) == jets.label
    assert float(right.float().mean()) > 0.7


def test_a_stopped_training_goes_on_as_if_it_had_not(tmp_path: Path) -> None:
    whole = train(fresh(), DATA, OPTIONS, folder=tmp_path / "whole")
    hasty = replace(OPTIONS, max_time_s=0.0)  # one step a run
    for _ in range(12):
        train(fresh(), DATA, hasty, folder=tmp_path / "parts")
    parts = train(fresh(), DATA, OPTIONS, folder=tmp_path / "parts")
    for name, values in whole.state_dict().items():
        torch.testing.assert_close(parts.state_dict()[name], values, rtol=0, atol=0, msg=name)
    losses = [
        [line.split("loss")[1] for line in history.read_text().splitlines() if "epoch " in line]
        for history in tmp_path.glob("*/history.txt")
    ]
    assert len(losses[0]) == 3
    assert losses[0] == losses[1]


def test_it_stops_when_validation_no_longer_improves(tmp_path: Path) -> None:
    options = replace(OPTIONS, epochs=30, learning_rate=0.2, patience=2)
    train(fresh(), (Jets(100), Jets(100, seed=5)), options, folder=tmp_path)
    lines = (tmp_path / "history.txt").read_text().splitlines()
    epochs = [line for line in lines if line.startswith("epoch ") and "validation" in line]
    losses = [float(line.split("validation")[1]) for line in epochs]
    best = losses.index(min(losses))
    assert len(losses) == best + 1 + options.patience < options.epochs


def test_it_learns_masses(tmp_path: Path) -> None:
    def shown(answers: torch.Tensor, targets: torch.Tensor) -> str:
        assert answers.shape == (300, 1)
        return f"median {float((answers[:, 0] - targets).median()):.1f} GeV"

    network = train(fresh(MASS), DATA, OPTIONS, folder=tmp_path, measure=shown)
    assert "GeV" in (tmp_path / "history.txt").read_text()
    assert 20 < float(answers_of(network, random_jets(300)).mean()) < 80


def test_weights_of_another_network(tmp_path: Path) -> None:
    trained = train(fresh(), DATA, replace(OPTIONS, epochs=1), folder=tmp_path)
    other = Interface(pf=("pf_c", PT, "pf_a"), sv=INTERFACE.sv)
    network = ParticleNet(other, SIZES)
    was = network.pf.linear.weight[:, 1].clone()
    options = replace(OPTIONS, start_from=tmp_path / "best.pt", max_time_s=0.0, learning_rate=0.0)
    train(network, DATA, options, folder=tmp_path / "other")
    old, new = trained.pf.linear.weight, network.pf.linear.weight
    torch.testing.assert_close(new, torch.stack([old[:, 2], was, old[:, 0]], dim=1))
    torch.testing.assert_close(network.blocks[1].own.weight, trained.blocks[1].own.weight)
    assert network.answer.weight.shape != trained.answer.weight.shape


def test_a_file_has_the_whole_network(tmp_path: Path) -> None:
    network = train(fresh(), DATA, replace(OPTIONS, epochs=1), folder=tmp_path)
    read = load(tmp_path / "best.pt")
    assert (read.interface, read.sizes) == (INTERFACE, SIZES)
    jets = random_jets(50)
    torch.testing.assert_close(answers_of(read, jets), answers_of(network, jets))


def test_the_learning_rate_grows_stays_and_falls() -> None:
    rates = [rate(one / 10, 8) for one in range(81)]
    assert rates[0] == rates[80] == 0.01
    assert rates[5:41] == [1.0] * 36
    assert rates[:6] == sorted(rates[:6])
    assert rates[40:] == sorted(rates[40:], reverse=True)
    assert rates[60] == pytest.approx((1 + 0.01) / 2)
