"""The bundled networks: what their card says of padding, symmetry and identity holds."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sonicmini.event import Ragged
from sonicmini.inference.batching import Batching
from sonicmini.inference.onnx import OnnxClient
from sonicmini.inference.repository import ModelRepository
from sonicmini.inference.route import Direct
from sonicmini.inference.service import InferenceService, ServiceOptions

MODELS = Path(__file__).parents[3] / "models"
TUNES = ("deepmet/1", "deepmet/2")
COUNTS = np.array([1500, 0, 1, 40, 900, 4500, 2200])


async def run_here(function):
    return function()


def evaluate(model: str, inputs: Any, **batching: Any) -> np.ndarray:
    specs = ModelRepository(MODELS).specs([model])
    client = OnnxClient(specs, run_here)
    client.load()
    service = InferenceService(
        {model: (specs[model], Direct("here", client))},
        run_here,
        options=ServiceOptions(batching=Batching(**batching)),
    )
    return np.asarray(asyncio.run(service.infer(model, inputs))["output/BiasAdd"])


def tensors(counts, turn: float = 0.0, seed: int = 5) -> dict[str, np.ndarray]:
    """Flat tensors of candidates roughly like those of collisions, turned by an angle."""
    rng = np.random.default_rng(seed)
    total = int(counts.sum())
    pt = rng.exponential(0.03, total) + 0.005
    phi = rng.uniform(-np.pi, np.pi, total) + turn
    content = np.empty((total, 8), np.float32)
    content[:, 0] = rng.normal(0, 0.02, total)
    content[:, 1] = rng.normal(0, 5, total)
    content[:, 2] = rng.uniform(-5, 5, total)
    content[:, 3] = rng.choice([0, 0.1396], total)
    content[:, 4] = pt
    content[:, 5] = rng.choice([0, 0.3, 1], total, p=[0.7, 0.1, 0.2])
    content[:, 6], content[:, 7] = pt * np.cos(phi), pt * np.sin(phi)
    categories = {
        f"input_cat{index}": rng.integers(0, size, (total, 1)).astype(np.float32)
        for index, size in enumerate((3, 11, 4))
    }
    return {"input": content, **categories}


def ragged(flat: dict[str, np.ndarray], counts: np.ndarray) -> dict[str, Ragged]:
    return {name: Ragged(content, counts) for name, content in flat.items()}


@pytest.fixture(scope="module", params=TUNES)
def model(request) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def answers(model) -> np.ndarray:
    return evaluate(model, ragged(tensors(COUNTS), COUNTS))


def test_answers_differ_and_are_finite(answers):
    assert answers.shape == (len(COUNTS), 2)
    assert np.isfinite(answers).all()
    assert len(np.unique(answers)) == 2 * len(COUNTS) - 1  # the empty event has 0, 0


def test_event_without_candidates_misses_nothing(answers):
    assert answers[1].tolist() == [0, 0]


def test_order_of_candidates_does_not_matter(model, answers):
    flat = tensors(COUNTS)
    stops = np.cumsum(COUNTS)
    rng = np.random.default_rng(6)
    order = np.concatenate(
        [rng.permutation(np.arange(stop - n, stop)) for n, stop in zip(COUNTS, stops, strict=True)]
    )
    shuffled = {name: content[order] for name, content in flat.items()}
    np.testing.assert_allclose(
        evaluate(model, ragged(shuffled, COUNTS)), answers, rtol=1e-4, atol=2e-5
    )


def test_request_size_does_not_matter(model, answers):
    inputs = ragged(tensors(COUNTS), COUNTS)
    np.testing.assert_allclose(evaluate(model, inputs, max_rows=1), answers, rtol=1e-5, atol=1e-5)


def test_rows_without_momentum_contribute_nothing(model, answers):
    flat = tensors(COUNTS)
    extra = tensors(np.array([300]), seed=9)
    extra["input"][:, [4, 6, 7]] = 0
    stop = COUNTS[0]
    padded = {name: np.concatenate([content[:stop], extra[name]]) for name, content in flat.items()}
    found = evaluate(model, ragged(padded, np.array([stop + 300])))
    np.testing.assert_allclose(found[0], answers[0], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("turn", [0.7, np.pi / 2, 3.0])
def test_turned_event_has_a_turned_answer(model, answers, turn):
    turned = evaluate(model, ragged(tensors(COUNTS, turn), COUNTS))
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    np.testing.assert_allclose(turned, answers @ matrix.T, rtol=1e-3, atol=1e-4)


def test_both_tunes_are_served_and_differ():
    assert ModelRepository(MODELS).versions("deepmet") == (1, 2)
    inputs = ragged(tensors(COUNTS), COUNTS)
    resolution, response = (evaluate(model, inputs) for model in TUNES)
    assert np.abs(resolution - response).max() > 1e-3


def test_card_names_these_networks():
    card = (MODELS / "deepmet" / "README.md").read_text(encoding="utf-8")
    for model in TUNES:
        assert f"`{ModelRepository(MODELS).spec(model).sha256}`" in card
