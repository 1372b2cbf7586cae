"""One run: the one place where concrete classes meet."""

import asyncio
import contextlib
import os
import platform
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from functools import partial
from importlib.metadata import version
from typing import Any, TypeAlias

from sonicmini.config import JobConfig
from sonicmini.errors import ConfigError, GraphError, first_fault, nearest
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
from sonicmini.io.columns import UnlistedProduct
from sonicmini.io.miniaod import MINIAOD, MINIAOD_FORMAT
from sonicmini.io.partial_file import output_errors
from sonicmini.io.root_sink import OutputOptions, RootSink
from sonicmini.io.root_source import RootSource
from sonicmini.io.schema import AOD
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
_RECORDED_PACKAGES = (
    "sonicmini",
    "awkward",
    "fastjet",
    "numba",
    "numpy",
    "onnxruntime",
    "uproot",
)


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
        sorted(wanted),
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
        with progress(job.source.entries) as advance:
            await processor.run(report, advance)
        with report.phase("sink", "finish"):
            await job.workers.run(partial(sink.finish, _provenance(job, report)))
        report.loop_s = time.perf_counter() - begun
        report.cpu_s = time.process_time() - cpu_begun
        report.peak_memory_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return report


def _modules(config: JobConfig) -> dict[str, Module]:
    modules: dict[str, Module] = {}
    faults: list[str] = []
    for label, entry in config.modules.items():
        try:
            modules[label] = instantiate(resolve(entry.type), entry.parameters)
        except ConfigError as error:
            faults += [f"modules.{label}: {line}" for line in str(error).splitlines()]
    if faults:
        raise ConfigError("\n".join(faults))
    return modules


def _graph(config: JobConfig, modules: dict[str, Module]) -> dict[str, set[str]]:
    made = {product for module in modules.values() for product in module.produces}
    known = made | set(AOD)
    faults = [
        f"output.keep: nobody makes {product}{nearest(product, known)}"
        for product in config.output.keep
        if product not in known
    ]
    try:
        graph = build_graph(modules, AOD)
    except GraphError as error:
        faults.append(str(error))
    if faults:
        raise ConfigError("\n".join(faults))
    return graph


def _specs(config: JobConfig, modules: dict[str, Module]) -> dict[str, ModelSpec]:
    names = {module.model for module in modules.values() if isinstance(module, SonicProducer)}
    return ModelRepository(config.models).specs(sorted(names)) if names else {}


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
    keep = dict.fromkeys((*_EVENT_ID, *output.keep))
    with output_errors(output.file):
        output.file.parent.mkdir(parents=True, exist_ok=True)
    return RootSink(
        output.file,
        [
            MINIAOD.get(product)
            or AOD.get(product)
            or UnlistedProduct(product, f"made by {makers[product]}")
            for product in keep
        ],
        file_format=MINIAOD_FORMAT,
        options=OutputOptions(
            compression=output.compression,
            level=output.compression_level,
            overwrite=output.overwrite,
        ),
    )


def _processor(job: Job, sink: RootSink, report: Report) -> EventProcessor:
    def on_request(record: RequestRecord) -> None:
        network = report.networks.setdefault((record.model, record.backend), Network())
        network.add(
            rows=record.rows,
            bytes_in=record.bytes_in,
            bytes_out=record.bytes_out,
            latency_s=record.latency_s,
        )

    inference = job.config.inference
    backend = Backend(_LOCAL, job.client)
    service = InferenceService(
        {model: (spec, backend) for model, spec in job.specs.items()},
        job.workers.run,
        options=ServiceOptions(
            batching=Batching(max_rows=inference.max_rows, max_bytes=inference.max_bytes),
            requests_in_flight=inference.requests_in_flight,
        ),
        on_request=on_request,
    )
    return EventProcessor(
        source=job.source,
        schedule=Schedule(job.modules, job.graph, client=service, workers=job.workers),
        sink=sink,
        workers=job.workers,
        streams=job.config.options.streams,
    )


def _provenance(job: Job, report: Report) -> dict[str, Any]:
    return {
        "config": job.config.model_dump(mode="json"),
        "modules": {
            label: {"type": f"{type(module).__module__}:{type(module).__qualname__}"}
            | {field.name: getattr(module, field.name) for field in fields(module)}  # type: ignore[arg-type]  # modules are dataclasses
            for label, module in job.modules.items()
        },
        "models": {
            model: {"version": spec.version, "sha256": spec.sha256}
            for model, spec in job.specs.items()
        },
        "backends": sorted(f"{model}: {backend}" for model, backend in report.networks),
        "inputs": [
            {"file": file, "start": start, "stop": stop} for file, start, stop in report.inputs
        ],
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in _RECORDED_PACKAGES},
    }
