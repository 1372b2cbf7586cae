"""The KServe v2 protocol over http, with the extension for binary tensors.

tritonclient encodes and decodes; the connection is ours, because its own client follows redirects
(with our headers), compresses on the event loop, warns of bodies above 1 MB and hides the status.
"""

import asyncio
import gzip
import json
import ssl
import zlib
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote

import aiohttp
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from sonicmini.event import Array
from sonicmini.inference import kserve
from sonicmini.inference.access import Access
from sonicmini.inference.address import ServerAddress
from sonicmini.inference.repository import Signature
from sonicmini.inference.wire import ModelStatistics, WireOptions, WireRequest
from sonicmini.inference.wire_fault import Fault, WireError, fault_of

_JSON_SIZE = "Inference-Header-Content-Length"
_FASTEST = 1

_STATUSES = {
    401: Fault.DENIED,
    403: Fault.DENIED,
    404: Fault.ABSENT,
    405: Fault.ABSENT,
    407: Fault.DENIED,
    408: Fault.SILENT,
    413: Fault.TOO_LARGE,
    425: Fault.BUSY,
    429: Fault.BUSY,
    501: Fault.ABSENT,
    503: Fault.BUSY,
    504: Fault.SILENT,
}
"""Those not named: below 500 the request was refused, from 500 on the server failed."""

_FINAL = (401, 403, 407, 429, 503)
"""Statuses that mean the same whatever is said with them."""

_EXCEPTIONS: tuple[tuple[type[Exception], Fault], ...] = (
    (aiohttp.ClientConnectionError, Fault.LOST),
    (aiohttp.ClientPayloadError, Fault.DAMAGED),
    (aiohttp.ClientResponseError, Fault.DAMAGED),
    (aiohttp.ClientError, Fault.LOST),
    (TimeoutError, Fault.SILENT),
    (OSError, Fault.LOST),
    # What decoding a damaged answer ends in.
    (InferenceServerException, Fault.DAMAGED),
    (ValueError, Fault.DAMAGED),
    (LookupError, Fault.DAMAGED),
    (TypeError, Fault.DAMAGED),
    (AttributeError, Fault.DAMAGED),
    (zlib.error, Fault.DAMAGED),
    (EOFError, Fault.DAMAGED),
)
"""The first that fits counts."""


class HttpWire:
    """One server over http or https; connections are opened when needed and kept."""

    def __init__(self, address: ServerAddress, access: Access, options: WireOptions) -> None:
        """Opens nothing yet.

        Raises:
            ConfigError: if a file of the access cannot be used.
        """
        self._address = address
        self._options = options
        self._tls: ssl.SSLContext | bool = access.tls_context() if address.secure else True
        encoding = "identity" if options.compression == "none" else options.compression
        # Said explicitly: aiohttp would ask for gzip, and Triton would spend time on it.
        self._headers = {**access.sent_headers(), "accept-encoding": encoding}
        self._session: aiohttp.ClientSession | None = None

    async def infer(self, request: WireRequest) -> Mapping[str, Array]:
        """See :class:`~sonicmini.inference.wire.Wire`."""
        inputs = kserve.encode(request, InferInput)
        outputs = [InferRequestedOutput(name, binary_data=True) for name in request.outputs]
        body, json_size = InferenceServerClient.generate_request_body(inputs, outputs=outputs)
        headers = {} if json_size is None else {_JSON_SIZE: str(json_size)}
        path = f"{_model_path(request.model, request.version)}/infer"
        answer, answer_headers = await self._call("POST", path, body, headers)
        json_size = answer_headers.get(_JSON_SIZE)
        with _faults():
            result = InferenceServerClient.parse_response_body(answer, header_length=json_size)
            if json_size is not None:
                _check_sum(result.get_response(), len(answer) - int(json_size))
            return kserve.decode(request, result)

    async def check_ready(self) -> None:
        """See :class:`~sonicmini.inference.wire.Wire`."""
        try:
            await self._call("GET", "/v2/health/ready")
        except WireError as error:
            if error.fault is Fault.REFUSED:  # how Triton says no
                raise WireError(Fault.BUSY, "not ready") from error
            raise

    async def signature(self, model: str, version: str) -> Signature | None:
        """See :class:`~sonicmini.inference.wire.Wire`."""
        answer = await self._json("GET", _model_path(model, version))
        with _faults():
            return kserve.signature(answer)

    async def statistics(self, model: str, version: str) -> ModelStatistics | None:
        """See :class:`~sonicmini.inference.wire.Wire`."""
        answer = await self._json("GET", f"{_model_path(model, version)}/stats")
        with _faults():
            return kserve.statistics(answer, model, version)

    async def index(self) -> Collection[str]:
        """See :class:`~sonicmini.inference.wire.Wire`."""
        answer = await self._json("POST", "/v2/repository/index", b"{}")
        with _faults():
            return kserve.index(answer)

    async def register(self, region: str, key: str, size: int) -> None:
        """See :class:`~sonicmini.inference.wire.Wire`."""
        body = json.dumps({"key": key, "offset": 0, "byte_size": size}).encode()
        await self._call("POST", f"/v2/systemsharedmemory/region/{quote(region)}/register", body)

    async def unregister(self, region: str) -> None:
        """See :class:`~sonicmini.inference.wire.Wire`."""
        await self._call("POST", f"/v2/systemsharedmemory/region/{quote(region)}/unregister", b"")

    async def distrust(self) -> None:
        """Nothing to do: a connection whose answer was not awaited is closed."""

    async def close(self) -> None:
        """See :class:`~sonicmini.inference.wire.Wire`."""
        if self._session is not None:
            await self._session.close()

    async def _json(self, method: str, path: str, body: bytes | None = None) -> kserve.Json:
        answer, _ = await self._call(method, path, body)
        with _faults():
            return json.loads(answer)

    async def _call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[bytes, Mapping[str, str]]:
        limit = self._options.max_message_bytes
        sent = {**self._headers, **(headers or {})}
        if body and self._options.compression != "none":
            body = await asyncio.to_thread(_compressed, body, self._options.compression)
            sent["content-encoding"] = self._options.compression
        if body is not None:
            _check_size(len(body), limit)
            sent["content-length"] = str(len(body))
        with _faults():
            async with self._opened().request(
                method,
                f"{'https' if self._address.secure else 'http'}://{self._address.authority}"
                f"{self._address.prefix}{path}",
                data=body and _whole(body),
                headers=sent,
                allow_redirects=False,
            ) as response:
                if response.ok and response.status < 300:
                    _check_size(response.content_length or 0, limit)
                answer = await response.read()
        if response.status >= 300:
            raise _refusal(response, answer)
        return answer, response.headers

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            # Calls are bounded by the service; waiting for a connection would look like latency.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ssl=self._tls),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


