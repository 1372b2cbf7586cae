"""A model on a server: usable or left alone, and how it comes back."""

import asyncio
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from sonicmini.errors import ServerError, UnavailableError
from sonicmini.event import Tensors

_log = logging.getLogger(__name__)

_SOON_S = 1.0
"""A fault within this time, and twice the last delay, of a return continues the last outage."""


class Server(Protocol):
    """What is needed of a server's client."""

    name: str

    async def infer(self, model: str, inputs: Tensors) -> Tensors:
        """Evaluates a model, within a time limit."""
        ...


@dataclass
class Load:
    """How busy a server is with our requests, over all of its models."""

    in_flight: int = 0
    sent: int = 0


@dataclass(frozen=True)
class Backoff:
    """How long a server is left alone after a fault: doubling, with jitter.

    Attributes:
        first_s: after the first fault.
        longest_s: after many.
    """

    first_s: float = 0.1
    longest_s: float = 10.0

    def delay_s(self, faults: int) -> float:
        """Delay after so many faults in a row, a third of it random."""
        full = min(self.longest_s, self.first_s * 2.0 ** min(faults - 1, 30))
        return full * random.uniform(2 / 3, 1.0)  # noqa: S311 - spreads clients, hides nothing


@dataclass(eq=False)
class Link:
    """One model on one server.

    After a fault the server is left alone for a while, then asked again and again until it is well
    and has passed the check that it passed at the start. One that fails again soon after its return
    is left alone for longer: it may pass the check on an open connection and refuse new ones.

    Attributes:
        check: passes if the model can be used; raises what is wrong.
        on_change: called whenever the link goes down or comes back.
        fault: why it cannot be used now; None if it can.
        given_up: it will not come back: the server has another model by now.
        outages: how often it went down.
        well_since: when it was last found well, by ``time.monotonic()``.
    """

    server: Server
    load: Load
    check: Callable[[], Awaitable[None]]
    backoff: Backoff = field(default_factory=Backoff)
    on_change: Callable[[], None] = lambda: None
    fault: ServerError | None = None
    given_up: bool = False
    outages: int = 0
    well_since: float = 0.0
    _faults: int = 0
    _last_delay_s: float = 0.0
    _recovery: asyncio.Task[None] | None = None

    @property
    def usable(self) -> bool:
        """Whether requests may be sent."""
        return self.fault is None

    def down(self, fault: ServerError, asked_at: float = math.inf) -> None:
        """Leaves the server alone and watches for its return. Needs a running event loop.

        Args:
            fault: what happened.
            asked_at: when the server was asked; a fault from before its return is old news.
        """
        if not self.usable or asked_at < self.well_since:
            return
        if time.monotonic() - self.well_since > _SOON_S + 2 * self._last_delay_s:
            self._faults = 0
        self.fault = fault
        self.outages += 1
        _log.warning("%s is left alone for a while: %s", self.server.name, fault)
        self._recovery = asyncio.create_task(self._recover())
        self.on_change()

    async def _recover(self) -> None:
        while True:
            self._faults += 1
            self._last_delay_s = self.backoff.delay_s(self._faults)
            await asyncio.sleep(self._last_delay_s)
            try:
                await self.check()
            except UnavailableError as error:
                self.fault = error
            except Exception as error:  # noqa: BLE001 - whatever it is, the link cannot be used
                self.given_up = True
                self.fault = ServerError(str(error))
                _log.warning("%s is used no more: %s", self.server.name, error)
                break
            else:
                self.fault = None
                self.well_since = time.monotonic()
                _log.warning("%s is back", self.server.name)
                break
        self.on_change()

    async def close(self) -> None:
        """Stops watching."""
        if self._recovery is not None:
            self._recovery.cancel()
            await asyncio.gather(self._recovery, return_exceptions=True)
