"""What padding costs: the same rows padded in different ways, through local onnxruntime.

``python -m benchmarks.padding configs/miniaod.yaml`` prints the tables of ``benchmarks/README.md``,
one for each network with rows of variable length. CMS's client sends one request an event, padded
to the longest row in it; ours makes requests of rows of nearly the same length from all events of a
chunk. Times are CPU times of one thread, from ragged rows to answers in their order.
"""

import argparse
import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np

from benchmarks.common import command_line, scratch_job, spread
from benchmarks.recorded import Recorder, here, recorded, together
from sonicmini.event import Ragged, Tensors
from sonicmini.inference.batching import (
    Batching,
    Dense,
    Request,
    check,
    fill,
    join,
    plan,
    row_count,
)
from sonicmini.inference.onnx import OnnxClient
from sonicmini.inference.repository import ModelSpec

CMS = "an event, to its longest row (CMS's way)"
OURS = "buckets, 64 rows (ours)"
COARSE = (1, 5, 8, 16, 24, 32, 50, 64, 80, 100)
FINER = (1, 5, 8, 10, 12, 14, 16, 19, 22, 26, 30, 35, 40, 50, 58, 66, 75, 86, 100)
Planner: TypeAlias = Callable[[ModelSpec, Tensors], list[Request]]


@dataclass(frozen=True)
class Padding:
    """A way to make requests.

    Attributes:
        chunk_size: events whose rows may share a request.
        planner: makes requests of their rows.
    """

    chunk_size: int
    planner: Planner


def to_longest_row(spec: ModelSpec, inputs: Tensors) -> list[Request]:
    """All rows in one request, padded to the longest of them."""
    rows = row_count(spec, inputs)
    shapes = {}
    for tensor in spec.inputs:
        value = inputs[tensor.name]
        longest = int(value.counts.max(initial=0)) if isinstance(value, Ragged) else 0
        length = min(max(longest, tensor.min_length, 1), tensor.max_length or longest)
        shapes[tensor.name] = (rows, *(length if dim == -1 else dim for dim in tensor.dims))
    return [Request(np.arange(rows), shapes)] if rows else []


def planned(batching: Batching, spec: ModelSpec, inputs: Tensors) -> list[Request]:
    """As the package does."""
    return plan(spec, inputs, batching)


def to_longest_possible(spec: ModelSpec, inputs: Tensors) -> list[Request]:
    """Padded to what the network takes at most."""
    limits = (tensor.max_length or 100 for tensor in spec.inputs)
    return plan(spec, inputs, Batching(buckets=(max(limits),)))


def paddings(chunk_size: int) -> dict[str, Padding]:
    """What is compared."""
    batchings = {
        OURS: Batching(),
        "buckets, 16 rows": Batching(max_rows=16),
        "buckets, 32 rows": Batching(max_rows=32),
        "buckets, 128 rows": Batching(max_rows=128),
        "coarse buckets, 64 rows": Batching(buckets=COARSE),
        "finer buckets, 64 rows": Batching(buckets=FINER),
        "every length its own, 64 rows": Batching(buckets=()),
    }
    return {
        CMS: Padding(1, to_longest_row),
        "a row alone": Padding(1, partial(planned, Batching(max_rows=1, buckets=()))),
        "to the longest possible, 64 rows": Padding(chunk_size, to_longest_possible),
        **{
            name: Padding(chunk_size, partial(planned, batching))
            for name, batching in batchings.items()
        },
    }


@dataclass(frozen=True)
class Pass:
    """All rows evaluated once: what it took, and the answers."""

    cpu_s: float
    requests: int
    places: int
    answers: Dense


async def evaluate(
    spec: ModelSpec, client: OnnxClient, padding: Padding, events: list[Tensors]
) -> Pass:
    """Evaluates all rows in one way."""
    size = padding.chunk_size
    chunks = [together(events[start : start + size]) for start in range(0, len(events), size)]
    parts: list[Dense] = []
    requests = places = 0
    started = time.process_time()
    for inputs in chunks:
        wanted = padding.planner(spec, inputs)
        answers = [await _answer(spec, client, inputs, request) for request in wanted]
        joined = list(zip(wanted, answers, strict=True))
        parts.append(join(spec, row_count(spec, inputs), joined))
        requests += len(wanted)
        places += sum(_places(spec, request) for request in wanted)
    cpu_s = time.process_time() - started
    answered = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Pass(cpu_s, requests, places, answered)


async def _answer(spec: ModelSpec, client: OnnxClient, inputs: Tensors, request: Request) -> Dense:
    return check(spec, request, await client.infer(spec.name, fill(spec, inputs, request)))


def _places(spec: ModelSpec, request: Request) -> int:
    """Candidates and paddings that the network sees: of the longest input."""
    return max(
        int(shape[0] * shape[1 + tensor.dims.index(-1)])
        for tensor in spec.inputs
        if -1 in tensor.dims and (shape := request.shapes[tensor.name])
    )


def measure(
    spec: ModelSpec, events: list[Tensors], ways: Mapping[str, Padding], repetitions: int
) -> dict[str, list[Pass]]:
    """Passes in turn, again and again, in another order each time.

    Raises:
        ValueError: an answer depends on the padding.
    """
    client = OnnxClient({spec.name: spec}, here)
    client.load()
    passes: dict[str, list[Pass]] = {name: [] for name in ways}
    for repetition in range(repetitions):
        names = list(ways)
        for name in names[repetition % len(names) :] + names[: repetition % len(names)]:
            found = asyncio.run(evaluate(spec, client, ways[name], events))
            passes[name].append(found)
            reference = (passes[CMS] or [found])[0]
            for output, array in found.answers.items():
                difference = np.max(
                    np.abs(np.subtract(array, reference.answers[output])), initial=0
                )
                if difference > 1e-4:
                    raise ValueError(f"{name}: output {output} differs by {difference}")
    return passes


def report(spec: ModelSpec, events: Sequence[Tensors], passes: Mapping[str, list[Pass]]) -> None:
    """Prints the table of a network."""
    inputs = together(events)
    rows = row_count(spec, inputs)
    longest = max(int(value.counts.sum()) for value in inputs.values() if isinstance(value, Ragged))
    print(f"\n{spec}: {rows} rows of {len(events)} events, {longest / rows:.1f} places a row\n")
    print("| requests of | requests | places, padded/real | CPU ms a row | CMS's way/this |")
    print("|---|--:|--:|--:|--:|")
    for name, found in passes.items():
        pairs = zip(passes[CMS], found, strict=True)
        cells = [
            str(found[0].requests),
            f"{found[0].places / longest:.2f}",
            spread([1e3 * one.cpu_s / rows for one in found], 3),
            spread([cms.cpu_s / one.cpu_s for cms, one in pairs], 2),
        ]
        print(f"| {name} | {' | '.join(cells)} |")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = command_line(__doc__, repetitions=7)
    parser.add_argument("--only", nargs="*", help="ways whose names contain one of these")
    return parser.parse_args()


def main() -> None:
    """Measures and prints."""
    given = arguments()
    with scratch_job(given) as config:
        asked: Recorder = recorded(config, chunk_size=1)
        ways = paddings(config.options.chunk_size)
    wanted = {
        name: way
        for name, way in ways.items()
        if name == CMS or not given.only or any(part in name for part in given.only)
    }
    for model, spec in asked.specs.items():
        if any(-1 in tensor.dims for tensor in spec.inputs):
            events = asked.asked[model]
            report(spec, events, measure(spec, events, wanted, given.repetitions))


if __name__ == "__main__":
    main()
