"""The proxy inside an event loop."""

import asyncio
import copy
import socket
from typing import Self

from sonicmini.inference.proxy.connection import Connection
from sonicmini.inference.proxy.control import Control, Counters
from sonicmini.inference.proxy.faults import Plan, Refuse
from sonicmini.inference.proxy.line import Cable, End, finish
from sonicmini.inference.proxy.relays import relay_for

_HOST = "127.0.0.1"
_LONGEST_HEAD = 2**20


class ProxyServer:
    """Listens on loopback and relays every connection to the target.

    Example:
        ``async with ProxyServer("127.0.0.1", 8000) as proxy: await proxy.set(Reset())``
    """

    def __init__(
        self, host: str, port: int, *, listen: int = 0, cable: Cable | None = None
    ) -> None:
        """Takes the target.

        Args:
            host: of the target.
            port: of the target.
            listen: the port of the proxy; 0 for any that is free.
            cable: delay and rate, none of both if None.
        """
        self._target = (host, port)
        self._listen = listen
        self._cable = cable or Cable()
        self._control: Control
        self._socket: socket.socket
        self._server: asyncio.Server | None = None
        self._opening: asyncio.Task[None] | None = None
        self._connections: dict[asyncio.Task[None], Connection | None] = {}

    async def __aenter__(self) -> Self:
        """Starts to listen.

        Raises:
            OSError: if the wanted port is taken.
        """
        self._control = Control(self._refuse_for)
        self._control.set_cable(self._cable)
        self._socket = _bound(self._listen)
        await self._open()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stops listening and resets all connections."""
        await self._forget_opening()
        self._close()
        self._socket.close()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    @property
    def port(self) -> int:
        """Where the proxy listens."""
        return int(self._socket.getsockname()[1])

    async def set(self, plan: Plan, *, only_infer: bool = True) -> None:
        """Changes the faults; what was set before ends, connections refused are taken again.

        Args:
            plan: a fault for every request to come, a schedule of faults, or None.
            only_infer: spare what is not inference (health, metadata). Of a protocol that cannot
                be read, TLS above all, nothing is spared.

        Raises:
            ValueError: if a fault without an end is to come in between others.
        """
        self._control.set_plan(plan, only_infer=only_infer)
        await self._forget_opening()
        if isinstance(plan, Refuse) and plan.for_s is None:
            self._close()
        else:
            await self._open()

    async def set_cable(self, cable: Cable) -> None:
        """Changes delay and rate."""
        self._control.set_cable(cable)

    async def aim(self, host: str, port: int) -> None:
        """Changes the target of the connections to come."""
        self._target = (host, port)

    async def drop(self) -> None:
        """Resets all open connections."""
        for connection in self._connections.values():
            if connection is not None:
                connection.abort()

    async def counters(self) -> Counters:
        """What has happened so far."""
        return copy.deepcopy(self._control.counters)

    async def _open(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(
                self._serve, sock=self._socket.dup(), limit=_LONGEST_HEAD
            )

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
            # Listens no more, and yet keeps the port.
            self._socket.shutdown(socket.SHUT_RD)
        for connection in self._connections.values():
            if connection is not None:
                connection.abort()

    def _refuse_for(self, for_s: float) -> None:
        async def open_later() -> None:
            await asyncio.sleep(for_s)
            await self._open()

        self._close()
        if self._opening is not None:
            self._opening.cancel()
        self._opening = asyncio.create_task(open_later())

    async def _forget_opening(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
            self._opening = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._connections[task] = None
        self._control.counters.connections += 1
        try:
            self._connections[task] = connection = Connection(
                self._control,
                (reader, writer),
                await asyncio.open_connection(*self._target, limit=_LONGEST_HEAD),
            )
            relay = relay_for(connection, await reader.readexactly(3))
            await connection.run(relay.requests(), relay.answers())
        except (OSError, EOFError, asyncio.CancelledError):
            # A task that ends as cancelled is an error to asyncio's streams.
            if (started := self._connections[task]) is not None:
                started.abort()
            finish(writer, End.RESET)
        finally:
            del self._connections[task]


def _bound(port: int) -> socket.socket:
    """A socket of this port, which it keeps until it is closed, whether or not it listens."""
    # Without the protocol's number asyncio would let Nagle's algorithm hold back small messages.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((_HOST, port))
        if port:
            return bound
        # A port that the system chose would be lost with the first shutdown.
        with bound:
            return _bound(bound.getsockname()[1])
    except OSError:
        bound.close()
        raise
