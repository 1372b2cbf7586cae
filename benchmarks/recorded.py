"""What the networks of a job are asked, for benchmarks of inference alone."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from benchmarks.common import with_options
from sonicmini.config import JobConfig
from sonicmini.event import Array, Ragged, Sparse, Tensors
from sonicmini.inference.repository import ModelSpec
from sonicmini.prepare import prepare
from sonicmini.report import Report
from sonicmini.schedule import Schedule

T = TypeVar("T")


def at_once(spec: ModelSpec) -> Callable[[Tensors], Tensors]:
    """A network that costs nothing: zeros of the right shape."""

    def answer(inputs: Tensors) -> Tensors:
        rows = len(next(iter(inputs.values())))
        return {one.name: np.zeros((rows, *one.dims), one.dtype) for one in spec.outputs}

    return answer


async def here(function: Callable[[], T]) -> T:
    """Calls the function at once: nothing runs beside it."""
    return function()


class Recorder:
    """A client that keeps what it is asked and answers with zeros."""

    def __init__(self, specs: dict[str, ModelSpec]) -> None:
        self.specs = specs
        self.asked: dict[str, list[Tensors]] = {model: [] for model in specs}

    async def infer(self, model: str, inputs: Tensors) -> Tensors:
        """Keeps the inputs."""
        self.asked[model].append(inputs)
        return at_once(self.specs[model])(inputs)


def recorded(config: JobConfig, *, chunk_size: int | None = None) -> Recorder:
    """Runs a job's modules and keeps what every network is asked, chunk by chunk.

    Args:
        config: the job.
        chunk_size: events processed together; what the job says if None.
    """
    job = prepare(config if chunk_size is None else with_options(config, chunk_size=chunk_size))
    recorder = Recorder(job.specs)
    labels = [*job.networks("local"), *job.networks("remote")]
    clients = dict.fromkeys(labels, recorder)
    schedule = Schedule(job.modules, job.graph, clients=clients, workers=job.workers)
    for chunk in job.source.chunks():
        asyncio.run(schedule.process(chunk, Report()))
    job.workers.close()
    return recorder


def together(parts: Sequence[Tensors]) -> dict[str, Array | Ragged]:
    """The rows of several chunks as those of one; dense and ragged ones."""
    return {name: _joined([part[name] for part in parts]) for name in parts[0]}


def _joined(parts: Sequence[Array | Ragged | Sparse]) -> Array | Ragged:
    ragged = [part for part in parts if isinstance(part, Ragged)]
    if ragged:
        content = np.concatenate([part.content for part in ragged])
        return Ragged(content, np.concatenate([part.counts for part in ragged]), ragged[0].axis)
    return np.concatenate([part for part in parts if isinstance(part, np.ndarray)])
