"""Worker processes whose results come back in the order of the tasks."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.synchronize import Event
from typing import TypeVar

from sonicmini.errors import SonicminiError

Task = TypeVar("Task")
Result = TypeVar("Result")

_AHEAD = 2
"""Tasks in flight for each worker: none waits, and results do not pile up."""


def ordered_map(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int
) -> Generator[Result, None, None]:
    """Applies a function to tasks in worker processes; yields the results in the tasks' order.

    To be closed if it is left early: the workers then end at once. One worker is this process
    itself. More are started afresh (not forked), so that the function, the tasks and the results
    must be picklable.

    Raises:
        SonicminiError: a worker was killed, in most cases for lack of memory.
    """
    if workers == 1:
        yield from map(function, tasks)
        return
    context = multiprocessing.get_context("spawn")
    abandoned = context.Event()
    pending: deque[Future[Result]] = deque()
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_prepare_worker, initargs=(abandoned,)
    ) as pool:
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
        except BaseException:
            abandoned.set()
            raise


def _prepare_worker(abandoned: Event) -> None:
    # Ctrl-C reaches all processes of a terminal: the main one alone decides what follows.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_when, args=(abandoned,), daemon=True).start()


def _end_when(abandoned: Event) -> None:
    """Ends the worker in the middle of its task, of which nothing is left behind."""
    abandoned.wait()
    os._exit(1)
