"""Throughput and memory with a server that is far away, against the number of streams.

``python -m benchmarks.latency configs/miniaod.yaml`` prints the table of ``benchmarks/README.md``.
A proxy in a process of its own stands between client and server and delays every round trip.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from functools import partial
from urllib.parse import urlsplit

from benchmarks.common import (
    command_line,
    in_process,
    interleaved,
    ratio,
    scratch_job,
    spread,
    with_events,
    with_inference,
    with_options,
)
from sonicmini.config import JobConfig
from sonicmini.inference.embedded.options import ServerOptions
from sonicmini.inference.embedded.server import start
from sonicmini.inference.proxy.line import Cable
from sonicmini.inference.proxy.process import ProxyProcess
from sonicmini.job import run_job
from sonicmini.report import Report


def run_delayed(proxy: ProxyProcess, delay_s: float, config: JobConfig) -> Report:
    """Runs the job in a process of its own with this much added to every round trip."""
    proxy.set_cable(Cable(delay_s=delay_s))
    return in_process(run_job, config)


def variants(
    config: JobConfig, proxy: ProxyProcess, streams: Sequence[int], delay_ms: float
) -> dict[str, Callable[[], Report]]:
    """Every number of streams, without and with the delay, as ``STREAMS|MS``."""
    return {
        f"{count}|{added_ms:g}": partial(
            run_delayed, proxy, added_ms / 1e3, with_options(config, streams=count)
        )
        for count in streams
        for added_ms in (0.0, delay_ms)
    }


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = command_line(__doc__, repetitions=5)
    parser.add_argument("--events", type=int, default=2400, help="of a timed run")
    parser.add_argument("--delay-ms", type=float, default=100.0, help="added to a round trip")
    parser.add_argument("--streams", type=int, nargs="*", default=[1, 2, 4, 8])
    parser.add_argument("--protocol", choices=("http", "grpc"), default="http")
    return parser.parse_args()


def main() -> None:
    """Measures and prints."""
    given = arguments()
    with scratch_job(given) as job:
        config = with_events(job, given.events)
        with start(config.model_repository, ServerOptions()) as server:
            target = urlsplit(server.grpc_url if given.protocol == "grpc" else server.http_url)
            with ProxyProcess(str(target.hostname), target.port or 0) as proxy:
                url = f"{given.protocol}://127.0.0.1:{proxy.port}"
                remote = with_inference(
                    config,
                    default="remote",
                    servers=[{"url": url}],
                    shared_memory="never",  # a server that far away cannot map our memory
                )
                runs = interleaved(
                    variants(remote, proxy, given.streams, given.delay_ms), given.repetitions
                )
    print(f"{len(os.sched_getaffinity(0))} cores; {given.protocol}; {config.options}\n")
    best = f"{given.streams[-1]}|0"
    print(
        "| streams | added ms | events/s | against no delay | against no delay, most streams"
        " | answers awaited, s | of it hidden, % | peak memory, MB |"
    )
    print(f"|{'--:|' * 8}")
    for name, reports in runs.items():
        streams = name.partition("|")[0]
        cells = [
            *name.split("|"),
            spread([report.throughput for report in reports]),
            ratio(reports, runs[f"{streams}|0"]),
            ratio(reports, runs[best]),
            spread([report.awaited_s for report in reports]),
            spread([100 * report.hidden_s / report.awaited_s for report in reports], 0),
            spread([report.peak_memory_bytes / 1e6 for report in reports], 0),
        ]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
