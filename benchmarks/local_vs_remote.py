"""Throughput with local inference, with a Triton server on the same cores, with an ideal server.

``python -m benchmarks.local_vs_remote configs/miniaod.yaml`` prints the tables of
``benchmarks/README.md``. The server is started once, before the clock of any run.
"""

import argparse
import os
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.common import (
    command_line,
    in_process,
    interleaved,
    ratio,
    scratch_job,
    spread,
    with_events,
    with_inference,
    without_networks,
)
from benchmarks.recorded import at_once
from sonicmini.config import JobConfig
from sonicmini.inference.embedded.options import ServerOptions
from sonicmini.inference.embedded.server import EmbeddedServer, start
from sonicmini.inference.mock import MockClient
from sonicmini.job import run_job
from sonicmini.prepare import prepare
from sonicmini.report import Report

LOCAL = "local onnxruntime"
BARE = "no networks"
IDEAL = "ideal server"


def run_ideally(config: JobConfig) -> Report:
    """Runs the job with answers that are there at once."""
    specs = prepare(config).specs
    return run_job(config, client=MockClient({name: at_once(specs[name]) for name in specs}))


def variants(config: JobConfig, server: EmbeddedServer) -> dict[str, Callable[[], Report]]:
    """What is compared."""
    http, grpc = [{"url": server.http_url}], [{"url": server.grpc_url}]
    blocks: dict[str, dict[str, Any]] = {
        LOCAL: {"default": "local"},
        "Triton, http": {"default": "remote", "servers": http, "shared_memory": "never"},
        "Triton, http, shared memory": {"default": "remote", "servers": http},
        "Triton, grpc": {"default": "remote", "servers": grpc, "shared_memory": "never"},
        "Triton, grpc, shared memory": {"default": "remote", "servers": grpc},
    }
    jobs = {
        name: partial(in_process, run_job, with_inference(config, **block))
        for name, block in blocks.items()
    }
    return {
        **jobs,
        IDEAL: partial(in_process, run_ideally, config),
        BARE: partial(in_process, run_job, without_networks(config)),
    }


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = command_line(__doc__, repetitions=5)
    parser.add_argument("--events", type=int, default=1200, help="of a timed run")
    parser.add_argument("--instances", type=int, default=0, help="of each model; 0: one a core")
    parser.add_argument("--only", nargs="*", help="variants whose names contain one of these")
    return parser.parse_args()


def main() -> None:
    """Measures and prints."""
    given = arguments()
    with scratch_job(given) as job:
        config = with_events(job, given.events)
        with start(config.model_repository, ServerOptions(instances=given.instances)) as server:
            chosen = {
                name: run
                for name, run in variants(config, server).items()
                if not given.only or any(part in name for part in given.only)
            }
            runs = interleaved(chosen, given.repetitions)
    print(f"{len(os.sched_getaffinity(0))} cores; {config.options}\n")
    print("| networks | events/s | against local | against none | client CPU ms/event | hidden |")
    print("|---|---|---|---|---|---|")
    for name, reports in runs.items():
        cells = [
            spread([report.throughput for report in reports]),
            ratio(reports, runs[LOCAL]) if LOCAL in runs else "",
            ratio(reports, runs[BARE]) if BARE in runs else "",
            spread([1e3 * report.cpu_s / report.events for report in reports], 2),
            spread([100 * report.hidden_s / (report.awaited_s or 1) for report in reports], 0)
            if any(report.awaited_s for report in reports)
            else "",
        ]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
