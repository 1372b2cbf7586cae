from dataclasses import replace

import pytest
import torch

from tests.training.particlenet.synthetic import (
    INTERFACE,
    MASS,
    SIZES,
    lengthened,
    random_jets,
    random_network,
)
from training.particlenet.batch import INPUTS, Batch
from training.particlenet.knn import Neighbours
from training.particlenet.network import Dense, EdgeConv, ParticleNet, multiply_adds
from training.particlenet.options import PRESETS, Interface

AK4 = Interface(pf=("x",) * 20, sv=("y",) * 11, labels=("z",) * 8)
AK8 = Interface(pf=("x",) * 25, sv=("y",) * 11, labels=("z",) * 20)


def dense(layer: Dense, values: torch.Tensor) -> torch.Tensor:
    norm = layer.norm
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return (layer.linear.weight @ values - norm.running_mean) * scale + norm.bias


def literal_edge_conv(block: EdgeConv, rows: torch.Tensor, near: Neighbours) -> torch.Tensor:
    """Pair by pair, on (x_i, x_j - x_i), as in the paper."""
    matrix = torch.cat([block.own.weight + block.other.weight, block.other.weight], dim=1)
    norm = block.first_norm
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    answers = []
    for row, values in enumerate(rows):
        others = near.index[row][near.weight[row] > 0]
        total = torch.zeros(len(matrix))
        for other in others:
            pair = matrix @ torch.cat([values, rows[other] - values])
            pair = torch.relu((pair - norm.running_mean) * scale + norm.bias)
            for layer in block.layers:
                pair = torch.relu(dense(layer, pair))
            total += pair / len(others)
        answers.append(torch.relu(total + dense(block.shortcut, values)))
    return torch.stack(answers)


@torch.no_grad()
def test_edge_conv_is_what_the_paper_says() -> None:
    for block in random_network(sizes=replace(SIZES, edge_layers=3)).blocks:
        rows = torch.randn(7, block.own.in_features)
        index = torch.randint(7, (7, 4))
        real = (torch.arange(4) < torch.randint(5, (7, 1))).float()
        near = Neighbours(index, real / real.sum(1, keepdim=True).clamp(min=1))
        torch.testing.assert_close(
            block(rows, near), literal_edge_conv(block, rows, near), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("interface", [INTERFACE, MASS])
@torch.no_grad()
def test_padding_does_not_matter(interface: Interface) -> None:
    network, jets = random_network(interface), random_jets(50)
    difference = network(jets) - network(lengthened(jets, 9, 4))
    assert float(difference.abs().max()) < (1e-6 if interface.labels else 1e-3)


@torch.no_grad()
def test_jets_do_not_know_each_other() -> None:
    network, jets = random_network(), random_jets(20)
    alone = [
        network(Batch(**{name: values[[jet]] for name, values in vars(jets).items()}))
        for jet in range(20)
    ]
    torch.testing.assert_close(network(jets), torch.cat(alone), rtol=0, atol=1e-6)


@torch.no_grad()
def test_the_order_of_particles_does_not_matter() -> None:
    network, jets = random_network(), random_jets(20)
    turned = replace(jets, **{name: getattr(jets, name).flip(2) for name in INPUTS})
    torch.testing.assert_close(network(jets), network(turned), rtol=0, atol=1e-6)


@torch.no_grad()
def test_what_it_answers() -> None:
    jets = random_jets(50)
    scores = random_network()(jets)
    assert scores.shape == (50, 3)
    torch.testing.assert_close(scores.sum(1), torch.ones(50))
    assert scores.std(0).min() > 0.01
    masses = random_network(MASS)(jets)
    assert masses.shape == (50, 1)
    assert masses.min() >= 0


@torch.no_grad()
def test_classes_are_told_as_others() -> None:
    jets = random_jets(50)
    scores = random_network()(jets)
    found = random_network(replace(INTERFACE, told_as=(("c", "uds"),)))(jets)
    expected = torch.stack([scores[:, 0], torch.zeros(50), scores[:, 1] + scores[:, 2]], dim=1)
    torch.testing.assert_close(found, expected)


def test_every_weight_is_used() -> None:
    network = ParticleNet(INTERFACE, SIZES)
    network.logits(random_jets(100))[:, 0].sum().backward()
    for name, values in network.named_parameters():
        if name != "answer.bias":
            assert values.grad is not None, name
            assert float(values.grad.abs().max()) > 0, name


def test_multiply_adds_counted_by_hand() -> None:
    # 10 candidates and 2 vertices: embedding, two blocks, fusion, two dense layers.
    embedding = 10 * 3 * 5 + 2 * 2 * 5
    first = 12 * 12 * 2 + 12 * (3 * 5 * 6) + 12 * 4 * (6 * 6 + 6)
    second = 12 * 12 * 6 + 12 * (3 * 6 * 7) + 12 * 4 * (7 * 7 + 7)
    rest = 12 * (6 + 7) * 9 + 9 * 8 + 8 * 3
    assert multiply_adds(INTERFACE, SIZES, 10, 2) == embedding + first + second + rest


@pytest.mark.parametrize(
    ("preset", "interface", "lengths", "most"),
    [("ak4-light", AK4, (50, 5), 10e6), ("ak8-light", AK8, (100, 10), 60e6)],
)
def test_light_networks_are_light(
    preset: str, interface: Interface, lengths: tuple[int, int], most: float
) -> None:
    assert most / 3 < multiply_adds(interface, PRESETS[preset], *lengths) < most


def test_cms_sizes_cost_what_cms_networks_cost() -> None:
    # CMS's own networks do not factorise the first layer of a pair, so theirs cost more.
    assert 25e6 < multiply_adds(AK4, PRESETS["ak4-cms"], 50, 5) < 50e6
    assert 200e6 < multiply_adds(AK8, PRESETS["ak8-cms"], 100, 10) < 475e6
