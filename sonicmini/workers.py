"""A small thread pool that measures what it runs."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sonicmini.overlap import Overlap
from sonicmini.report import Phase, current_phase

T = TypeVar("T")


class Workers:
    """The threads that do all CPU work of a process: reading, modules, local inference, writing.

    Kernels that release the interpreter (numba, onnxruntime, decompression) run side by side.

    Attributes:
        overlap: told when threads have work.
    """

    def __init__(self, threads: int) -> None:
        """Starts up to ``threads`` threads, each at first use."""
        self.overlap = Overlap(threads)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="sonicmini")

    async def run(self, function: Callable[[], T]) -> T:
        """Runs the function in a thread; its time counts for the caller's phase of the report."""
        span = Phase()
        asked = time.perf_counter()

        def measured() -> T:
            started, cpu_started = time.perf_counter(), time.thread_time()
            span.queue_s = started - asked
            try:
                return function()
            finally:
                span.busy_s = time.perf_counter() - started
                span.cpu_s = time.thread_time() - cpu_started

        try:
            with self.overlap.working():
                return await asyncio.get_running_loop().run_in_executor(self._pool, measured)
        finally:
            if (phase := current_phase()) is not None:
                phase += span

    def close(self) -> None:
        """Lets running functions end, drops waiting ones."""
        self._pool.shutdown(wait=True, cancel_futures=True)
