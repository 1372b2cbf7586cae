"""One run in a process of its own: nothing that it compiles, loads or caches helps another."""

import os
import pickle
import signal
import sys
import threading
import time
import traceback
from functools import partial
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from types import FrameType
from typing import Any, NoReturn, TypeAlias

import psutil

from sonicmini.config import JobConfig
from sonicmini.errors import SonicminiError
from sonicmini.job import run_job
from sonicmini.messages import show_messages
from sonicmini.progress import progress_bar

_TERMINATED = 143

Failure: TypeAlias = tuple[BaseException, str]
"""What ended the run, and its traceback there."""


class _ThereError(Exception):
    """The traceback of the other process, for ``--debug``."""


def run_apart(config: JobConfig, description: str) -> dict[str, Any]:
    """Runs a job in a new process, with a progress bar; gives the JSON form of its report.

    When this process is interrupted, the other one stops its job and cleans up first; when this
    process dies, too.

    Raises:
        SonicminiError: whatever the job ended with, or that the process died.
    """
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(config, description, sender), daemon=True)
    process.start()
    sender.close()
    outcome: dict[str, Any] | Failure | None = None
    try:
        outcome = receiver.recv()
    except EOFError:
        pass
    except BaseException:
        process.terminate()
        raise
    finally:
        process.join()
        receiver.close()
    if outcome is None:
        raise SonicminiError(
            f"{description}: the process of the run ended with code {process.exitcode} and no"
            " report; code -9 is a kill, by the system when memory runs out"
        )
    if isinstance(outcome, tuple):
        error, trace = outcome
        raise error from _ThereError(trace)
    return outcome


def _work(config: JobConfig, description: str, sender: Connection) -> None:
    # Ctrl-C reaches both processes; the other one hears it and says when to stop. What this one
    # starts would inherit that a signal is ignored, but not a handler.
    signal.signal(signal.SIGINT, _let_pass)
    signal.signal(signal.SIGTERM, _stop)
    threading.Thread(target=_outlive_nobody, daemon=True).start()
    show_messages()
    imports_s = time.time() - psutil.Process().create_time()
    try:
        report = run_job(config, partial(progress_bar, description))
    except KeyboardInterrupt:
        sys.exit(_TERMINATED)
    except BaseException as error:  # noqa: BLE001 - the other process raises it
        sender.send((_portable(error), traceback.format_exc()))
    else:
        report.start_up_s += imports_s
        sender.send(report.to_dict())


def _outlive_nobody() -> None:
    starter = parent_process()
    if starter is not None:
        wait([starter.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


def _let_pass(_signal: int, _frame: FrameType | None) -> None: ...


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _portable(error: BaseException) -> BaseException:
    """The error itself, or one that says the same if it cannot be sent."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - made on this line
    except Exception:  # noqa: BLE001 - anything may go wrong in the classes of others
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
