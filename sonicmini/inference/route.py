"""Where a model's requests go: servers, least busy first; another try; the fallback; an error."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sonicmini.errors import ServerError, UnavailableError
from sonicmini.event import Tensors
from sonicmini.inference.batching import Dense
from sonicmini.inference.client import Client
from sonicmini.inference.link import Link
from sonicmini.overlap import Overlap


@dataclass(frozen=True)
class Answer:
    """What a request got, and from whom.

    Attributes:
        latency_s: of the try that got it.
    """

    outputs: Tensors
    backend: str
    latency_s: float


@dataclass(frozen=True)
class Try:
    """A try that came to nothing, for the report and the message."""

    model: str
    backend: str
    fault: ServerError


class Route(Protocol):
    """Gets an answer to a request of one model."""

    async def send(self, model: str, inputs: Dense) -> Answer:
        """Sends dense inputs.

        Raises:
            InferenceError: if there is no answer.
        """
        ...


@dataclass(frozen=True)
class Direct:
    """The route to one backend that needs no second try: this process.

    Attributes:
        name: in the report.
    """

    name: str
    client: Client

    async def send(self, model: str, inputs: Dense) -> Answer:
        """Asks the backend, once."""
        started = time.perf_counter()
        outputs = await self.client.infer(model, inputs)
        return Answer(outputs, self.name, time.perf_counter() - started)


@dataclass(frozen=True, kw_only=True)
class Persistence:
    """How long an answer is sought.

    Attributes:
        tries: of one request, on whatever servers.
        patience_s: how long an outage of all servers is waited out.
    """

    tries: int = 5
    patience_s: float = 30.0


@dataclass(eq=False)
class Servers:
    """The route to one model on one or more servers.

    A request goes to the usable server with the fewest of ours in flight. After a transient fault
    it goes to another server, or waits until one is back. When the outage lasts too long, or tries
    are used up, the fallback answers, if there is one.

    Attributes:
        links: the model on each of the servers.
        preferred: name of the server that is taken whenever it is usable.
        on_try: told of every try that came to nothing.
        overlap: told when answers are awaited.
    """

    links: Sequence[Link]
    overlap: Overlap
    persistence: Persistence = field(default_factory=Persistence)
    preferred: str | None = None
    fallback: Route | None = None
    on_try: Callable[[Try], None] = lambda _: None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _outage_since: float | None = None

    def __post_init__(self) -> None:
        for link in self.links:
            link.on_change = self._note_change
        self._note_change()

    async def send(self, model: str, inputs: Dense) -> Answer:
        """Gets an answer from a server or the fallback.

        Raises:
            UnavailableError: neither had one; tells every try.
            ServerError: a server refused the request, or answered what cannot be used.
        """
        with self.overlap.awaiting():
            tries: list[Try] = []
            while len(tries) < self.persistence.tries and (link := await self._choose()):
                asked_at = time.monotonic()
                try:
                    return await self._ask(link, model, inputs)
                except UnavailableError as error:
                    tries.append(Try(model, link.server.name, error))
                    self.on_try(tries[-1])
                    link.down(error, asked_at)
                except ServerError as error:
                    self.on_try(Try(model, link.server.name, error))
                    raise
        if self.fallback is None:
            raise self._exhausted(model, tries)
        return await self.fallback.send(model, inputs)

    async def _ask(self, link: Link, model: str, inputs: Dense) -> Answer:
        link.load.in_flight += 1
        link.load.sent += 1
        started = time.perf_counter()
        try:
            outputs = await link.server.infer(model, inputs)
        finally:
            link.load.in_flight -= 1
        return Answer(outputs, link.server.name, time.perf_counter() - started)

    async def _choose(self) -> Link | None:
        """The least busy usable server, as soon as there is one; None when patience is over."""
        while not (usable := [link for link in self.links if link.usable]):
            left_s = self._patience_left_s()
            if left_s <= 0:
                return None
            self._changed.clear()
            try:
                async with asyncio.timeout(left_s):
                    await self._changed.wait()
            except TimeoutError:
                return None
        return min(usable, key=self._cost)

    def _cost(self, link: Link) -> tuple[bool, int, int]:
        return link.server.name != self.preferred, link.load.in_flight, link.load.sent

    def _patience_left_s(self) -> float:
        if all(link.given_up for link in self.links):
            return 0.0
        since = self._outage_since
        if since is None:
            return math.inf
        return since + self.persistence.patience_s - time.monotonic()

    def _note_change(self) -> None:
        if any(link.usable for link in self.links):
            self._outage_since = None
        elif self._outage_since is None:
            self._outage_since = time.monotonic()
        self._changed.set()

    def _exhausted(self, model: str, tries: Sequence[Try]) -> UnavailableError:
        told = [f"- {one.backend}: {one.fault}" for one in tries]
        if len(tries) < self.persistence.tries:
            told += [
                f"- {link.server.name}: left alone, last: {link.fault}"
                for link in self.links
                if not link.usable
            ]
        waited = f"{len(tries)} tries" if len(tries) != 1 else "one try"
        return UnavailableError(
            f"model {model}: no answer after {waited}, {self.persistence.patience_s:g} s of"
            " patience (inference.tries, inference.patience_s). Mend the server, name another one"
            " (--server) or let this machine help out (--fallback local)\n" + "\n".join(told)
        )
