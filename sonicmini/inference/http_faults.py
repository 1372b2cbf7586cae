"""What can go wrong over http, by status and by exception of the library."""

import json
import os
import ssl
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from tritonclient.utils import InferenceServerException

from sonicmini.inference.wire_fault import Fault, WireError, fault_of

_STATUSES = {
    401: Fault.DENIED,
    403: Fault.DENIED,
    404: Fault.ABSENT,
    405: Fault.ABSENT,
    407: Fault.DENIED,
    408: Fault.SILENT,
    413: Fault.TOO_LARGE,
    415: Fault.UNREADABLE,
    422: Fault.UNREADABLE,
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


def refusal(response: aiohttp.ClientResponse, answer: bytes) -> WireError:
    """The fault of an answer that is none."""
    status = response.status
    said = _said(answer)
    cause = f"status {status} {response.reason or ''}".rstrip() + (f", {said}" if said else "")
    fault = _STATUSES.get(status, Fault.REFUSED if status < 500 else Fault.FAILED)
    if fault is Fault.ABSENT and status == 404 and response.url.path.endswith("/infer"):
        fault = Fault.MODEL  # all servers have this path for the models that they have
    return WireError(fault if status in _FINAL else fault_of(said, fault), cause)


def _said(answer: bytes) -> str:
    text = answer[:2000].decode(errors="replace")
    try:
        said = json.loads(answer)
        return str(said.get("error") or said.get("detail") or text)
    except (ValueError, AttributeError):
        return text


@contextmanager
def http_faults() -> Iterator[None]:
    """Everything that can come out of the library becomes a WireError; cancellation passes."""
    try:
        yield
    except WireError:
        raise
    except tuple(kind for kind, _ in _EXCEPTIONS) as error:
        fault = _tls_fault(error) or next(
            fault for kind, fault in _EXCEPTIONS if isinstance(error, kind)
        )
        raise WireError(fault, _cause(error)) from error


def _cause(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorError) and not isinstance(error, ssl.SSLError):
        inner = error.os_error  # the rest repeats the address
        code = inner.errno or 0
        return os.strerror(code) if code > 0 else inner.strerror or type(inner).__name__
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the server closed the connection"  # the library shows what it had read so far
    if isinstance(error, aiohttp.ClientResponseError):
        return error.message.partition("\n")[0].rstrip(":")  # then the bytes that came instead
    return str(error) or type(error).__name__


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
