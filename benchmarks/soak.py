"""Many events through servers and lines that fail all the time: nothing lost, nothing leaked.

``python -m benchmarks.soak configs/miniaod.yaml`` prints the table of ``benchmarks/README.md``. A
proxy in front of the embedded Triton hits requests at random with every fault that it knows; the
output must be that of a local run.
"""

import contextlib
import os
import re
import threading
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from benchmarks.common import command_line, scratch_job, with_events, with_inference
from sonicmini.compare.files import compare_files
from sonicmini.inference.embedded.options import ServerOptions
from sonicmini.inference.embedded.server import start
from sonicmini.inference.proxy.faults import (
    BlackHole,
    Cut,
    Freeze,
    Garbage,
    GoAway,
    Random,
    Refuse,
    Reset,
    Status,
)
from sonicmini.inference.proxy.process import ProxyProcess
from sonicmini.job import run_job

FAULTS = (
    Reset(),
    Reset(after_bytes=1000, of="request"),
    Cut(after_bytes=40),
    Garbage(),
    Status(503),
    Status(429, retry_after_s=1),
    BlackHole(),
    GoAway(),
    Refuse(for_s=0.5),
    Freeze(for_s=3.0),
)
SHARED = Path("/dev/shm")  # noqa: S108 - where Linux has its shared memory


def open_files() -> Counter[str]:
    """What this process has open, as the kernel names it (numbers left out)."""
    kinds: Counter[str] = Counter()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the folder's own, closed by now
            kinds[re.sub(r"\d+", "N", str(entry.readlink()))] += 1
    return kinds


class Watch(threading.Thread):
    """Notes memory and open files of this process, once in a while."""

    def __init__(self, every_s: float) -> None:
        super().__init__(daemon=True)
        self.seen: list[tuple[float, int]] = []
        self._every_s = every_s
        self._done = threading.Event()

    def run(self) -> None:
        """Until stopped."""
        process = psutil.Process()
        while not self._done.wait(self._every_s):
            self.seen.append((process.memory_info().rss / 1e6, process.num_fds()))

    def stop(self) -> None:
        """Ends the watch."""
        self._done.set()
        self.join()


def main() -> None:
    """Runs, compares, prints."""
    parser = command_line(__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--probability", type=float, default=0.02, help="of a fault, a request")
    parser.add_argument("--protocol", choices=("http", "grpc"), default="http")
    parser.add_argument("--shared-memory", choices=("auto", "never"), default="auto")
    given = parser.parse_args()
    before = set(SHARED.iterdir())
    with scratch_job(given) as job:
        folder = job.output.file.parent
        base = with_events(job, given.events)
        run_job(base)
        files_before = open_files()
        remote_output = base.output.model_copy(update={"file": folder / "remote.root"})
        with start(base.model_repository, ServerOptions()) as server:
            target = urlsplit(server.grpc_url if given.protocol == "grpc" else server.http_url)
            with ProxyProcess(str(target.hostname), target.port or 0) as proxy:
                remote = with_inference(
                    base.model_copy(update={"output": remote_output}),
                    default="remote",
                    servers=[{"url": f"{given.protocol}://127.0.0.1:{proxy.port}"}],
                    shared_memory=given.shared_memory,
                    timeout_s=1.5,
                    tries=50,
                )
                watch = Watch(5.0)
                watch.start()
                proxy.set(Random(FAULTS, given.probability, seed=1))
                report = run_job(remote)
                watch.stop()
                injected = proxy.counters().injected
        result = compare_files(str(base.output.file), str(folder / "remote.root"))
    network = next(iter(report.networks.values()))
    thirds = [watch.seen[len(watch.seen) * n // 3 : len(watch.seen) * (n + 1) // 3] for n in (1, 2)]
    print(f"{report.events} events, {report.throughput:.1f} events/s; {given.protocol}")
    print(f"requests {network.requests}, tries that failed {network.failures}")
    print(f"faults injected: {sum(injected.values())} {dict(sorted(injected.items()))}")
    print(f"outputs: {result.verdict}")
    for name, part in zip(("second", "last"), thirds, strict=True):
        memory = [rss for rss, _ in part]
        files = [count for _, count in part]
        print(f"{name} third: {min(memory):.0f} to {max(memory):.0f} MB, {max(files)} open files")
    left = [" ".join(one.cmdline()) for one in psutil.Process().children(recursive=True)]
    print(f"processes left, with Python's own resource tracker: {left}")
    print(f"files left open: {dict(open_files() - files_before)}")
    print(f"shared memory left: {sorted(path.name for path in set(SHARED.iterdir()) - before)}")
    print(f"{len(os.sched_getaffinity(0))} cores")


if __name__ == "__main__":
    main()
