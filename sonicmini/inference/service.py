"""What modules' calls go through: rows become requests, requests are sent, answers put in order."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from sonicmini.errors import InferenceError, ServerError
from sonicmini.event import Array, Tensors
from sonicmini.inference.batching import Batching, Request, check, fill, join, plan, row_count
from sonicmini.inference.client import Runner
from sonicmini.inference.repository import ModelSpec
from sonicmini.inference.route import Route


@dataclass(frozen=True)
class RequestRecord:
    """An answered request, for the report.

    Attributes:
        model: as it was asked for.
        bytes_in: of the model's inputs.
        latency_s: from handing the request to the backend's client to its answer.
    """

    model: str
    backend: str
    rows: int
    bytes_in: int
    bytes_out: int
    latency_s: float


@dataclass(frozen=True, kw_only=True)
class ServiceOptions:
    """How calls become requests. Changes the speed, never a score.

    Attributes:
        requests_in_flight: bound for one call; memory grows with it.
        allow_nonfinite: let NaN and infinite values in answers pass.
    """

    batching: Batching = field(default_factory=Batching)
    requests_in_flight: int = 4
    allow_nonfinite: bool = False


class InferenceService:
    """Itself a client: takes ragged rows of any number, answers one row per object."""

    def __init__(
        self,
        models: Mapping[str, tuple[ModelSpec, Route]],
        run: Runner,
        *,
        options: ServiceOptions | None = None,
        on_request: Callable[[RequestRecord], None] | None = None,
    ) -> None:
        """Takes what it needs to make requests of rows.

        Args:
            models: each model and where its requests go, by the names under which it will be
                asked for.
            run: where padding and joining are done.
            options: the defaults if None.
            on_request: told of every answered request, on the event loop.
        """
        self._models = dict(models)
        self._run = run
        self._options = options or ServiceOptions()
        self._on_request = on_request

    async def infer(self, model: str, inputs: Tensors) -> Tensors:
        """Evaluates a model on any number of rows.

        Raises:
            InferenceError: if the inputs do not fit the model or a request has no answer.
        """
        if model not in self._models:
            known = ", ".join(self._models) or "none"
            raise InferenceError(f"model {model} is not among the job's models: {known}")
        spec, _ = self._models[model]
        requests = await self._run(partial(plan, spec, inputs, self._options.batching))
        answers = await self._send_all(model, inputs, requests)
        count = row_count(spec, inputs)
        return await self._run(
            partial(join, spec, count, list(zip(requests, answers, strict=True)))
        )

    async def _send_all(
        self, model: str, inputs: Tensors, requests: list[Request]
    ) -> list[Mapping[str, Array]]:
        """Answers in the order of the requests; the first failure cancels the others."""
        free = asyncio.Semaphore(self._options.requests_in_flight)

        async def send(request: Request) -> Mapping[str, Array]:
            async with free:
                return await self._send(model, inputs, request)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(send(request)) for request in requests]
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _send(self, model: str, inputs: Tensors, request: Request) -> Mapping[str, Array]:
        spec, route = self._models[model]
        dense = await self._run(partial(fill, spec, inputs, request))
        answer = await route.send(model, dense)
        try:
            outputs = check(spec, request, answer.outputs)
            if not self._options.allow_nonfinite:
                _refuse_nonfinite(spec, outputs)
        except InferenceError as error:
            raise ServerError(f"model {spec}: {answer.backend} {error}") from error
        if self._on_request is not None:
            self._on_request(
                RequestRecord(
                    model=model,
                    backend=answer.backend,
                    rows=len(request.rows),
                    bytes_in=_bytes(dense),
                    bytes_out=_bytes(outputs),
                    latency_s=answer.latency_s,
                )
            )
        return outputs


def _refuse_nonfinite(spec: ModelSpec, outputs: Mapping[str, Array]) -> None:
    bad = [
        str(tensor)
        for tensor in spec.outputs
        if tensor.dtype.kind == "f" and not np.isfinite(outputs[tensor.name]).all()
    ]
    if bad:
        raise InferenceError(
            f"answered NaN or infinite values in {', '.join(bad)}; options.allow_nonfinite lets"
            " them pass"
        )


def _bytes(tensors: Mapping[str, Array]) -> int:
    return sum(array.nbytes for array in tensors.values())
