"""The KServe v2 protocol over http, with the extension for binary tensors.

tritonclient decodes. The connection is ours, since its own client follows redirects (with our
headers), compresses on the event loop and warns of bodies above 1 MB; and so are the requests,
whose tensors it would copy twice.
"""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from functools import partial
from typing import TypeAlias
from urllib.parse import quote

import aiohttp
from tritonclient.http import InferenceServerClient

from sonicmini.event import Array
from sonicmini.inference import kserve
from sonicmini.inference.access import Access
from sonicmini.inference.address import ServerAddress
from sonicmini.inference.http_faults import http_faults, refusal
from sonicmini.inference.repository import Signature
from sonicmini.inference.wire import ModelStatistics, WireOptions, WireRequest
from sonicmini.inference.wire_fault import Fault, WireError

Buffer: TypeAlias = bytes | memoryview
Parts: TypeAlias = Sequence[Buffer]
"""A body that is sent one piece after the other."""

_BINARY = "binary_tensor_data"
_JSON_SIZE = "Inference-Header-Content-Length"
_FASTEST = 1


class HttpWire:
    """One server over http or https; connections are opened when needed and kept."""

    def __init__(self, address: ServerAddress, access: Access, options: WireOptions) -> None:
        """Opens nothing yet.

        Raises:
            ConfigError: if a file of the access cannot be used.
        """
        scheme = "https" if address.secure else "http"
        self._url = f"{scheme}://{address.authority}{address.prefix}"
        self._options = options
        # Calls are bounded by the service; waiting for a connection would look like latency.
        self._connector = partial(
            aiohttp.TCPConnector, limit=0, ssl=access.tls_context() if address.secure else True
        )
        encoding = "identity" if options.compression == "none" else options.compression
        # Said explicitly: aiohttp would ask for gzip, and Triton would spend time on it.
        self._headers = {**access.sent_headers(), "accept-encoding": encoding}
        self._session: aiohttp.ClientSession | None = None
        self._binary = True
        self._binary_known = False

    async def infer(self, request: WireRequest) -> Mapping[str, Array]:
        """See :class:`~sonicmini.inference.wire.Wire`.

        A server that has no binary tensors is asked in JSON, once it has said so.
        """
        if not self._binary:
            return await self._infer(request, binary=False)
        try:
            answer = await self._infer(request, binary=True)
        except WireError as error:
            if request.slots is not None or not await self._lacks_binary(error):
                raise
        else:
            self._binary_known = self._binary_known or request.slots is None
            return answer
        answer = await self._infer(request, binary=False)
        self._binary = False
        return answer

    async def _lacks_binary(self, error: WireError) -> bool:
        """Whether this came of binary tensors: MLServer even breaks down over saying so."""
        if error.fault is not Fault.FAILED or self._binary_known:
            return error.fault is Fault.UNREADABLE
        try:
            server = await self._json("GET", "/v2")
        except WireError:
            return False
        return isinstance(server, dict) and _BINARY not in (server.get("extensions") or ())

    async def _infer(self, request: WireRequest, *, binary: bool) -> Mapping[str, Array]:
        headers = {}
        if binary:
            parts: list[Buffer] = [kserve.encode_json(request, binary=True)]
            headers[_JSON_SIZE] = str(len(parts[0]))
            parts += kserve.buffers(request) if request.slots is None else []
        else:
            encode = partial(kserve.encode_json, request, binary=False)
            parts = [await asyncio.to_thread(encode)]
            headers["content-type"] = "application/json"
        path = f"{_model_path(request.model, request.version)}/infer"
        answer, answer_headers = await self._call("POST", path, parts, headers)
        json_size = answer_headers.get(_JSON_SIZE)
        with http_faults():
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
        with http_faults():
            return kserve.signature(answer)

    async def statistics(self, model: str, version: str) -> ModelStatistics | None:
        """See :class:`~sonicmini.inference.wire.Wire`."""
        answer = await self._json("GET", f"{_model_path(model, version)}/stats")
        with http_faults():
            return kserve.statistics(answer, model, version)

    async def index(self) -> Collection[str]:
        """See :class:`~sonicmini.inference.wire.Wire`."""
        answer = await self._json("POST", "/v2/repository/index", [b"{}"])
        with http_faults():
            return kserve.index(answer)

    async def register(self, region: str, key: str, size: int) -> None:
        """See :class:`~sonicmini.inference.wire.Wire`."""
        body = json.dumps({"key": key, "offset": 0, "byte_size": size}).encode()
        await self._call("POST", f"/v2/systemsharedmemory/region/{quote(region)}/register", [body])

    async def unregister(self, region: str) -> None:
        """See :class:`~sonicmini.inference.wire.Wire`."""
        await self._call("POST", f"/v2/systemsharedmemory/region/{quote(region)}/unregister", [])

    async def distrust(self) -> None:
        """Nothing to do: a connection whose answer was not awaited is closed."""

    async def close(self) -> None:
        """See :class:`~sonicmini.inference.wire.Wire`."""
        if self._session is not None:
            await self._session.close()

    async def _json(self, method: str, path: str, parts: Parts | None = None) -> kserve.Json:
        headers = {"content-type": "application/json"} if parts else None
        answer, _ = await self._call(method, path, parts, headers)
        with http_faults():
            return json.loads(answer)

    async def _call(
        self,
        method: str,
        path: str,
        parts: Parts | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[bytes, Mapping[str, str]]:
        limit = self._options.max_message_bytes
        sent = {**self._headers, **(headers or {})}
        if parts and self._options.compression != "none":
            parts = [await asyncio.to_thread(_compressed, parts, self._options.compression)]
            sent["content-encoding"] = self._options.compression
        if parts is not None:
            size = sum(map(len, parts))
            _check_size(size, limit)
            sent["content-length"] = str(size)
        with http_faults():
            async with self._opened().request(
                method,
                f"{self._url}{path}",
                data=_body(parts) if parts else None,
                headers=sent,
                allow_redirects=False,
            ) as response:
                if response.status < 300:
                    _check_size(response.content_length or 0, limit)
                answer = await response.read()
        if response.status >= 300:
            raise refusal(response, answer)
        return answer, response.headers

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=self._connector(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


def _model_path(model: str, version: str) -> str:
    path = f"/v2/models/{quote(model, safe='')}"
    return f"{path}/versions/{quote(version, safe='')}" if version else path


async def _body(parts: Parts) -> AsyncIterator[Buffer]:
    """The parts as they are: aiohttp would warn of large bytes, and cut files small."""
    for part in parts:
        yield part


def _compressed(parts: Parts, method: str) -> bytes:
    body = b"".join(parts)
    return gzip.compress(body, _FASTEST) if method == "gzip" else zlib.compress(body, _FASTEST)


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise WireError(Fault.TOO_LARGE, f"{size} bytes, the limit is {limit}")


def _check_sum(answer: kserve.Json, size: int) -> None:
    told = sum(
        (output.get("parameters") or {}).get("binary_data_size", 0) for output in answer["outputs"]
    )
    if told != size:
        raise ValueError(f"{size} bytes of tensors, {told} are told")
