"""Settings that all tests share."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from hypothesis import settings

# The first example of a numba kernel compiles it: no time limit for single examples.
settings.register_profile("sonicmini", deadline=None, print_blob=True)
settings.load_profile("sonicmini")


@pytest.fixture(scope="session", autouse=True)
def _interrupts_are_heard():
    """Programs started by a background job ignore SIGINT, as the job does, unless it is handled."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def reap() -> Iterator[Callable[[subprocess.Popen[str]], None]]:
    """Takes programs that lead a session of their own, and leaves none of them running."""
    leaders: list[subprocess.Popen[str]] = []
    yield leaders.append
    for leader in leaders:
        with suppress(ProcessLookupError):
            os.killpg(leader.pid, signal.SIGKILL)
        leader.communicate()