def _model_path(model: str, version: str) -> str:
    path = f"/v2/models/{quote(model, safe='')}"
    return f"{path}/versions/{quote(version, safe='')}" if version else path


async def _whole(body: bytes) -> AsyncIterator[bytes]:
    """The body in one piece: aiohttp would warn of large bytes, and cut files small."""
    yield body


def _compressed(body: bytes, method: str) -> bytes:
    if method == "gzip":
        return gzip.compress(body, _FASTEST)
    return zlib.compress(body, _FASTEST)


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise WireError(Fault.TOO_LARGE, f"{size} bytes, the limit is {limit}")


def _check_sum(answer: kserve.Json, size: int) -> None:
    told = sum(
        (output.get("parameters") or {}).get("binary_data_size", 0) for output in answer["outputs"]
    )
    if told != size:
        raise ValueError(f"{size} bytes of tensors, {told} are told")


def _refusal(response: aiohttp.ClientResponse, answer: bytes) -> WireError:
    status = response.status
    said = _said(answer)
    cause = f"status {status} {response.reason or ''}".rstrip() + (f", {said}" if said else "")
    fault = _STATUSES.get(status, Fault.REFUSED if status < 500 else Fault.FAILED)
    return WireError(fault if status in _FINAL else fault_of(said, fault), cause)


def _said(answer: bytes) -> str:
    text = answer[:2000].decode(errors="replace")
    try:
        said = json.loads(answer)
        return str(said.get("error") or said.get("detail") or text)
    except (ValueError, AttributeError):
        return text


@contextmanager
def _faults() -> Iterator[None]:
    """Everything that can come out of the library becomes a WireError; cancellation passes."""
    try:
        yield
    except WireError:
        raise
    except tuple(kind for kind, _ in _EXCEPTIONS) as error:
        fault = _tls_fault(error) or next(
            fault for kind, fault in _EXCEPTIONS if isinstance(error, kind)
        )
        raise WireError(fault, str(error) or type(error).__name__) from error


def _tls_fault(error: BaseException | None) -> Fault | None:
    """What is wrong with TLS, if that is the cause."""
    cause: ssl.SSLError | None = None
    while error is not None:  # the innermost tells most: aiohttp's own are SSLErrors, too
        cause = error if isinstance(error, ssl.SSLError) else cause
        error = error.__cause__
    if cause is None or isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return None
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Fault.UNTRUSTED
    # An alert is the server's no; anything else is no TLS.
    return Fault.DENIED if "ALERT" in (cause.reason or "") else Fault.NO_TLS
