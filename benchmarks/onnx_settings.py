"""Settings of onnxruntime for local inference: CPU time, wall time and memory, network by network.

``python -m benchmarks.onnx_settings configs/miniaod.yaml`` prints the tables of
``benchmarks/README.md``. Each run evaluates all requests of a job, as the package makes them, in a
process of its own, one after the other or on several threads at a time.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
import onnxruntime as ort

from benchmarks.common import command_line, in_process, scratch_job, spread
from benchmarks.recorded import recorded
from sonicmini.event import Tensors
from sonicmini.inference.batching import Batching, Dense, fill, plan
from sonicmini.inference.repository import ModelSpec

Call: TypeAlias = Callable[[Dense], object]
Level = ort.GraphOptimizationLevel
_STATUS: Final = Path("/proc/self/status")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is varied; the defaults are the package's.

    Attributes:
        threads: of onnxruntime in one call.
        calls: at the same time, as threads of the package make them.
        spinning: waiting threads of onnxruntime burn CPU time for a while.
        pattern: memory is planned for each shape and kept.
        arena: memory is kept for the next call.
        shared: one arena for all networks of the process.
        flush: numbers below 1e-38 are zero.
        binding: outputs are written where those of the last call of that shape were.
    """

    level: "ort.GraphOptimizationLevel" = Level.ORT_ENABLE_ALL
    threads: int = 1
    calls: int = 1
    spinning: bool = True
    pattern: bool = False
    arena: bool = True
    shared: bool = True
    flush: bool = False
    binding: bool = False

    def options(self) -> ort.SessionOptions:
        """As onnxruntime takes them."""
        options = ort.SessionOptions()
        options.graph_optimization_level = self.level
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.enable_mem_pattern = self.pattern
        options.enable_cpu_mem_arena = self.arena
        options.log_severity_level = 3
        for key, value in (
            ("session.use_env_allocators", self.shared and self.arena),
            ("session.intra_op.allow_spinning", self.spinning),
            ("session.set_denormal_as_zero", self.flush),
        ):
            options.add_session_config_entry(key, str(int(value)))
        return options


OURS = Settings()
VARIANTS: Final[Mapping[str, Settings]] = {
    "ours": OURS,
    "graph as it is": replace(OURS, level=Level.ORT_DISABLE_ALL),
    "basic optimisation": replace(OURS, level=Level.ORT_ENABLE_BASIC),
    "extended optimisation": replace(OURS, level=Level.ORT_ENABLE_EXTENDED),
    "memory pattern": replace(OURS, pattern=True),
    "no arena": replace(OURS, arena=False),
    "an arena each": replace(OURS, shared=False),
    "denormals as zero": replace(OURS, flush=True),
    "outputs bound": replace(OURS, binding=True),
    "2 calls": replace(OURS, calls=2),
    "2 calls, an arena each": replace(OURS, calls=2, shared=False),
    "2 calls, no arena": replace(OURS, calls=2, arena=False),
    "2 calls, memory pattern": replace(OURS, calls=2, pattern=True),
    "2 threads a call": replace(OURS, threads=2),
    "2 threads a call, no spinning": replace(OURS, threads=2, spinning=False),
}


@dataclass(frozen=True)
class Cost:
    """What a run took; seconds, and bytes at most beyond those before the network was loaded."""

    cpu_s: float
    wall_s: float
    memory: int


Network: TypeAlias = tuple[Path, Sequence[Dense]]
"""A network's file, and what it is asked."""


