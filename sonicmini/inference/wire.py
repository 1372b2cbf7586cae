"""What every transport offers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from sonicmini.event import Array
from sonicmini.inference.repository import Signature

LARGEST_MESSAGE = 2**31 - 1
"""Bytes; neither protobuf nor Triton's http server takes more."""


@dataclass(frozen=True, kw_only=True)
class WireOptions:
    """How one server is talked to.

    Attributes:
        timeout_s: of every call, connecting included.
        compression: of requests and answers. Costs more time than it saves but on slow lines.
        shared_memory: for inputs; auto means if the address is a loopback one.
        max_message_bytes: of a request and of an answer.
    """

    timeout_s: float = 30.0
    compression: Literal["none", "gzip", "deflate"] = "none"
    shared_memory: Literal["auto", "never", "always"] = "auto"
    max_message_bytes: int = LARGEST_MESSAGE


@dataclass(frozen=True, kw_only=True)
class ModelStatistics:
    """What a server counted for a model since it was loaded, for all of its clients.

    Attributes:
        inference_count: rows.
        execution_count: of the network; requests that were merged count once.
        success_count: requests answered; ``success_s`` from their arrival to their answer.
        fail_count: requests that ended in an error.
        queue_s: of requests waiting for an instance.
        compute_input_s: preparing inputs, as ``compute_output_s`` outputs.
        compute_infer_s: evaluating the network.
    """

    inference_count: int = 0
    execution_count: int = 0
    success_count: int = 0
    success_s: float = 0.0
    fail_count: int = 0
    fail_s: float = 0.0
    queue_s: float = 0.0
    compute_input_s: float = 0.0
    compute_infer_s: float = 0.0
    compute_output_s: float = 0.0

    @property
    def compute_s(self) -> float:
        """All that an instance does for its requests."""
        return self.compute_input_s + self.compute_infer_s + self.compute_output_s

    def __add__(self, other: "ModelStatistics") -> "ModelStatistics":
        return ModelStatistics(
            **{name: mine + getattr(other, name) for name, mine in vars(self).items()}
        )


@dataclass(frozen=True)
class Slot:
    """A tensor's place in a region of shared memory; in bytes."""

    region: str
    offset: int
    size: int


@dataclass(frozen=True, kw_only=True)
class WireRequest:
    """One inference request.

    Attributes:
        version: empty for the one that the server chooses.
        slots: where the server finds the inputs if they are not sent along.
    """

    model: str
    version: str
    inputs: Mapping[str, Array]
    outputs: Sequence[str]
    slots: Mapping[str, Slot] | None = None


class Wire(Protocol):
    """One server over one transport.

    Every method may raise :class:`WireError`; none has a time limit of its own.
    """

    async def infer(self, request: WireRequest) -> Mapping[str, Array]:
        """Sends a request; the arrays of the answer stay valid and may be read-only."""
        ...

    async def check_ready(self) -> None:
        """Raises if the server is not ready."""
        ...

    async def signature(self, model: str, version: str) -> Signature | None:
        """Inputs and outputs of a model; None if the server does not tell."""
        ...

    async def statistics(self, model: str, version: str) -> ModelStatistics | None:
        """What the server counted for a model; Fault.ABSENT if it does not count."""
        ...

    async def index(self) -> Collection[str]:
        """Names of the models that are ready; Fault.ABSENT if there is no such list."""
        ...

    async def register(self, region: str, key: str, size: int) -> None:
        """Lets the server map a region of system shared memory of this size in bytes."""
        ...

    async def unregister(self, region: str) -> None:
        """Lets the server unmap a region."""
        ...

    async def distrust(self) -> None:
        """Told that an answer did not come in time: later calls use another connection."""
        ...

    async def close(self) -> None:
        """Closes all connections."""
        ...
