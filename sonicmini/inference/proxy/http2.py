"""HTTP/2 frame by frame, as much of it as gRPC's single requests and answers need.

Sources: RFC 9113 (frames), RFC 7541 (headers), gRPC's "PROTOCOL-HTTP2".
"""

import asyncio
from collections.abc import Iterator

from sonicmini.inference.proxy import grpc_answer
from sonicmini.inference.proxy.connection import Connection, read_or_end
from sonicmini.inference.proxy.faults import EDITS, Fault, GoAway, Status
from sonicmini.inference.proxy.relay import Relay

_HEAD = 9
_PREFACE_REST = 21
_LARGEST_FRAME = 16384
_DATA, _HEADERS, _RST_STREAM, _GO_AWAY, _WINDOW_UPDATE = 0, 1, 3, 7, 8
_END_STREAM, _END_HEADERS, _PADDED = 1, 4, 8
_CANCEL = 8
# Asking gRPC for health, metadata or statistics takes a name and a version, inference far more.
_LARGEST_QUESTION = 128


class Http2Relay(Relay):
    """A stream's first data begins a request."""

    def __init__(self, connection: Connection, first: bytes) -> None:
        super().__init__(connection, first)
        self._newest = 0
        self._refused: set[int] = set()
        self._to_edit: dict[int, Fault] = {}
        self._parts: dict[int, bytes] = {}

    async def requests(self) -> None:
        """Carries up all requests."""
        client = self._connection.client
        await self._connection.send_up(self._first + await client.readexactly(_PREFACE_REST))
        while frame := await _read(client):
            stream = _stream(frame)
            if frame[3] == _DATA and stream > self._newest:
                self._newest = stream
                await self._begin(stream, infer=len(frame) - _HEAD > _LARGEST_QUESTION)
            if stream in self._refused:
                await self._drop(frame)
            else:
                await self._connection.send_up(frame)

    async def answers(self) -> None:
        """Carries down all answers, whole frames at a time."""
        while frame := await _read(self._connection.server):
            if frame[3] in (_DATA, _HEADERS) and frame[4] & _END_STREAM:
                self._connection.bound_answer(len(frame))
            if frame[3] == _DATA and _stream(frame) in self._to_edit:
                await self._edit(frame)
            else:
                await self._connection.send_down(frame)

    async def _begin(self, stream: int, *, infer: bool) -> None:
        fault = await self._connection.begin(infer=infer)
        if isinstance(fault, EDITS):
            self._to_edit[stream] = fault
        elif isinstance(fault, Status):
            await self._refuse(stream, fault)
        elif isinstance(fault, GoAway):
            self._connection.happened(fault)
            # No stream has been processed, no error: a client may send all of them elsewhere.
            await self._connection.send_down(_frame(_GO_AWAY, 0, 0, bytes(8)))
            self._connection.close()

    async def _refuse(self, stream: int, fault: Status) -> None:
        self._connection.happened(fault)
        self._refused.add(stream)
        block = grpc_answer.refusal(fault)
        await self._connection.send_down(
            _frame(_HEADERS, _END_STREAM | _END_HEADERS, stream, block)
        )
        await self._connection.send_up(_frame(_RST_STREAM, 0, stream, _CANCEL.to_bytes(4)))

    async def _drop(self, frame: bytes) -> None:
        """Gives the client back what it may send: the server will not."""
        if frame[3] == _DATA and len(frame) > _HEAD:
            credit = (len(frame) - _HEAD).to_bytes(4)
            await self._connection.send_down(_frame(_WINDOW_UPDATE, 0, 0, credit))

    async def _edit(self, frame: bytes) -> None:
        """Collects the frames of an answer, and sends it altered when it is whole."""
        stream = _stream(frame)
        message = self._parts.pop(stream, b"") + frame[_HEAD:]
        if not frame[4] & _PADDED and not grpc_answer.is_whole(message):
            self._parts[stream] = message
            return
        fault = self._to_edit.pop(stream)
        edited = grpc_answer.edited(fault, message)
        if edited is not None:
            self._connection.happened(fault)
        for part in _data(stream, edited or message, frame[4]):
            await self._connection.send_down(part)


async def _read(reader: asyncio.StreamReader) -> bytes:
    head = await read_or_end(reader.readexactly(_HEAD))
    return head + await reader.readexactly(int.from_bytes(head[:3])) if head else b""


def _stream(frame: bytes) -> int:
    return int.from_bytes(frame[5:_HEAD])


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def _data(stream: int, payload: bytes, flags: int) -> Iterator[bytes]:
    """Frames of a size that every client takes; the flags are those of the last."""
    for start in range(0, len(payload), _LARGEST_FRAME):
        part = payload[start : start + _LARGEST_FRAME]
        is_last = start + _LARGEST_FRAME >= len(payload)
        yield _frame(_DATA, flags if is_last else 0, stream, part)