def run(networks: Sequence[Network], settings: Settings) -> Cost:
    """Loads networks, evaluates one request of each, then all of them against the clock."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here on
    before = _resident("VmRSS")
    if settings.shared:
        kind, place = ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, ort.OrtMemType.DEFAULT
        ort.create_and_register_allocator(ort.OrtMemoryInfo("Cpu", kind, 0, place), None)
    cpu_s = wall_s = 0.0
    sessions = []  # all networks stay loaded, as in a job
    for path, requests in networks:
        session = ort.InferenceSession(path, settings.options(), providers=["CPUExecutionProvider"])
        sessions.append(session)
        call = _bound(session) if settings.binding else _plain(session)
        call(requests[0])
        cpu, wall = time.process_time(), time.perf_counter()
        if settings.calls == 1:
            for request in requests:
                call(request)
        else:
            with ThreadPoolExecutor(settings.calls) as pool:
                list(pool.map(call, requests))
        cpu_s += time.process_time() - cpu
        wall_s += time.perf_counter() - wall
    return Cost(cpu_s, wall_s, _resident("VmHWM") - before)


def _resident(key: str) -> int:
    (line,) = (line for line in _STATUS.read_text().splitlines() if line.startswith(f"{key}:"))
    return int(line.split()[1]) * 1024


def _plain(session: ort.InferenceSession) -> Call:
    return lambda request: session.run(None, request)


def _bound(session: ort.InferenceSession) -> Call:
    outputs = [output.name for output in session.get_outputs()]
    kept: dict[int, list[ort.OrtValue]] = {}

    def call(request: Dense) -> object:
        binding = session.io_binding()
        for name, array in request.items():
            binding.bind_cpu_input(name, array)
        rows = len(next(iter(request.values())))
        for index, name in enumerate(outputs):
            if rows in kept:
                binding.bind_ortvalue_output(name, kept[rows][index])
            else:
                binding.bind_output(name)
        session.run_with_iobinding(binding)
        kept[rows] = binding.get_outputs()
        return [np.array(value.numpy()) for value in kept[rows]]

    return call


def requests_of(spec: ModelSpec, asked: Sequence[Tensors]) -> list[Dense]:
    """The requests that the package makes of what a network was asked."""
    return [
        fill(spec, inputs, request)
        for inputs in asked
        for request in plan(spec, inputs, Batching())
    ]


def measure(
    networks: Sequence[Network], variants: Mapping[str, Settings], repetitions: int
) -> dict[str, list[Cost]]:
    """Runs in turn, again and again, in another order each time."""
    costs: dict[str, list[Cost]] = {name: [] for name in variants}
    for repetition in range(repetitions):
        names = list(variants)
        for name in names[repetition % len(names) :] + names[: repetition % len(names)]:
            costs[name].append(in_process(run, networks, variants[name]))
    return costs


def report(title: str, networks: Sequence[Network], costs: Mapping[str, list[Cost]]) -> None:
    """Prints a table."""
    asked = [request for _, requests in networks for request in requests]
    rows = sum(len(next(iter(request.values()))) for request in asked)
    print(f"\n{title}: {rows} rows in {len(asked)} requests\n")
    print("| settings | CPU ms a row | wall ms a row | CPU, ours/this | memory MB |")
    print("|---|--:|--:|--:|--:|")
    for name, found in costs.items():
        pairs = zip(costs["ours"], found, strict=True)
        cells = [
            spread([1e3 * one.cpu_s / rows for one in found], 3),
            spread([1e3 * one.wall_s / rows for one in found], 3),
            spread([ours.cpu_s / one.cpu_s for ours, one in pairs], 2),
            spread([one.memory / 1e6 for one in found], 0),
        ]
        print(f"| {name} | {' | '.join(cells)} |")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = command_line(__doc__, repetitions=5)
    parser.add_argument("--models", nargs="*", help="of the job; all if none is named")
    parser.add_argument("--only", nargs="*", help="settings whose names contain one of these")
    return parser.parse_args()


def main() -> None:
    """Measures and prints."""
    given = arguments()
    with scratch_job(given) as config:
        asked = recorded(config)
    chosen = {
        name: settings
        for name, settings in VARIANTS.items()
        if name == "ours" or not given.only or any(part in name for part in given.only)
    }
    jobs = {
        str(spec): [(spec.path, requests_of(spec, asked.asked[model]))]
        for model, spec in asked.specs.items()
        if not given.models or model in given.models
    }
    if len(jobs) > 1:
        jobs["one after the other"] = [network for job in jobs.values() for network in job]
    for title, networks in jobs.items():
        report(title, networks, measure(networks, chosen, given.repetitions))


if __name__ == "__main__":
    main()
