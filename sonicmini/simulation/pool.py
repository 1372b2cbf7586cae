"""Worker processes whose results come back in the order of the tasks."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
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
    pending: deque[Future[Result]] = deque()
    # Not an event with its locks: a worker that dies while it waits for one takes them along.
    watched, held = context.Pipe(duplex=False)
    with (
        watched,
        held,
        ProcessPoolExecutor(
            workers, mp_context=context, initializer=_prepare_worker, initargs=(watched,)
        ) as pool,
    ):
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
            held.close()
            raise


def _prepare_worker(watched: Connection) -> None:
    # Ctrl-C reaches all processes of a terminal: the main one alone decides what follows.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_when, args=(watched,), daemon=True).start()


def _end_when(watched: Connection) -> None:
    """Ends the worker when the other end of the pipe is closed, in the middle of its task."""
    watched.poll(None)
    os._exit(1)
