"""One run: the one place where concrete classes meet."""

import asyncio
import contextlib
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, TypeAlias

from sonicmini.config import JobConfig
from sonicmini.errors import ConfigError, GraphError, SonicminiError, first_fault, nearest
from sonicmini.graph import build_graph
from sonicmini.inference.batching import Batching
from sonicmini.inference.onnx import OnnxClient
from sonicmini.inference.repository import ModelRepository, ModelSpec
from sonicmini.inference.service import (
    Backend,
    InferenceService,
    RequestRecord,
    ServiceOptions,
)
from sonicmini.io.root_sink import RootSink
from sonicmini.io.root_source import RootSource
from sonicmini.module import Module, SonicProducer
from sonicmini.plugins import instantiate, resolve
from sonicmini.processor import EventProcessor
from sonicmini.report import Network, Report
from sonicmini.schedule import Schedule
from sonicmini.workers import Workers

Progress: TypeAlias = Callable[[int], AbstractContextManager[Callable[[int], None]]]
"""Given the number of events, gives a context whose function is called with events done."""

_EVENT_ID = ("run", "luminosityBlock", "event")
_LOCAL = "local"


@dataclass(frozen=True, kw_only=True)
class Job:
    """A configuration found to be runnable: everything built that a run needs but the output."""

    config: JobConfig
    modules: dict[str, Module]
    graph: dict[str, set[str]]
    specs: dict[str, ModelSpec]
    source: RootSource
    client: OnnxClient
    workers: Workers


def prepare(config: JobConfig) -> Job:
    """Builds and checks everything before the first event.

    Raises:
        ConfigError: modules, parameters, graph or products to keep; all faults at once.
        ModelError: models that are missing or differ from their config.pbtxt.
        InputError: input files; all faults of all files.
    """
    modules = _modules(config)
    consumed = {product for module in modules.values() for product in module.consumes}
    made = {product for module in modules.values() for product in module.produces}
    wanted = (consumed | set(config.output.keep) | set(_EVENT_ID)) - made
    graph = _graph(config, modules)
    specs = _specs(config, modules)
    workers = Workers(config.options.threads)
    client = OnnxClient(specs, workers.run)
    client.load()
    source = RootSource(
        config.input.files,
        wanted,
        chunk_size=config.options.chunk_size,
        max_events=config.input.events,
        allow_nonfinite=config.options.allow_nonfinite,
    )
    return Job(
        config=config,
        modules=modules,
        graph=graph,
        specs=specs,
        source=source,
        client=client,
        workers=workers,
    )


@contextlib.contextmanager
def _silent(events: int) -> Iterator[Callable[[int], None]]:
    del events
    yield lambda _: None


def run_job(config: JobConfig, progress: Progress = _silent) -> Report:
    """Runs a job from its input files to its finished output file.

    Raises:
        SonicminiError: whatever went wrong first; no output is left that looks finished.
    """
    started = time.perf_counter()
    try:
        return asyncio.run(_run(config, progress, started))
    except BaseExceptionGroup as group:
        raise first_fault(group) from group


async def _run(config: JobConfig, progress: Progress, started: float) -> Report:
    job = prepare(config)
    report = Report(settings=_settings(config), output=str(config.output.file))
    with contextlib.closing(job.workers), _sink(job) as sink:
        processor = _processor(job, sink, report)
        await processor.warm_up()
        report.networks.clear()
        begun, cpu_begun = time.perf_counter(), time.process_time()
        report.start_up_s = begun - started
        with progress(job.source.events) as advance:
            await processor.run(report, advance)
        with report.phase("sink", "close"):
            await job.workers.run(lambda: sink.close(_provenance(job, report)))
        report.loop_s = time.perf_counter() - begun
        report.cpu_s = time.process_time() - cpu_begun
        report.peak_memory_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return report
