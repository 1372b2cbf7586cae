"""The proxy in a thread of its own, for code without an event loop."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

from sonicmini.inference.proxy.control import Counters
from sonicmini.inference.proxy.faults import Plan
from sonicmini.inference.proxy.line import Cable
from sonicmini.inference.proxy.server import ProxyServer

T = TypeVar("T")


class Proxy:
    """A `ProxyServer` whose methods return when the change is made.

    Example:
        ``with Proxy("127.0.0.1", 8000) as proxy: proxy.set(Reset())``
    """

    def __init__(
        self, host: str, port: int, *, listen: int = 0, cable: Cable | None = None
    ) -> None:
        """Takes what `ProxyServer` takes."""
        self._server = ProxyServer(host, port, listen=listen, cable=cable)

    def __enter__(self) -> Self:
        """Starts to listen.

        Raises:
            OSError: if the wanted port is taken.
        """
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        try:
            self._call(self._server.__aenter__())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stops listening and resets all connections."""
        try:
            self._call(self._server.__aexit__())
        finally:
            self._end()

    @property
    def port(self) -> int:
        """Where the proxy listens, on loopback."""
        return self._server.port

    def set(self, plan: Plan, *, only_infer: bool = True) -> None:
        """Changes the faults; see `ProxyServer.set`."""
        self._call(self._server.set(plan, only_infer=only_infer))

    def set_cable(self, cable: Cable) -> None:
        """Changes delay and rate."""
        self._call(self._server.set_cable(cable))

    def aim(self, host: str, port: int) -> None:
        """Changes the target of the connections to come."""
        self._call(self._server.aim(host, port))

    def drop(self) -> None:
        """Resets all open connections."""
        self._call(self._server.drop())

    def counters(self) -> Counters:
        """What has happened so far."""
        return self._call(self._server.counters())

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
