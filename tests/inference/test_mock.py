"""The mock answers by the given functions and remembers what it was asked."""

import asyncio

import numpy as np
import pytest

from sonicmini.errors import InferenceError
from sonicmini.inference.mock import MockClient


def test_function_answers_and_calls_are_kept():
    client = MockClient({"double": lambda inputs: {"y": np.add(inputs["x"], inputs["x"])}})
    outputs = asyncio.run(client.infer("double", {"x": np.arange(3)}))
    np.testing.assert_array_equal(outputs["y"], [0, 2, 4])
    assert [model for model, _ in client.calls] == ["double"]


def test_model_without_function():
    with pytest.raises(InferenceError, match="no function for model x, it has y"):
        asyncio.run(MockClient({"y": dict}).infer("x", {}))
