"""Stand-ins for servers whose luck a test decides: rare paths that no real server can be sent."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

from sonicmini.errors import ServerError, UnavailableError
from sonicmini.event import Tensors
from sonicmini.inference.link import Backoff, Link, Load
from sonicmini.inference.repository import Signature

QUICK = Backoff(first_s=0.001, longest_s=0.002)


class FakeServer:
    """Raises the faults that it is given, one a request, then answers with its inputs."""

    def __init__(
        self, name: str, faults: Sequence[Exception] = (), *, signature: Signature | None = None
    ) -> None:
        self.name = name
        self.asked = 0
        self.well = True
        self.answer: Callable[[Tensors], Tensors] = dict
        self.waits = False
        self._faults: Iterator[Exception] = iter(faults)
        self._signature = signature

    async def infer(self, model: str, inputs: Tensors) -> Tensors:
        self.asked += 1
        if self.waits:
            await asyncio.sleep(3600)
        await asyncio.sleep(0)
        if fault := next(self._faults, None):
            raise fault
        return self.answer(inputs)

    async def check_ready(self) -> None:
        await asyncio.sleep(0)
        if not self.well:
            raise UnavailableError(f"{self.name} is away")

    async def signature(self, model: str) -> Signature | None:
        return self._signature


def link(
    server: FakeServer,
    load: Load | None = None,
    check: Callable[[], Awaitable[None]] | None = None,
) -> Link:
    return Link(server, load or Load(), check or server.check_ready, QUICK)


def refusal(text: str = "wrong shape") -> ServerError:
    return ServerError(text)
