"""Worker processes whose results come back in the order of the tasks."""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from sonicmini.errors import SonicminiError

Task = TypeVar("Task")
Result = TypeVar("Result")

_AHEAD = 2
"""Tasks in flight for each worker: none waits, and results do not pile up."""


def ordered_map(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int
) -> Iterator[Result]:
    """Applies a function to tasks in worker processes; yields the results in the tasks' order.

    One worker is this process itself. More are started afresh (not forked), so that the function,
    the tasks and the results must be picklable.

    Raises:
        SonicminiError: a worker was killed, in most cases for lack of memory.
    """
    if workers == 1:
        yield from map(function, tasks)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_ignore_interrupt)
    pending: deque[Future[Result]] = deque()
    try:
        for task in tasks:
            pending.append(pool.submit(function, task))
            if len(pending) == _AHEAD * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    except BrokenProcessPool as error:
        raise SonicminiError(
            "a worker process ended by itself, perhaps killed for lack of memory; "
            "use fewer --workers"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _ignore_interrupt() -> None:
    """Ctrl-C reaches all processes of a terminal: the main one alone decides what follows."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
