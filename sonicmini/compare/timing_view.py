"""The timing of two ways to run a job as a user reads it on the terminal."""

from collections import Counter
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sonicmini.compare.timing import (
    NetworkTime,
    PhaseTime,
    RunTime,
    Spread,
    TimingComparison,
    small_modules,
)


def render_timing(timing: TimingComparison) -> RenderableType:
    """Lays out phases, networks and throughput of both ways, A and B."""
    parts: list[RenderableType] = [_phase_table(timing)]
    if timing.a.networks or timing.b.networks:
        parts += [Text(), _network_table(timing)]
    return Group(*parts, Text(), _run_table(timing))


def _phase_table(timing: TimingComparison) -> Table:
    table = _table("Time, ms per event", "")
    for heading in ("CPU A", "CPU B", "B/A", "wall A", "wall B", "waited A", "waited B"):
        table.add_column(heading, justify="right", no_wrap=True)
    phases = Counter(phase.module for phase in timing.phases)
    small = small_modules(timing)
    for phase in timing.phases:
        if phase.module in small:
            continue
        alone = phases[phase.module] == 1
        name = phase.module if alone else f"{phase.module} {phase.phase}"
        table.add_row(Text(name), *_phase_cells(phase.a, phase.b))
    if small:
        others = [phase for phase in timing.phases if phase.module in small]
        sums = [_sum(phase.a for phase in others), _sum(phase.b for phase in others)]
        table.add_row(f"{len(small)} others", *_phase_cells(*sums))
    table.add_section()
    total = [_sum(phase.a for phase in timing.phases), _sum(phase.b for phase in timing.phases)]
    table.add_row("all", *_phase_cells(*total))
    return table


def _sum(times: Iterable[PhaseTime | None]) -> PhaseTime:
    known = [time for time in times if time is not None]
    return PhaseTime(
        sum(time.cpu_ms for time in known),
        sum(time.wall_ms for time in known),
        sum(time.waited_ms for time in known),
    )


def _phase_cells(a: PhaseTime | None, b: PhaseTime | None) -> list[str]:
    cpu = [None if time is None else time.cpu_ms for time in (a, b)]
    wall = [None if time is None else time.wall_ms for time in (a, b)]
    waited = [None if time is None else time.waited_ms for time in (a, b)]
    return [*map(_ms, cpu), _ratio(*cpu), *map(_ms, wall), *map(_ms, waited)]


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _ratio(a: float | None, b: float | None) -> str:
    return f"{b / a:.2f}" if a and b is not None else "-"


def _network_table(timing: TimingComparison) -> Table:
    table = _table("Networks", "", "model", "backend")
    for heading in ("inferences", "requests", "p50 ms", "p95 ms", "MB in", "MB out"):
        table.add_column(heading, justify="right", no_wrap=True)
    for side, run in (("A", timing.a), ("B", timing.b)):
        for network in run.networks:
            table.add_row(
                side, Text(network.model), Text(network.backend), *_network_cells(network)
            )
    return table


def _network_cells(network: NetworkTime) -> list[str]:
    return [
        f"{network.inferences:.0f}",
        f"{network.requests:.0f}",
        f"{network.p50_ms:.1f}",
        f"{network.p95_ms:.1f}",
        f"{network.mb_in:.1f}",
        f"{network.mb_out:.2f}",
    ]


def _run_table(timing: TimingComparison) -> Table:
    title = f"{timing.a.events} events"
    if timing.a.repetitions > 1:
        title += f", medians and ranges of {timing.a.repetitions} runs of each, in turns"
    table = _table(title, "")
    for heading in ("A", "B", "B/A"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_row(
        "events/s",
        _spread(timing.a.events_per_s, 1),
        _spread(timing.b.events_per_s, 1),
        _spread(timing.ratio, 2),
    )
    for name, a, b, digits in _totals(timing.a, timing.b):
        table.add_row(name, _spread(a, digits), _spread(b, digits), _ratio(a.median, b.median))
    return table


def _totals(a: RunTime, b: RunTime) -> Iterable[tuple[str, Spread, Spread, int]]:
    yield "CPU ms per event", a.cpu_ms, b.cpu_ms, 1
    yield "start-up s", a.start_up_s, b.start_up_s, 1
    yield "peak memory MB", a.peak_memory_mb, b.peak_memory_mb, 0
    if a.awaited_ms.high or b.awaited_ms.high:
        yield "answers awaited, ms", a.awaited_ms, b.awaited_ms, 2
        yield "share of it hidden", a.hidden, b.hidden, 2


def _spread(spread: Spread, digits: int) -> str:
    if spread.low == spread.high:
        return f"{spread.median:.{digits}f}"
    return f"{spread.median:.{digits}f} ({spread.low:.{digits}f}-{spread.high:.{digits}f})"


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table
