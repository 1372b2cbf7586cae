"""What an exported network answers, asked through the package's own service as in production."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from sonicmini.event import Tensors
from sonicmini.inference.onnx import OnnxClient
from sonicmini.inference.repository import ModelRepository
from sonicmini.inference.route import Direct
from sonicmini.inference.service import InferenceService

T = TypeVar("T")

AT_ONCE: Final = 2_000
"""Rows whose inputs are in memory."""


def answer(
    models: Path, model: str, inputs: Callable[[NDArray[np.int64]], Tensors], *, count: int
) -> NDArray[np.float32]:
    """The numbers of the network's only output, shape ``(count, ...)``.

    Args:
        models: the model repository.
        model: the network's name there.
        inputs: makes the network's inputs of the rows at the given places, which are asked for
            piece by piece.
        count: of all rows.
    """

    async def run_here(function: Callable[[], T]) -> T:
        return function()

    specs = ModelRepository(models).specs([model])
    client = OnnxClient(specs, run_here)
    service = InferenceService({model: (specs[model], Direct("here", client))}, run_here)

    async def answers() -> list[NDArray[np.float32]]:
        found = []
        for start in range(0, max(count, 1), AT_ONCE):
            places = np.arange(start, min(start + AT_ONCE, count))
            (numbers,) = (await service.infer(model, inputs(places))).values()
            found.append(np.asarray(numbers, np.float32))
        return found

    return np.concatenate(asyncio.run(answers()))
