"""The timing of two ways to run a job, side by side, from the reports of repeated runs."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

_MILLI = 1e3
_MEGA = 1e6

_LONG = 20
_LITTLE = 0.01
"""Of the CPU time, for a module to be listed apart where there are more than ``_LONG``."""


@dataclass(frozen=True)
class Spread:
    """A number of repeated runs: median and range."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Of at least one value."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class PhaseTime:
    """Milliseconds per event of a module's phase, medians of the runs.

    Attributes:
        cpu_ms: CPU time in worker threads.
        wall_ms: wall time in worker threads.
        waited_ms: from start to end less ``wall_ms``: for a thread, or for a server's answer.
    """

    cpu_ms: float
    wall_ms: float
    waited_ms: float


@dataclass(frozen=True)
class Phase:
    """A module's phase in both ways; None where one does not have it."""

    module: str
    phase: str
    a: PhaseTime | None
    b: PhaseTime | None


@dataclass(frozen=True, kw_only=True)
class NetworkTime:
    """Requests to a model on a backend, medians of the runs."""

    model: str
    backend: str
    inferences: float
    requests: float
    p50_ms: float
    p95_ms: float
    mb_in: float
    mb_out: float


@dataclass(frozen=True, kw_only=True)
class RunTime:
    """One of the two ways to run.

    Attributes:
        cpu_ms: CPU time of the whole process per event; a server's is not in it.
        start_up_s: before the first event, no part of ``events_per_s``.
        awaited_ms: wall time per event with an answer of a server awaited.
        hidden: share of it in which the threads had other work; 0 if nothing was awaited.
    """

    events: int
    repetitions: int
    events_per_s: Spread
    cpu_ms: Spread
    start_up_s: Spread
    peak_memory_mb: Spread
    awaited_ms: Spread
    hidden: Spread
    networks: tuple[NetworkTime, ...]


@dataclass(frozen=True)
class TimingComparison:
    """Both ways.

    Attributes:
        ratio: events per second of the second over the first, run by run in their order.
    """

    a: RunTime
    b: RunTime
    ratio: Spread
    phases: tuple[Phase, ...]


def compare_reports(
    a: Sequence[Mapping[str, Any]], b: Sequence[Mapping[str, Any]]
) -> TimingComparison:
    """Compares the JSON forms of the reports of interleaved runs, at least one of each.

    Args:
        a: of one way to run, in the order in which they ran.
        b: as many of the other.
    """
    times = [_phases(reports) for reports in (a, b)]
    ratios = [
        two["events_per_s"] / one["events_per_s"] if one["events_per_s"] else 0.0
        for one, two in zip(a, b, strict=True)
    ]
    return TimingComparison(
        a=_run(a),
        b=_run(b),
        ratio=Spread.of(ratios),
        phases=tuple(
            Phase(key[0], key[1], times[0].get(key), times[1].get(key)) for key in _merged(*times)
        ),
    )


def _merged(a: Mapping[tuple[str, str], Any], b: Mapping[tuple[str, str], Any]) -> list[Any]:
    """The keys of both: those that only one has stand after what precedes them there."""
    keys = list(a)
    before = None
    for key in b:
        if key not in a:
            keys.insert(keys.index(before) + 1 if before is not None else 0, key)
        before = key
    return keys


def _phases(reports: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], PhaseTime]:
    found: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for report in reports:
        scale = _per_event(report)
        for phase in report["phases"]:
            waited_s = max(0.0, phase["elapsed_s"] - phase["busy_s"])
            times = (phase["cpu_s"] * scale, phase["busy_s"] * scale, waited_s * scale)
            found.setdefault((phase["module"], phase["phase"]), []).append(times)
    return {
        key: PhaseTime(*(statistics.median(column) for column in zip(*rows, strict=True)))
        for key, rows in found.items()
    }


def _run(reports: Sequence[Mapping[str, Any]]) -> RunTime:
    def spread(value: Callable[[Mapping[str, Any]], float]) -> Spread:
        return Spread.of([value(report) for report in reports])

    return RunTime(
        events=reports[0]["events"],
        repetitions=len(reports),
        events_per_s=spread(lambda report: report["events_per_s"]),
        cpu_ms=spread(lambda report: report["cpu_s"] * _per_event(report)),
        start_up_s=spread(lambda report: report["start_up_s"]),
        peak_memory_mb=spread(lambda report: report["peak_memory_bytes"] / _MEGA),
        awaited_ms=spread(lambda report: report["awaited_s"] * _per_event(report)),
        hidden=spread(_hidden),
        networks=_networks(reports),
    )


def _hidden(report: Mapping[str, Any]) -> float:
    return report["hidden_s"] / report["awaited_s"] if report["awaited_s"] else 0.0


def _networks(reports: Sequence[Mapping[str, Any]]) -> tuple[NetworkTime, ...]:
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for report in reports:
        for network in report["networks"]:
            found.setdefault((network["model"], network["backend"]), []).append(network)
    scales = {
        "inferences": ("rows", 1.0),
        "requests": ("requests", 1.0),
        "p50_ms": ("latency_p50_s", _MILLI),
        "p95_ms": ("latency_p95_s", _MILLI),
        "mb_in": ("bytes_in", 1 / _MEGA),
        "mb_out": ("bytes_out", 1 / _MEGA),
    }
    return tuple(
        NetworkTime(
            model=model,
            backend=backend,
            **{
                name: statistics.median(network[key] * scale for network in networks)
                for name, (key, scale) in scales.items()
            },
        )
        for (model, backend), networks in found.items()
    )


def _per_event(report: Mapping[str, Any]) -> float:
    return _MILLI / report["events"] if report["events"] else 0.0


def small_modules(timing: TimingComparison) -> set[str]:
    """What need not be listed apart where there are many modules: without network, little CPU."""
    modules = {phase.module for phase in timing.phases}
    networks = {phase.module for phase in timing.phases if phase.phase == "infer"}
    if len(modules) <= _LONG:
        return set()
    used_ms = dict.fromkeys(modules, 0.0)
    for phase in timing.phases:
        used_ms[phase.module] += max(
            (time.cpu_ms for time in (phase.a, phase.b) if time is not None), default=0.0
        )
    total_ms = sum(used_ms.values())
    return {name for name in modules - networks if used_ms[name] < _LITTLE * total_ms}
