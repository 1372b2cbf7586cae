"""A known tensor tells networks of the same name apart."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from sonicmini.errors import ModelError, ServerError
from sonicmini.event import Ragged
from sonicmini.inference.known import check_answer, known_inputs
from sonicmini.inference.onnx import OnnxClient
from sonicmini.inference.repository import ModelRepository, ModelSpec, TensorSpec
from sonicmini.resources import bundled

SPEC = ModelSpec(
    name="net",
    version=1,
    path=Path("net.onnx"),
    inputs=(
        TensorSpec("x", np.dtype(np.float32), (3, -1), 8, 12),
        TensorSpec("id", np.dtype(np.int64), (5,)),
        TensorSpec("flag", np.dtype(np.bool_), (1,)),
    ),
    outputs=(TensorSpec("y", np.dtype(np.float32), (2,)),),
    max_batch_size=16,
    preferred_batch_size=(),
    sha256="",
)
ANSWER = {"y": np.array([[100.0, -3.0], [0.5, 0.25]], np.float32)}


def check(found, tolerance=1e-4):
    check_answer(SPEC, ANSWER, found, server="http://a:8000", tolerance=tolerance)


def test_inputs_fit_the_model_and_are_always_the_same():
    first, second = known_inputs(SPEC), known_inputs(SPEC)
    assert {name: value.shape for name, value in first.items()} == {
        "x": (2, 3, 12),
        "id": (2, 5),
        "flag": (2, 1),
    }
    for tensor in SPEC.inputs:
        assert first[tensor.name].dtype == tensor.dtype
        assert first[tensor.name].min() >= 0
        assert first[tensor.name].max() <= 1
        np.testing.assert_array_equal(first[tensor.name], second[tensor.name])


def test_the_bundled_network_answers_something_to_them():
    specs = ModelRepository(bundled("models")).specs(["deepmet"])

    async def run_here(function):
        return function()

    client = OnnxClient(specs, run_here)
    answer = asyncio.run(client.infer("deepmet", known_inputs(specs["deepmet"])))
    output = answer["output/BiasAdd"]
    assert isinstance(output, np.ndarray)
    assert np.isfinite(output).all()
    assert np.abs(output).min() > 0.1


def test_small_differences_pass_relative_to_the_largest_value():
    check({"y": ANSWER["y"] + np.float32(0.009)})
    with pytest.raises(ModelError, match=r"http://a:8000 has another network.*differs by 0\.00011"):
        check({"y": ANSWER["y"] + np.float32(0.011)})


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        ({}, "without output y"),
        ({"y": Ragged(np.ones((2, 1), np.float32), np.ones(2, int))}, "without output y"),
        ({"y": np.ones((1, 2), np.float32)}, r"shape \(1, 2\), expected \(2, 2\)"),
    ],
)
def test_answers_of_another_form_are_refused(found, fault):
    with pytest.raises(ServerError, match=fault):
        check(found)


def test_nan_is_no_answer():
    with pytest.raises(ModelError, match="differs by nan"):
        check({"y": np.full((2, 2), np.nan, np.float32)})
