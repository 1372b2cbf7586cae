"""The mock answers by the given functions and remembers what it was asked."""

import asyncio

import numpy as np
import pytest

from sonicmini.errors import InferenceError
from sonicmini.inference.mock import MockClient


def test_function_answers_and_calls_are_kept():
    client = MockClient({"same": lambda inputs: {"y": inputs["x"]}})
    x = np.arange(3)
    assert asyncio.run(client.infer("same", {"x": x})) == {"y": x}
    assert client.calls == [("same", {"x": x})]


def test_model_without_function():
    with pytest.raises(InferenceError, match="no function for model x, it has y"):
        asyncio.run(MockClient({"y": dict}).infer("x", {}))
