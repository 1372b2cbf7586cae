"""The network on occupied cells is the network on all cells, in torch and in onnxruntime."""

import json
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch

from tests.training.deeptau.synthetic import (
    dense,
    synthetic,
    synthetic_columns,
    synthetic_tensors,
)
from training.deeptau.candidates import Candidates
from training.deeptau.export import export
from training.deeptau.layout import BLOCKS, GRIDS, input_name
from training.deeptau.network import (
    SIZES,
    DeepTauNetwork,
    Sizes,
    multiply_adds,
)
from training.deeptau.train import predict

TAUS = 23
SMALL = Sizes(
    egamma=(7, 5), muon=(4,), hadrons=(6, 3), joint=(8, 6), channels=5, tau=(9, 4), dense=(8, 8)
)


@pytest.fixture(scope="module")
def network():
    """With statistics of normalisation that are not those of a new network."""
    torch.manual_seed(3)
    made = DeepTauNetwork(SMALL).train()
    batch = synthetic(200, seed=8).batch(np.arange(200))
    for _ in range(5):
        made(batch)
    return made.eval()


@pytest.fixture(scope="module")
def tensors():
    return synthetic_tensors(TAUS)


def synthetic_candidates(tensors):
    return Candidates.from_tensors(tensors, synthetic_columns(len(tensors["input_tau"])))


def answers_of_all_cells(network, arrays):
    """The network as it is published: small nets for every cell, empty or not."""
    vectors = [network.tau(torch.from_numpy(arrays["input_tau"]))]
    for name, size in GRIDS.items():
        net = network.grids[name]
        parts = [
            part(torch.from_numpy(arrays[input_name(name, block)]).flatten(0, 2))
            for block, part in net.cells.blocks.items()
        ]
        cells = net.cells.joint(torch.cat(parts, dim=1))
        image = cells.reshape(TAUS, size, size, -1).permute(0, 3, 1, 2).contiguous()
        vectors.append(net.convolutions(image)[:, :, 0, 0])
    return network.answer(network.dense(torch.cat(vectors, dim=1))).softmax(1)


def test_occupied_cells_are_all_cells(network, tensors):
    with torch.no_grad():
        expected = answers_of_all_cells(network, dense(tensors)).numpy()
    found = predict(network, synthetic_candidates(tensors))
    np.testing.assert_allclose(found, expected, atol=2e-6)
    assert found.std(axis=0).min() > 1e-4


@pytest.mark.parametrize("every_cell", [False, True])
def test_exported_network_is_the_network(network, tensors, every_cell, tmp_path):
    export(network, tmp_path / "model.onnx", every_cell=every_cell)
    session = ort.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    (found,) = session.run(None, dense(tensors))
    np.testing.assert_allclose(
        found, predict(network, synthetic_candidates(tensors)), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("value", [-0.25, 0.25])
@pytest.mark.parametrize("block", BLOCKS)
def test_any_input_makes_a_cell_occupied(network, block, value, tmp_path):
    arrays = dense(synthetic_tensors(3, cells=(0, 0)))
    arrays[input_name("outer", block)][1, 10, 9, -1] = value
    found = []
    for every_cell in (False, True):
        export(network, tmp_path / "model.onnx", every_cell=every_cell)
        session = ort.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
        found.append(session.run(None, arrays)[0])
    np.testing.assert_allclose(found[0], found[1], rtol=0, atol=1e-6)
    assert np.abs(found[0][1] - found[0][0]).max() > 0


def test_exported_network_takes_no_tau_and_empty_grids(network, tmp_path):
    export(network, tmp_path / "model.onnx")
    session = ort.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    arrays = dense(synthetic_tensors(3, cells=(0, 0)))
    (found,) = session.run(None, arrays)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    (none,) = session.run(None, {name: array[:0] for name, array in arrays.items()})
    assert none.shape == (0, 4)


def test_neighbours_in_the_batch_do_not_matter(network, tensors):
    candidates = synthetic_candidates(tensors)
    together = predict(network, candidates)
    alone = predict(network, candidates, size=1)
    np.testing.assert_allclose(alone, together, atol=1e-6)


def test_gradient_reaches_every_weight():
    made = DeepTauNetwork(SMALL).train()
    made(synthetic(40).batch(np.arange(40))).square().sum().backward()
    assert all(torch.count_nonzero(weight.grad) > 0 for weight in made.parameters())


def test_multiply_adds_are_those_that_torch_counts(network, tensors):
    counter = pytest.importorskip("torch.utils.flop_counter").FlopCounterMode(display=False)
    batch = synthetic_candidates(tensors).batch(np.arange(TAUS))
    with counter, torch.no_grad():
        network(batch)
    rows = {name: (len(batch.grids[name].place) + 1) / TAUS for name in GRIDS}
    assert multiply_adds(network, rows) * TAUS == pytest.approx(
        counter.get_total_flops() / 2, rel=1e-3
    )


def test_sizes_are_within_the_limits():
    light, cms = (DeepTauNetwork(SIZES[name]) for name in ("light", "cms"))
    every = {name: float(size * size) for name, size in GRIDS.items()}
    assert multiply_adds(light, every) < 60e6
    assert multiply_adds(light, {"inner": 12, "outer": 60}) < 16e6
    assert multiply_adds(cms, every) == pytest.approx(169e6, rel=0.01)


def test_layout_is_that_of_the_module():
    path = Path(__file__).parents[3] / "models" / "deeptau_2018v2p5" / "scaling.json"
    known = json.loads(path.read_text(encoding="utf-8"))
    sizes = {name: len(block["names"]) for name, block in known["blocks"].items()}
    assert sizes["TauFlat"] == 43
    for block, width in BLOCKS.items():
        assert sum(sizes[name] for name in known["inputs"][block]) == width
    assert {name: grid["cells"] for name, grid in known["grids"].items()} == GRIDS
