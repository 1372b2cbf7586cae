"""What benchmarks share: command line, processes of their own, longer inputs, medians."""

import argparse
import math
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from sonicmini.config import JobConfig, Overrides, load
from sonicmini.module import SonicProducer
from sonicmini.plugins import resolve
from sonicmini.prepare import prepare
from sonicmini.report import Report

T = TypeVar("T")


def command_line(doc: str | None, *, repetitions: int = 0) -> argparse.ArgumentParser:
    """The arguments that all benchmarks take.

    Args:
        doc: the benchmark's own text.
        repetitions: how many unless told; 0 for a benchmark that runs once.
    """
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("config", type=Path)
    if repetitions:
        parser.add_argument("--repetitions", type=int, default=repetitions)
    parser.add_argument(
        "--model-repository", type=Path, action="append", default=[], metavar="FOLDER"
    )
    parser.add_argument("--set", action="append", default=[], metavar="KEY.PATH=VALUE")
    return parser


@contextmanager
def scratch_job(given: argparse.Namespace) -> Iterator[JobConfig]:
    """The job of the command line; its output goes to a temporary folder."""
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "out.root"
        overrides = Overrides(
            output=output,
            overwrite=True,
            model_repository=given.model_repository,
            assignments=given.set,
        )
        yield load(given.config, overrides)


def in_process(function: Callable[..., T], *arguments: object) -> T:
    """Calls the function in a new process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def with_events(config: JobConfig, events: int) -> JobConfig:
    """The same job on this many events: its files again and again."""
    files = config.input.files * math.ceil(events / prepare(config).source.entries)
    source = config.input.model_copy(update={"files": files, "events": events})
    return config.model_copy(update={"input": source})


def with_options(config: JobConfig, **options: Any) -> JobConfig:  # noqa: ANN401 - any option
    """The same job with other ``options``."""
    return config.model_copy(update={"options": config.options.model_copy(update=options)})


def with_inference(config: JobConfig, **settings: Any) -> JobConfig:  # noqa: ANN401 - any setting
    """The same job with another ``inference`` block."""
    block = {**config.inference.model_dump(), **settings}
    return config.model_copy(update={"inference": type(config.inference).model_validate(block)})


def without_networks(config: JobConfig) -> JobConfig:
    """The same job less its networks and their products."""
    classes = {label: resolve(module.type) for label, module in config.modules.items()}
    dropped = {label for label, found in classes.items() if issubclass(found, SonicProducer)}
    lost = {product for label in dropped for product in classes[label].produces}
    modules = {label: item for label, item in config.modules.items() if label not in dropped}
    keep = tuple(product for product in config.output.keep if product not in lost)
    output = config.output.model_copy(update={"keep": keep})
    return config.model_copy(update={"modules": modules, "output": output})


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Median and range."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def ratio(ours: Sequence[Report], reference: Sequence[Report]) -> str:
    """Throughput relative to the reference: median and range over the repetitions.

    Runs of the same repetition are next to each other in time, so that their ratio suffers least
    from what else the machine does.
    """
    pairs = zip(ours, reference, strict=True)
    return spread([one.throughput / other.throughput for one, other in pairs], 3)


def interleaved(
    variants: Mapping[str, Callable[[], Report]], repetitions: int
) -> dict[str, list[Report]]:
    """Runs the variants in turn, again and again, in another order each time."""
    runs: dict[str, list[Report]] = {name: [] for name in variants}
    for repetition in range(repetitions):
        names = list(variants)
        names = names[repetition % len(names) :] + names[: repetition % len(names)]
        for name in names:
            runs[name].append(variants[name]())
    return runs
