"""The protocols that the proxy knows: how each says where a request begins."""

import asyncio
from collections import deque
from contextlib import suppress

from sonicmini.inference.proxy import http1
from sonicmini.inference.proxy.connection import BLOCK, Connection, copy, read_or_end
from sonicmini.inference.proxy.faults import EDITS, Fault, Status
from sonicmini.inference.proxy.http2 import Http2Relay
from sonicmini.inference.proxy.relay import Relay

_SOON_S = 0.01


class AnyRelay(Relay):
    """Bytes of which nothing is known (TLS); who speaks after the server has begins a request."""

    _heard = True

    async def requests(self) -> None:
        """Carries up all requests."""
        client, rest = self._connection.client, b""
        with suppress(TimeoutError):
            async with asyncio.timeout(_SOON_S):
                rest = await client.read(BLOCK)
        await self._up(self._first + rest)
        await copy(client, self._up)

    async def answers(self) -> None:
        """Carries down all answers."""
        await copy(self._connection.server, self._answer)

    async def _up(self, data: bytes) -> None:
        if self._heard:
            self._heard = False
            await self._connection.begin(infer=True)
        await self._connection.send_up(data)

    async def _answer(self, data: bytes) -> None:
        self._heard = True
        await self._connection.send_down(data)


class Http1Relay(Relay):
    """HTTP/1.1 with Content-Length; after a message without one, bytes."""

    def __init__(self, connection: Connection, first: bytes) -> None:
        super().__init__(connection, first)
        self._waiting: deque[tuple[http1.Head, Fault | None]] = deque()
        self._answered = asyncio.Event()
        self._answered.set()

    async def requests(self) -> None:
        """Carries up all requests."""
        first, client = self._first, self._connection.client
        while raw := await read_or_end(client.readuntil(b"\r\n\r\n")):
            head = http1.parse(first + raw)
            fault = await self._connection.begin(infer=head.is_infer)
            if isinstance(fault, Status):
                await self._refuse(fault, head)
            else:
                self._waiting.append((head, fault))
                self._answered.clear()
                await self._connection.send_up(first + raw)
                length = None if head.is_chunked else head.length or 0
                await copy(client, self._connection.send_up, length)
            first = b""

    async def answers(self) -> None:
        """Carries down all answers."""
        while raw := await read_or_end(self._connection.server.readuntil(b"\r\n\r\n")):
            head = http1.parse(raw)
            if head.status // 100 == 1:
                await self._connection.send_down(raw)
                continue
            request, fault = self._waiting.popleft() if self._waiting else (http1.parse(b""), None)
            has_body = request.method != "HEAD" and head.status not in (204, 304)
            await self._answer(raw, head.length if has_body else 0, fault)
            if not self._waiting:
                self._answered.set()

    async def _refuse(self, fault: Status, head: http1.Head) -> None:
        async def drop(_: bytes) -> None:
            pass

        await copy(self._connection.client, drop, head.length or 0)
        await self._answered.wait()
        self._connection.happened(fault)
        await self._connection.send_down(http1.refusal(fault))

    async def _answer(self, raw: bytes, length: int | None, fault: Fault | None) -> None:
        connection = self._connection
        if length is not None:
            connection.bound_answer(len(raw) + length)
        if length and isinstance(fault, EDITS):
            body = await connection.server.readexactly(length)
            edited = http1.edited(fault, raw, body)
            if edited is not None:
                connection.happened(fault)
            await connection.send_down(edited or raw + body)
            return
        await connection.send_down(raw)
        await copy(connection.server, connection.send_down, length)


def relay_for(connection: Connection, first: bytes) -> Relay:
    """The relay of the protocol that begins with these three bytes."""
    if first in http1.METHODS:
        return Http1Relay(connection, first)
    return (Http2Relay if first == b"PRI" else AnyRelay)(connection, first)
