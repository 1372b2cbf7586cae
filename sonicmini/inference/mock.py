"""A client for the tests of module authors: ordinary functions in the place of networks."""

from collections.abc import Callable, Mapping

from sonicmini.errors import InferenceError
from sonicmini.event import Tensors


class MockClient:
    """Answers by a function per model.

    Example:
        ``MockClient({"deepmet": lambda inputs: {"output/BiasAdd": np.ones((n, 2))}})``

    Attributes:
        calls: model and inputs of each call, in order.
    """

    def __init__(self, functions: Mapping[str, Callable[[Tensors], Tensors]]) -> None:
        """Takes the functions by the names under which their models will be asked for."""
        self._functions = dict(functions)
        self.calls: list[tuple[str, Tensors]] = []

    async def infer(self, model: str, inputs: Tensors) -> Tensors:
        """Returns what the model's function returns.

        Raises:
            InferenceError: if there is no function for the model.
        """
        if model not in self._functions:
            known = ", ".join(self._functions) or "none"
            raise InferenceError(f"the mock has no function for model {model}, it has {known}")
        self.calls.append((model, inputs))
        return self._functions[model](inputs)
