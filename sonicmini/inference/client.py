"""The one seam to the outside: something that evaluates a model."""

from typing import Protocol

from sonicmini.event import Tensors


class Client(Protocol):
    """Evaluates models by name. Implementations: onnxruntime here, servers elsewhere, a mock."""

    async def infer(self, model: str, inputs: Tensors) -> Tensors:
        """Returns the model's outputs for its inputs, one row per object.

        Raises:
            InferenceError: when there is no answer; names model, backend and cause.
        """
        ...
