"""As much of HTTP/1.1 and of KServe's binary tensors as is needed to alter an answer.

Source: the Open Inference Protocol (KServe v2) and Triton's extension "binary tensor data".
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from sonicmini.inference.proxy.faults import Fault, ShortTensor, Status, WrongShape
from sonicmini.inference.proxy.tensors import is_floating, nans

METHODS = (b"GET", b"POS", b"PUT", b"HEA", b"DEL", b"OPT", b"PAT")
"""The first three bytes of a client that speaks HTTP/1.1."""

_HEADER_LENGTH = "inference-header-content-length"


@dataclass(frozen=True)
class Head:
    """First line and headers of a request or an answer.

    Attributes:
        headers: by lower-case name.
    """

    first_line: str
    headers: Mapping[str, str]

    @property
    def length(self) -> int | None:
        """Bytes of the body; None if the message ends otherwise."""
        text = self.headers.get("content-length", "")
        return int(text) if text.isdecimal() and not self.is_chunked else None

    @property
    def is_chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return "transfer-encoding" in self.headers

    @property
    def method(self) -> str:
        """Of a request."""
        return self.first_line.partition(" ")[0]

    @property
    def is_infer(self) -> bool:
        """Whether a request asks for inference."""
        path = self.first_line.split(" ")[1:2]
        return self.method == "POST" and bool(path) and path[0].partition("?")[0].endswith("/infer")

    @property
    def status(self) -> int:
        """Of an answer."""
        code = self.first_line.split(" ")[1:2]
        return int(code[0]) if code and code[0].isdecimal() else 0


def parse(head: bytes) -> Head:
    """Reads a head, blank line included."""
    first_line, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    return Head(first_line, {name.strip().lower(): value.strip() for name, _, value in pairs})


def refusal(fault: Status) -> bytes:
    """A whole answer that says only its status, as Triton's."""
    reason = HTTPStatus(fault.code).phrase
    headers = {"content-type": "application/json"}
    if fault.retry_after_s is not None:
        headers["retry-after"] = str(fault.retry_after_s)
    body = json.dumps({"error": f"{reason}, says the proxy"}).encode()
    return _message(f"HTTP/1.1 {fault.code} {reason}", headers, body)


def edited(fault: Fault, head: bytes, body: bytes) -> bytes | None:
    """The answer with its tensors altered; None if it has no tensors."""
    answer = parse(head)
    headers = dict(answer.headers)
    if headers.pop("content-encoding", None) is not None:
        body = zlib.decompressobj(wbits=47).decompress(body)  # gzip or deflate, by its first bytes
    size = int(headers.pop(_HEADER_LENGTH, len(body)))
    try:
        content = json.loads(body[:size])
        outputs = content["outputs"]
    except (ValueError, KeyError, TypeError):
        return None
    if not outputs:
        return None
    tail = _edit(fault, outputs, body[size:])
    start = json.dumps(content).encode()
    if tail:
        headers[_HEADER_LENGTH] = str(len(start))
    return _message(answer.first_line, headers, start + tail)


def _edit(fault: Fault, outputs: list[dict[str, Any]], tail: bytes) -> bytes:
    if isinstance(fault, WrongShape):
        for output in outputs:
            output["shape"] = list(fault.shape) or [1, *output["shape"]]
        return tail
    if isinstance(fault, ShortTensor):
        return _shorten(fault, outputs[-1], tail)
    return b"".join(_nans(outputs, tail))


def _shorten(fault: ShortTensor, output: dict[str, Any], tail: bytes) -> bytes:
    if "data" in output:
        output["data"] = output["data"][: -max(1, fault.missing_bytes // 4)]
        return tail
    if fault.declared:
        output["parameters"]["binary_data_size"] -= fault.missing_bytes
    return tail[: -fault.missing_bytes]


def _nans(outputs: list[dict[str, Any]], tail: bytes) -> list[bytes]:
    parts, start = [], 0
    for output in outputs:
        datatype = output["datatype"]
        if "data" in output and is_floating(datatype):
            output["data"] = [float("nan")] * len(output["data"])
        size = output.get("parameters", {}).get("binary_data_size", 0)
        parts.append(nans(datatype, tail[start : start + size]))
        start += size
    return parts


def _message(first_line: str, headers: Mapping[str, str], body: bytes) -> bytes:
    full = {**headers, "content-length": str(len(body))}
    lines = [first_line, *(f"{name}: {value}" for name, value in full.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
