"""The one seam to the outside: something that evaluates a model."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from sonicmini.event import Tensors

T = TypeVar("T")


class Client(Protocol):
    """Evaluates models by name. Implementations: onnxruntime here, servers elsewhere, a mock."""

    async def infer(self, model: str, inputs: Tensors) -> Tensors:
        """Returns the model's outputs for its inputs, one row per object.

        Raises:
            InferenceError: when there is no answer; names model, backend and cause.
        """
        ...


class Runner(Protocol):
    """Runs a function on a core, away from the event loop, and returns its result."""

    def __call__(self, function: Callable[[], T], /) -> Awaitable[T]:
        """Lets the function run."""
        ...
