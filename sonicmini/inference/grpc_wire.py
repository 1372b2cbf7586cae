"""The KServe v2 protocol over grpc, by tritonclient."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tritonclient.grpc import InferInput, InferRequestedOutput
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

from sonicmini.event import Array
from sonicmini.inference import kserve
from sonicmini.inference.access import Access
from sonicmini.inference.address import ServerAddress
from sonicmini.inference.repository import Signature
from sonicmini.inference.wire import LARGEST_MESSAGE, ModelStatistics, WireOptions, WireRequest
from sonicmini.inference.wire_fault import Fault, WireError, fault_of

_CODES = {
    "ABORTED": Fault.FAILED,
    "ALREADY_EXISTS": Fault.REFUSED,
    "CANCELLED": Fault.LOST,
    "DATA_LOSS": Fault.DAMAGED,
    "DEADLINE_EXCEEDED": Fault.SILENT,
    "FAILED_PRECONDITION": Fault.REFUSED,
    "INTERNAL": Fault.FAILED,
    "INVALID_ARGUMENT": Fault.REFUSED,
    "NOT_FOUND": Fault.MODEL,
    "OUT_OF_RANGE": Fault.REFUSED,
    "PERMISSION_DENIED": Fault.DENIED,
    "RESOURCE_EXHAUSTED": Fault.BUSY,
    "UNAUTHENTICATED": Fault.DENIED,
    "UNAVAILABLE": Fault.LOST,
    "UNIMPLEMENTED": Fault.ABSENT,
    "UNKNOWN": Fault.FAILED,
}

_TLS = (
    ("CERTIFICATE_VERIFY_FAILED", Fault.UNTRUSTED),
    ("Hostname Verification", Fault.UNTRUSTED),
    ("Peer name", Fault.UNTRUSTED),
    ("ALERT", Fault.DENIED),
    ("WRONG_VERSION_NUMBER", Fault.NO_TLS),
)
"""All of them are UNAVAILABLE to grpc; the first that fits counts."""

_DAMAGE = (ValueError, LookupError, TypeError, AttributeError)
"""What decoding a damaged answer ends in."""


class GrpcWire:
    """One server over grpc, with or without TLS; the connection is opened when needed and kept."""

    def __init__(self, address: ServerAddress, access: Access, options: WireOptions) -> None:
        """Opens nothing yet.

        Raises:
            ConfigError: if a file of the access cannot be used.
        """
        self._target = address.authority
        self._headers = access.sent_headers()
        self._compression = None if options.compression == "none" else options.compression
        self._arguments = _channel_arguments(options)
        self._tls: dict[str, Any] = {"ssl": address.secure}
        if address.secure:
            access.tls_context()  # grpc would tell of a bad file at the first call only
            self._tls |= {
                "root_certificates": access.ca_file,
                "private_key": access.key_file,
                "certificate_chain": access.certificate_file,
            }
        self._channel: _Channel | None = None

    async def infer(self, request: WireRequest) -> Mapping[str, Array]:
        """See :class:`~sonicmini.inference.wire.Wire`."""
        inputs = kserve.encode(request, InferInput)
        async with self._calling() as client:
            result = await client.infer(
                request.model,
                inputs,
                request.version,
                [InferRequestedOutput(name) for name in request.outputs],
                headers=self._headers,
                compression_algorithm=self._compression,
            )
            return kserve.decode(request, result)

    async def check_ready(self) -> None:
        """See :class:`~sonicmini.inference.wire.Wire`."""
        async with self._calling() as client:
            if not await client.is_server_ready(headers=self._headers):
                raise WireError(Fault.BUSY, "not ready")

    async def signature(self, model: str, version: str) -> Signature | None:
        """See :class:`~sonicmini.inference.wire.Wire`."""
        async with self._calling() as client:
            return kserve.signature(
                await client.get_model_metadata(model, version, headers=self._headers, as_json=True)
            )

    async def statistics(self, model: str, version: str) -> ModelStatistics | None:
        """See :class:`~sonicmini.inference.wire.Wire`."""
        async with self._calling() as client:
            answer = await client.get_inference_statistics(
                model, version, headers=self._headers, as_json=True
            )
            return kserve.statistics(answer, model, version)

    async def index(self) -> Collection[str]:
        """See :class:`~sonicmini.inference.wire.Wire`."""
        async with self._calling() as client:
            return kserve.index(
                await client.get_model_repository_index(headers=self._headers, as_json=True)
            )

    async def register(self, region: str, key: str, size: int) -> None:
        """See :class:`~sonicmini.inference.wire.Wire`."""
        async with self._calling() as client:
            await client.register_system_shared_memory(region, key, size, headers=self._headers)

    async def unregister(self, region: str) -> None:
        """See :class:`~sonicmini.inference.wire.Wire`."""
        async with self._calling() as client:
            await client.unregister_system_shared_memory(region, headers=self._headers)

    async def distrust(self) -> None:
        """Later calls use a new connection: over a dead one grpc would go on for a long time."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.retired = True
            await channel.close_if_done()

    async def close(self) -> None:
        """See :class:`~sonicmini.inference.wire.Wire`."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.client.close()

    @asynccontextmanager
    async def _calling(self) -> AsyncIterator[Any]:
        """The client, for one call; everything that comes out of it becomes a WireError."""
        if self._channel is None:
            self._channel = _Channel(
                InferenceServerClient(self._target, channel_args=self._arguments, **self._tls)
            )
        channel = self._channel
        channel.calls += 1
        try:
            yield channel.client
        except InferenceServerException as error:
            raise _wire_error(error) from error
        except _DAMAGE as error:
            raise WireError(Fault.DAMAGED, str(error) or type(error).__name__) from error
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Not our caller wants to stop: the channel was closed under the call.
            raise WireError(Fault.LOST, "the connection was closed") from error
        finally:
            channel.calls -= 1
            await channel.close_if_done()


class _Channel:
    """A client and its calls under way, so that it is not closed under them."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - tritonclient has no types
        self.client = client
        self.calls = 0
        self.retired = False

    async def close_if_done(self) -> None:
        if self.retired and not self.calls:
            await self.client.close()


def _channel_arguments(options: WireOptions) -> list[tuple[str, int]]:
    limit = min(options.max_message_bytes, LARGEST_MESSAGE)
    return [
        ("grpc.max_send_message_length", limit),
        ("grpc.max_receive_message_length", limit),
        # By default grpc leaves a server alone for up to two minutes after some failures; how long
        # is the service's decision.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1000),
        # Otherwise a new channel goes on with the connection of the old one.
        ("grpc.use_local_subchannel_pool", 1),
        # As http: what the configuration says is what is connected to.
        ("grpc.enable_http_proxy", 0),
    ]


def _wire_error(error: Any) -> WireError:  # noqa: ANN401 - tritonclient has no types
    code = str(error.status() or "UNKNOWN").removeprefix("StatusCode.")
    said = error.message() or ""
    cause = f"{code}, {said}" if said else code
    fault = _CODES.get(code, Fault.FAILED)
    if fault is Fault.LOST:
        return WireError(
            next((tls for word, tls in _TLS if word in said), fault_of(said, fault)), cause
        )
    return WireError(fault if fault is Fault.DENIED else fault_of(said, fault), cause)
