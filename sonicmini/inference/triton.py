"""Inference by a server of the KServe v2 protocol: one path above the wire."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from functools import partial
from typing import TypeVar

import numpy as np

from sonicmini.errors import InferenceError, ModelError
from sonicmini.event import Array, Tensors
from sonicmini.inference.access import Access
from sonicmini.inference.address import ServerAddress
from sonicmini.inference.grpc_wire import GrpcWire
from sonicmini.inference.http_wire import HttpWire
from sonicmini.inference.repository import ModelSpec, Signature
from sonicmini.inference.shared_memory import SharedInputs
from sonicmini.inference.wire import ModelStatistics, Wire, WireOptions, WireRequest
from sonicmini.inference.wire_fault import Fault, WireError

__all__ = ["ModelStatistics", "TritonClient", "WireOptions"]

T = TypeVar("T")

_CLOSING_S = 2.0


class TritonClient:
    """Evaluates models on one server, any number of calls at a time, on one event loop.

    Attributes:
        name: the server's URL, which has no secrets in it.
    """

    def __init__(
        self,
        address: ServerAddress,
        specs: Mapping[str, ModelSpec],
        *,
        access: Access | None = None,
        options: WireOptions | None = None,
    ) -> None:
        """Connects to nothing yet.

        Args:
            address: of the server.
            specs: the models, by the names under which they will be asked for. A version is sent
                only where the name has one (``deepmet/2``).
            access: what the server wants to see; nothing if None.
            options: the defaults if None.

        Raises:
            ConfigError: if a file of the access cannot be used.
        """
        self.name = str(address)
        self._specs = dict(specs)
        self._access = access or Access()
        self._options = options or WireOptions()
        make_wire = GrpcWire if address.scheme in ("grpc", "grpcs") else HttpWire
        self._wire: Wire = make_wire(address, self._access, self._options)
        shared = self._options.shared_memory
        share = shared == "always" or (shared == "auto" and address.is_loopback)
        self._closed = False
        self._shared = SharedInputs(self._wire) if share else None

    async def infer(self, model: str, inputs: Tensors) -> Tensors:
        """Evaluates a model on dense inputs.

        Raises:
            UnavailableError: if there is no answer this time.
            ServerError: if the server refuses.
            InferenceError: if the model is none of the job's, or inputs are ragged.
        """
        spec = self._spec(model)
        name, _, version = model.partition("/")
        request = WireRequest(
            model=name,
            version=version,
            inputs=_dense(model, inputs),
            outputs=[output.name for output in spec.outputs],
        )
        infer = self._wire.infer if self._shared is None else self._shared.infer
        return await self._call(f"model {model}", partial(infer, request))

    async def check_ready(self) -> None:
        """Asks the server whether it is ready.

        Raises:
            UnavailableError: if it is not, or does not answer.
            ServerError: if it does not let us in.
        """
        await self._call("readiness", self._wire.check_ready)

    async def signature(self, model: str) -> Signature | None:
        """Inputs and outputs of a model, batch dimension first; None if the server does not tell.

        Raises:
            UnavailableError: if the model is not there, or the server does not answer.
            ServerError: if the server refuses.
        """
        name, _, version = model.partition("/")
        call = partial(self._wire.signature, name, version)
        return await self._offered(f"metadata of model {model}", call)

    async def statistics(self, model: str) -> ModelStatistics | None:
        """What the server counted for a model, for all its clients; None if it does not count.

        Raises:
            UnavailableError: if the model is not there, or the server does not answer.
            ServerError: if the server refuses.
        """
        name, _, version = model.partition("/")
        call = partial(self._wire.statistics, name, version)
        return await self._offered(f"statistics of model {model}", call)

    async def index(self) -> Collection[str] | None:
        """Names of the models that are ready; None if the server has no such list.

        Raises:
            UnavailableError: if the server does not answer.
            ServerError: if the server refuses.
        """
        return await self._offered("list of models", self._wire.index)

    async def close(self) -> None:
        """Frees shared memory and closes all connections, whether or not the server is there."""
        if self._closed:
            return
        self._closed = True
        with suppress(TimeoutError):
            async with asyncio.timeout(min(_CLOSING_S, self._options.timeout_s)):
                if self._shared is not None:
                    await self._shared.close()
        await self._wire.close()

    def _spec(self, model: str) -> ModelSpec:
        if model not in self._specs:
            known = ", ".join(self._specs) or "none"
            raise ModelError(f"model {model} is not among the job's models: {known}")
        return self._specs[model]

    async def _offered(self, subject: str, call: Callable[[], Awaitable[T]]) -> T | None:
        """The answer to a question that a server need not understand."""

        async def asked() -> T | None:
            try:
                return await call()
            except WireError as error:
                if error.fault is Fault.ABSENT:
                    return None
                raise

        return await self._call(subject, asked)

    async def _call(self, subject: str, call: Callable[[], Awaitable[T]]) -> T:
        """Sets the limit of time, and names subject and server in errors."""
        if self._closed:
            raise WireError(Fault.LOST, "the client is closed").public(subject, self.name)
        try:
            async with asyncio.timeout(self._options.timeout_s):
                return await call()
        except WireError as error:
            # Without its cause, in which the server may have repeated our secrets.
            raise error.public(subject, self.name, self._access.secrets()) from None
        except TimeoutError as error:
            await self._wire.distrust()
            silent = WireError(Fault.SILENT, f"waited {self._options.timeout_s:g} s")
            raise silent.public(subject, self.name) from error


def _dense(model: str, inputs: Tensors) -> dict[str, Array]:
    dense = {name: value for name, value in inputs.items() if isinstance(value, np.ndarray)}
    if len(dense) < len(inputs):
        raise InferenceError(f"model {model}: a server takes no rows of variable length")
    return dense
