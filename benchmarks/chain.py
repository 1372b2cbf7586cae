"""Speed of the chain, the framework's own cost, and memory against the number of events.

``python -m benchmarks.chain configs/miniaod.yaml`` prints the tables of ``benchmarks/README.md``.
Every run is a process of its own; variants alternate, so that a busy machine slows all of them.
"""

import argparse
import asyncio
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeAlias, TypeVar

from benchmarks.common import (
    command_line,
    in_process,
    scratch_job,
    spread,
    with_events,
    with_options,
    without_networks,
)
from sonicmini.config import JobConfig
from sonicmini.event import Chunk
from sonicmini.inference.onnx import OnnxClient
from sonicmini.inference.route import Direct
from sonicmini.inference.service import InferenceService
from sonicmini.io.miniaod import MINIAOD_FORMAT
from sonicmini.io.root_sink import OutputOptions, RootSink
from sonicmini.job import run_job
from sonicmini.module import Producer, SonicProducer
from sonicmini.prepare import Job, prepare
from sonicmini.report import Report

T = TypeVar("T")
Part: TypeAlias = tuple[str, str]
"""Module and phase."""

EVENT_ID = ("run", "luminosityBlock", "event")


class Stopwatch:
    """CPU seconds of this process by module and phase."""

    def __init__(self) -> None:
        self.seconds: defaultdict[Part, float] = defaultdict(float)

    @contextmanager
    def __call__(self, module: str, phase: str) -> Iterator[None]:
        """Counts the block."""
        started = time.process_time()
        yield
        self.seconds[module, phase] += time.process_time() - started


async def directly(function: Callable[[], T]) -> T:
    """Stands where the framework hands a function to a thread."""
    return function()


def cpu_alone(config: JobConfig) -> dict[Part, float]:
    """CPU seconds of reading, modules, inference and writing, called one after the other.

    One thread, no schedule; an event loop only around the one call of a network.
    """
    job = prepare(config)
    client = OnnxClient(job.specs, directly)
    client.load()
    backend = Direct("local", client)
    service = InferenceService(
        {name: (spec, backend) for name, spec in job.specs.items()}, directly
    )
    run_modules(job, service, next(job.source.chunks()), Stopwatch())
    watch = Stopwatch()
    chunks = job.source.chunks()
    with open_sink(job) as sink:
        while True:
            with watch("source", "read"):
                chunk = next(chunks, None)
            if chunk is None:
                break
            run_modules(job, service, chunk, watch)
            with watch("sink", "write"):
                sink.write(chunk)
        with watch("sink", "finish"):
            sink.finish({})
    return dict(watch.seconds)


def open_sink(job: Job) -> RootSink:
    """The job's output."""
    output = job.config.output
    return RootSink(
        output.file,
        [table for table in job.content.values() if table is not None],
        file_format=MINIAOD_FORMAT,
        options=OutputOptions(
            compression=output.compression,
            level=output.compression_level,
            format=output.format,
            overwrite=True,
        ),
    )


def run_modules(job: Job, service: InferenceService, chunk: Chunk, watch: Stopwatch) -> None:
    """Adds the products of all modules to the chunk."""
    for label in job.graph:
        module = job.modules[label]
        inputs = {name: chunk.products[name] for name in module.consumes}
        if isinstance(module, SonicProducer):
            with watch(label, "acquire"):
                tensors = module.acquire(inputs)
            with watch(label, "infer"):
                outputs = asyncio.run(service.infer(module.model, tensors))
            with watch(label, "produce"):
                chunk.put(module.produce(inputs, outputs))
        elif isinstance(module, Producer):
            with watch(label, "produce"):
                chunk.put(module.produce(inputs))


def throughput_table(runs: Mapping[str, Sequence[Report]]) -> list[str]:
    """Events per second of each variant."""
    lines = ["| chain | events/s | CPU ms/event | start-up s |", "|---|---|---|---|"]
    for name, reports in runs.items():
        rate = spread([report.throughput for report in reports])
        cpu = spread([1e3 * report.cpu_s / report.events for report in reports])
        start = spread([report.start_up_s for report in reports])
        lines.append(f"| {name} | {rate} | {cpu} | {start} |")
    return lines


def cost_table(
    alone: Sequence[dict[Part, float]], runs: Mapping[str, Sequence[Report]]
) -> list[str]:
    """CPU time of every part alone and in the framework; what is left is the framework's own."""
    events = next(iter(runs.values()))[0].events

    def per_event(seconds: Iterable[float]) -> float:
        return 1e3 * statistics.median(seconds) / events

    lines = [
        f"| CPU ms/event | phase | alone | {' | '.join(runs)} |",
        f"|---|---|{'--:|' * (len(runs) + 1)}",
    ]
    for part in alone[0]:
        inside = [
            per_event(report.phases[part].cpu_s for report in reports) for reports in runs.values()
        ]
        values = [per_event(run[part] for run in alone), *inside]
        lines.append(f"| {' | '.join([*part, *(f'{value:.3f}' for value in values)])} |")
    total = per_event(sum(run.values()) for run in alone)
    whole = [per_event(report.cpu_s for report in reports) for reports in runs.values()]
    cells = [f"{value:.3f}" for value in (total, *whole)]
    lines.append(f"| all, whole process | | {' | '.join(cells)} |")
    shares = [f"{100 * (1 - total / value):.1f} %" for value in whole]
    lines.append(f"| the framework's own cost | | | {' | '.join(shares)} |")
    return lines


def memory_table(config: JobConfig, sizes: Sequence[int]) -> list[str]:
    """Peak memory by number of events."""
    lines = ["| events | peak memory, MB | events/s |", "|--:|--:|--:|"]
    for events in sizes:
        report = in_process(run_job, with_events(config, events))
        peak = report.peak_memory_bytes / 1e6
        lines.append(f"| {events} | {peak:.0f} | {report.throughput:.1f} |")
    return lines


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = command_line(__doc__, repetitions=5)
    parser.add_argument("--events", type=int, default=600, help="of a timed run")
    parser.add_argument("--memory-events", type=int, nargs="*", default=[500, 5000])
    return parser.parse_args()


def main() -> None:
    """Measures and prints."""
    given = arguments()
    with scratch_job(given) as config:
        print(f"{len(os.sched_getaffinity(0))} cores; {config.options}\n")
        timed = with_events(config, given.events)
        variants = {
            "one thread": with_options(timed, threads=1),
            f"{timed.options.threads} threads": timed,
            "without networks": without_networks(timed),
        }
        runs: dict[str, list[Report]] = {name: [] for name in variants}
        alone = []
        for _ in range(given.repetitions):
            alone.append(in_process(cpu_alone, timed))
            for name, variant in variants.items():
                runs[name].append(in_process(run_job, variant))
        print(*throughput_table(runs), "", sep="\n")
        del runs["without networks"]
        print(*cost_table(alone, runs), "", sep="\n")
        print(*memory_table(config, given.memory_events), sep="\n")


if __name__ == "__main__":
    main()
