"""One run: the one place where concrete classes meet."""

import asyncio
import contextlib
import os
import resource
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import TypeAlias

from sonicmini.config import JobConfig
from sonicmini.errors import first_fault
from sonicmini.inference.batching import Batching
from sonicmini.inference.client import Client
from sonicmini.inference.route import Direct, Route, Try
from sonicmini.inference.service import InferenceService, RequestRecord, ServiceOptions
from sonicmini.io.columns import UnlistedProduct
from sonicmini.io.miniaod import MINIAOD_FORMAT
from sonicmini.io.partial_file import output_errors
from sonicmini.io.root_sink import OutputOptions, RootSink
from sonicmini.prepare import Job, prepare
from sonicmini.processor import EventProcessor
from sonicmini.provenance import provenance
from sonicmini.remote import LOCAL, Remote, RemoteOptions, open_remote
from sonicmini.report import Network, Report
from sonicmini.schedule import Schedule

Progress: TypeAlias = Callable[[int], AbstractContextManager[Callable[[int], None]]]
"""Given the number of events, gives a context whose function is called with events done."""


@contextlib.contextmanager
def _silent(events: int) -> Iterator[Callable[[int], None]]:
    del events
    yield lambda _: None


def run_job(
    config: JobConfig, progress: Progress = _silent, *, client: Client | None = None
) -> Report:
    """Runs a job from its input files to its finished output file.

    Args:
        config: the whole job.
        progress: shows how far it is.
        client: evaluates all networks in the place of what the configuration says, for tests and
            measurements.

    Raises:
        SonicminiError: whatever went wrong first; no output is left that looks finished.
    """
    started = time.perf_counter()
    try:
        return asyncio.run(_run(config, progress, client, started))
    except BaseExceptionGroup as group:
        raise first_fault(group) from group


async def _run(
    config: JobConfig, progress: Progress, client: Client | None, started: float
) -> Report:
    job = prepare(config)
    report = Report(settings=_settings(config), output=str(config.output.file))
    with contextlib.closing(job.workers), _sink(job) as sink:
        async with _backends(job, report, client) as (clients, remote):
            processor = _processor(job, sink, clients)
            await processor.warm_up()
            await _begin(job, report, remote)
            begun, cpu_begun = time.perf_counter(), time.process_time()
            report.start_up_s = begun - started
            with progress(job.source.entries) as advance:
                await processor.run(report, advance)
            overlap = job.workers.overlap
            report.awaited_s, report.hidden_s = overlap.awaited_s, overlap.hidden_s
            if remote is not None:
                await remote.finish(report)
            with report.phase("sink", "finish"):
                await job.workers.run(partial(sink.finish, provenance(job, report)))
            report.loop_s = time.perf_counter() - begun
            report.cpu_s = time.process_time() - cpu_begun
            report.peak_memory_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return report


async def _begin(job: Job, report: Report, remote: Remote | None) -> None:
    """Forgets what the warm-up has counted."""
    report.networks.clear()
    job.workers.overlap.reset()
    if remote is not None:
        await remote.begin()


def _settings(config: JobConfig) -> dict[str, int]:
    options = config.options
    return {
        "chunk_size": options.chunk_size,
        "streams": options.streams,
        "threads": options.threads,
        "cores": len(os.sched_getaffinity(0)),
    }


def _sink(job: Job) -> RootSink:
    output = job.config.output
    makers = {product: label for label in job.graph for product in job.modules[label].produces}
    with output_errors(output.file):
        output.file.parent.mkdir(parents=True, exist_ok=True)
    return RootSink(
        output.file,
        [
            table or UnlistedProduct(product, f"made by {makers[product]}")
            for product, table in job.content.items()
        ],
        file_format=MINIAOD_FORMAT,
        options=OutputOptions(
            compression=output.compression,
            level=output.compression_level,
            overwrite=output.overwrite,
            format=output.format,
        ),
    )


def _processor(job: Job, sink: RootSink, clients: Mapping[str, Client]) -> EventProcessor:
    return EventProcessor(
        source=job.source,
        schedule=Schedule(job.modules, job.graph, clients=clients, workers=job.workers),
        sink=sink,
        workers=job.workers,
        streams=job.config.options.streams,
        skim=job.skim,
    )


@contextlib.asynccontextmanager
async def _backends(
    job: Job, report: Report, instead: Client | None
) -> AsyncIterator[tuple[dict[str, Client], Remote | None]]:
    """Gives every network its client, by module; connects to servers if one needs them."""

    def on_try(failed: Try) -> None:
        report.networks.setdefault((failed.model, failed.backend), Network()).failures += 1

    service = partial(_service, job, report)
    local = service(dict.fromkeys(job.specs, Direct(LOCAL, job.client)))
    labels = job.networks("remote")
    clients: dict[str, Client] = dict.fromkeys(job.networks("local"), local)
    if instead is not None:
        given = service(dict.fromkeys(job.specs, Direct(type(instead).__name__, instead)))
        clients = dict.fromkeys([*labels, *clients], given)
        labels = {}
    if not labels:
        yield clients, None
        return
    options = RemoteOptions(
        config=job.config.inference,
        repository=job.config.model_repository,
        specs={model: job.specs[model] for model in labels.values()},
        onnx=job.client,
        overlap=job.workers.overlap,
        on_try=on_try,
    )
    async with open_remote(options) as remote:
        yield clients | dict.fromkeys(labels, service(remote.routes)), remote


def _service(job: Job, report: Report, routes: Mapping[str, Route]) -> InferenceService:
    def on_request(record: RequestRecord) -> None:
        network = report.networks.setdefault((record.model, record.backend), Network())
        network.add(
            rows=record.rows,
            bytes_in=record.bytes_in,
            bytes_out=record.bytes_out,
            latency_s=record.latency_s,
        )

    inference = job.config.inference
    return InferenceService(
        {model: (job.specs[model], route) for model, route in routes.items()},
        job.workers.run,
        options=ServiceOptions(
            batching=Batching(max_rows=inference.max_rows, max_bytes=inference.max_bytes),
            requests_in_flight=inference.requests_in_flight,
            allow_nonfinite=job.config.options.allow_nonfinite,
        ),
        on_request=on_request,
    )
