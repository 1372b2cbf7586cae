"""How much of the time in which servers were at work for us, we were at work too."""

import contextlib
import time
from collections.abc import Callable, Iterator


class Overlap:
    """Two counters on the event loop, and the wall time in which both run.

    Attributes:
        awaited_s: wall time with at least one answer of a server awaited.
        hidden_s: the part of it in which the threads had work; with half of them idle, half counts.
    """

    def __init__(self, threads: int, clock: Callable[[], float] = time.perf_counter) -> None:
        """Starts with nothing under way."""
        self.awaited_s = 0.0
        self.hidden_s = 0.0
        self._threads = threads
        self._clock = clock
        self._awaiting = 0
        self._working = 0
        self._since = clock()

    @contextlib.contextmanager
    def awaiting(self) -> Iterator[None]:
        """The block awaits the answer of a server."""
        self._book()
        self._awaiting += 1
        try:
            yield
        finally:
            self._book()
            self._awaiting -= 1

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """The block has work for one thread."""
        self._book()
        self._working += 1
        try:
            yield
        finally:
            self._book()
            self._working -= 1

    def reset(self) -> None:
        """Begins anew, with what is under way still under way."""
        self._book()
        self.awaited_s = self.hidden_s = 0.0

    def _book(self) -> None:
        now = self._clock()
        if self._awaiting:
            self.awaited_s += now - self._since
            busy = min(self._working, self._threads) / self._threads
            self.hidden_s += (now - self._since) * busy
        self._since = now
