"""One client's connection through the proxy, up to the point where its protocol matters."""

import asyncio
from collections.abc import Awaitable, Callable

from sonicmini.inference.proxy.control import Control
from sonicmini.inference.proxy.faults import (
    BlackHole,
    Cut,
    Fault,
    Freeze,
    Garbage,
    Refuse,
    Reset,
)
from sonicmini.inference.proxy.line import End, Line, finish

BLOCK = 256 * 1024
"""Bytes that are read at a time."""


class EndedError(Exception):
    """A fault has ended the connection: nothing is left to relay."""


class Connection:
    """Two byte streams, the lines that carry on what they say, and the fault of the request.

    Attributes:
        client: what the client says.
        server: what the server says.
    """

    def __init__(
        self,
        control: Control,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        """Takes both ends, connected."""
        self.client, self._client_writer = client
        self.server, self._server_writer = server
        self._control = control
        self._up = Line(self._server_writer, control.up)
        self._down = Line(self._client_writer, control.down)
        self._fault: Fault | None = None
        self._request_left: int | None = None
        self._answer_left: int | None = None
        self._is_deaf = False

    async def run(self, requests: Awaitable[None], answers: Awaitable[None]) -> None:
        """Relays until the client's side is closed, by whomever."""
        tasks = [
            asyncio.ensure_future(self._up.run()),
            asyncio.ensure_future(self._guarded(requests, self._end_requests)),
            asyncio.ensure_future(self._guarded(answers, self._end_answers)),
        ]
        try:
            await self._down.run()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._server_writer.close()

    def abort(self) -> None:
        """Resets both sides now."""
        for writer in (self._client_writer, self._server_writer):
            finish(writer, End.RESET)

    async def begin(self, *, infer: bool) -> Fault | None:
        """To be called at the start of every request, before any of it is sent on.

        Returns:
            The fault that the protocol must see to itself, if any.

        Raises:
            EndedError: if the request needs no more attention.
        """
        fault = self._control.pick(infer=infer)
        if self._request_left is not None or self._answer_left is not None:
            return None  # of gRPC: the connection is about to break, whatever comes after
        self._fault = fault
        if isinstance(fault, Reset) and fault.of == "request":
            self._request_left = fault.after_bytes
        elif isinstance(fault, Reset | Cut):
            self._answer_left = fault.after_bytes
        elif isinstance(fault, BlackHole | Garbage):
            await self._swallow(fault)
        elif isinstance(fault, Freeze | Refuse):
            self._pause(fault)
        else:
            return fault
        return None

    def happened(self, fault: Fault) -> None:
        """Counts a fault that the protocol has seen to."""
        self._control.count(fault)

    def bound_answer(self, length: int) -> None:
        """Says how much is left of the answer: a fault in its middle must come before its end."""
        if self._answer_left is not None:
            self._answer_left = min(self._answer_left, length - 1)

    async def send_up(self, data: bytes) -> None:
        """Sends a part of a request on to the server."""
        self._request_left = await self._send(self._up, data, self._request_left)

    async def send_down(self, data: bytes) -> None:
        """Sends a part of an answer on to the client."""
        if not self._is_deaf:
            self._answer_left = await self._send(self._down, data, self._answer_left)

    def close(self) -> None:
        """Closes the connection in order, after what has been sent."""
        self._down.end(End.CLOSE)
        raise EndedError

    async def _send(self, line: Line, data: bytes, left: int | None) -> int | None:
        if left is None:
            await line.put(data)
            return None
        if len(data) <= left:
            await line.put(data)
            return left - len(data)
        await line.put(data[:left])
        if self._fault is not None:
            self.happened(self._fault)
        self._down.end(End.CLOSE if isinstance(self._fault, Cut) else End.RESET)
        raise EndedError

    async def _swallow(self, fault: BlackHole | Garbage) -> None:
        self.happened(fault)
        if isinstance(fault, Garbage):
            await self.send_down(fault.data())
        self._is_deaf = True
        while await self.client.read(BLOCK):
            pass
        self.close()

    def _pause(self, fault: Freeze | Refuse) -> None:
        self.happened(fault)
        for_s = fault.for_s or 0.0
        if isinstance(fault, Refuse):
            self._control.refuse_for(for_s)
            raise EndedError
        self._up.hold(for_s)
        self._down.hold(for_s)

    async def _guarded(self, relay: Awaitable[None], end: Callable[[End], None]) -> None:
        try:
            await relay
            end(End.CLOSE)
        except EndedError:
            pass
        except (OSError, EOFError, asyncio.LimitOverrunError):
            end(End.RESET)

    def _end_requests(self, how: End) -> None:
        self._up.end(End.EOF if how is End.CLOSE else how)

    def _end_answers(self, how: End) -> None:
        if not self._is_deaf:
            self._down.end(how)


async def copy(
    reader: asyncio.StreamReader,
    send: Callable[[bytes], Awaitable[None]],
    length: int | None = None,
) -> None:
    """Sends on so many bytes, or all until the stream ends."""
    left = BLOCK if length is None else length
    while left and (data := await reader.read(min(left, BLOCK))):
        await send(data)
        left -= 0 if length is None else len(data)


async def read_or_end(read: Awaitable[bytes]) -> bytes:
    """A whole item of a stream; empty if the stream ends before it, in order.

    Raises:
        IncompleteReadError: if the stream ends within it.
    """
    try:
        return await read
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return b""
