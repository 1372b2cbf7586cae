"""One direction of a connection: a delay line with, if wanted, a limit of bytes per second."""

import asyncio
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

_UNLIMITED_BYTES = 256 * 2**20
_AHEAD_S = 0.1
_PIECE_S = 0.02


@dataclass(frozen=True, kw_only=True)
class Cable:
    """The network between client and server.

    Attributes:
        delay_s: added to every round trip, half of it each way. Opening a connection is not
            delayed.
        bytes_per_s: of all connections together, in each direction; None for no limit.
    """

    delay_s: float = 0.0
    bytes_per_s: float | None = None


class Traffic:
    """One direction of all connections: shares out the cable's bytes per second."""

    def __init__(self) -> None:
        self.cable = Cable()
        self.flowing = asyncio.Event()
        self.flowing.set()
        self._free_at = 0.0

    @property
    def capacity(self) -> float:
        """Bytes that a line may hold; more must wait at its entry."""
        rate = self.cable.bytes_per_s
        return _UNLIMITED_BYTES if rate is None else rate * (self.cable.delay_s + _AHEAD_S)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """The data in pieces so small that a low rate is even."""
        rate = self.cable.bytes_per_s
        size = len(data) if rate is None else max(1, int(rate * _PIECE_S))
        return (data[start : start + size] for start in range(0, len(data), max(size, 1)))

    def due(self, count: int) -> float:
        """When that many bytes, sent now, arrive."""
        now = time.monotonic()
        if (rate := self.cable.bytes_per_s) is None:
            return now + self.cable.delay_s / 2
        self._free_at = max(now, self._free_at) + count / rate
        return self._free_at + self.cable.delay_s / 2


class End(Enum):
    """How a line ends: nothing more to send, closed in both directions, or reset."""

    EOF = "eof"
    CLOSE = "close"
    RESET = "reset"


class Line:
    """Takes bytes at one end and writes them, later, at the other; in order, ends included."""

    def __init__(self, writer: asyncio.StreamWriter, traffic: Traffic) -> None:
        self._writer = writer
        self._traffic = traffic
        self._queue: asyncio.Queue[tuple[float, bytes | End]] = asyncio.Queue()
        self._held = 0
        self._room = asyncio.Event()
        self._ended = False
        self._not_before = 0.0

    async def put(self, data: bytes) -> None:
        """Sends bytes; waits while too many are under way. Dropped if the line has ended."""
        for piece in self._traffic.pieces(data):
            while self._held and self._held + len(piece) > self._traffic.capacity:
                self._room.clear()
                await self._room.wait()
            if self._ended:
                return
            self._held += len(piece)
            self._queue.put_nowait((self._traffic.due(len(piece)), piece))

    def end(self, how: End) -> None:
        """Ends the line after all that has been put; the first end counts."""
        if not self._ended:
            self._ended = True
            self._queue.put_nowait((self._traffic.due(0), how))

    def hold(self, for_s: float) -> None:
        """Lets nothing out for some time."""
        self._not_before = time.monotonic() + for_s

    async def run(self) -> None:
        """Writes until the end, or until the other side is gone."""
        try:
            while True:
                due, item = await self._queue.get()
                await self._wait_until(due)
                if isinstance(item, End):
                    return finish(self._writer, item)
                self._writer.write(item)
                await self._writer.drain()
                self._release(len(item))
        except OSError:
            return None
        finally:
            self._ended = True
            self._release(self._held)

    async def _wait_until(self, due: float) -> None:
        await asyncio.sleep(due - time.monotonic())
        await asyncio.sleep(self._not_before - time.monotonic())
        await self._traffic.flowing.wait()

    def _release(self, count: int) -> None:
        self._held -= count
        self._room.set()


def finish(writer: asyncio.StreamWriter, how: End) -> None:
    """Ends a connection, or one direction of it."""
    if how is End.EOF:
        with suppress(OSError):
            writer.write_eof()
    elif how is End.CLOSE:
        writer.close()
    else:
        connection = writer.get_extra_info("socket")
        with suppress(OSError):
            # Lingering for no time makes closing a reset.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
