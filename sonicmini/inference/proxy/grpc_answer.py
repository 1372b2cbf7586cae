"""Answers of gRPC, made or altered: as much of protobuf and of KServe's messages as that needs.

A message has its length in front: a byte that says whether it is compressed, and four of size.
"""

from collections.abc import Iterator

from sonicmini.inference.proxy.faults import Fault, NanScores, ShortTensor, Status, WrongShape
from sonicmini.inference.proxy.tensors import nans

_PREFIX = 5
_DATATYPE, _SHAPE = 2, 3  # of ModelInferResponse.InferOutputTensor
_OUTPUTS, _RAW = 5, 6  # of ModelInferResponse
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_STATUS_200 = b"\x88"
_UNKNOWN = 2
# Triton's and gRPC's own words for what http says by its status.
_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 429: 8, 500: 13, 501: 12, 503: 14, 504: 4}

Field = tuple[int, int, bytes]
"""Number, wire type, and the value as it is encoded, less the length."""


def refusal(fault: Status) -> bytes:
    """Headers of an answer that says only its status."""
    code = str(_CODES.get(fault.code, _UNKNOWN))
    headers = {"content-type": "application/grpc", "grpc-status": code, "grpc-message": "the proxy"}
    return _STATUS_200 + b"".join(
        b"\x00" + _text(name) + _text(value) for name, value in headers.items()
    )


def is_whole(data: bytes) -> bool:
    """Whether all of a message is there."""
    return len(data) >= _PREFIX and len(data) - _PREFIX >= int.from_bytes(data[1:_PREFIX])


def edited(fault: Fault, data: bytes) -> bytes | None:
    """The answer with its tensors altered; None if it has none, or is compressed."""
    try:
        fields = list(_fields(data[_PREFIX:]))
        if data[0] or not any(number == _OUTPUTS for number, _, _ in fields):
            return None
        message = b"".join(map(_encoded, _edit(fault, fields)))
    except (IndexError, ValueError):
        return None
    return b"\x00" + len(message).to_bytes(4) + message


def _edit(fault: Fault, fields: list[Field]) -> list[Field]:
    if isinstance(fault, WrongShape):
        return [
            (number, kind, _reshaped(value, fault.shape) if number == _OUTPUTS else value)
            for number, kind, value in fields
        ]
    raw = [index for index, (number, _, _) in enumerate(fields) if number == _RAW]
    if isinstance(fault, ShortTensor) and raw:
        fields[raw[-1]] = (_RAW, _BYTES, fields[raw[-1]][2][: -fault.missing_bytes])
    if isinstance(fault, NanScores):
        kinds = [_datatype(value) for number, _, value in fields if number == _OUTPUTS]
        for index, kind in zip(raw, kinds, strict=False):
            fields[index] = (_RAW, _BYTES, nans(kind, fields[index][2]))
    return fields


def _reshaped(output: bytes, shape: tuple[int, ...]) -> bytes:
    fields = list(_fields(output))
    there = b"".join(value for number, _, value in fields if number == _SHAPE)
    packed = b"".join(map(_varint, shape)) or b"\x01" + there
    others = [field for field in fields if field[0] != _SHAPE]
    return b"".join(map(_encoded, [*others, (_SHAPE, _BYTES, packed)]))


def _datatype(output: bytes) -> str:
    return next((value.decode() for number, _, value in _fields(output) if number == _DATATYPE), "")


def _fields(data: bytes) -> Iterator[Field]:
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        kind, start = key & 7, at
        if kind == _VARINT:
            _, at = _read_varint(data, at)
        elif kind == _BYTES:
            size, start = _read_varint(data, at)
            at = start + size
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"no protobuf: wire type {kind}")
        yield key >> 3, kind, data[start:at]


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        shift, at = shift + 7, at + 1
        if byte < 128:
            return value, at


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes([*encoded, value])


def _encoded(field: Field) -> bytes:
    number, kind, value = field
    size = _varint(len(value)) if kind == _BYTES else b""
    return _varint(number << 3 | kind) + size + value


def _text(value: str) -> bytes:
    """Text of a header; shorter than 127 bytes, not compressed."""
    return bytes([len(value)]) + value.encode()
