"""The timing report as a user reads it on the terminal."""

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sonicmini.report import Network, Phase, Report

_MILLI = 1e3
_MEGA = 1e6
_LONG = 25
_LITTLE = 0.01
"""Of the CPU time: what a phase has to have to be listed in a table longer than ``_LONG``."""


def render(report: Report) -> RenderableType:
    """Lays out the report: one row a module and phase, one a network, one line in the end."""
    parts: list[RenderableType] = [_phase_table(report)]
    if report.networks:
        parts += [Text(), _network_table(report)]
    if any(network.server for network in report.networks.values()):
        parts += [Text(), _server_table(report)]
    if lines := [*_waiting(report), *_outages(report)]:
        parts += [Text(), Text("\n".join(lines))]
    return Group(*parts, Text(), Text(summary(report)))


def summary(report: Report) -> str:
    """The line that ends a run."""
    cores = report.cpu_s / report.loop_s if report.loop_s > 0 else 0.0
    return (
        f"{report.events} events in {report.loop_s:.2f} s: {report.throughput:.1f} events/s "
        f"on {cores:.2f} cores; start-up {report.start_up_s:.1f} s, "
        f"peak memory {report.peak_memory_bytes / _MEGA:.0f} MB\n"
        f"output: {report.output}{_skimmed(report)}"
    )


def _skimmed(report: Report) -> str:
    if ("skim", "select") not in report.phases:
        return ""
    share = report.events_written / report.events if report.events else 0.0
    return f", {report.events_written} of {report.events} events selected ({share:.1%})"


def _phase_table(report: Report) -> Table:
    table = Table(title="Time per event", title_justify="left", box=None, pad_edge=False)
    table.add_column("module")
    table.add_column("phase")
    for heading in ("calls", "CPU ms", "wall ms", "waited ms", "CPU share"):
        table.add_column(heading, justify="right")
    total = sum(phase.cpu_s for phase in report.phases.values())
    small = _small(report, total)
    for (module, name), phase in report.phases.items():
        if (module, name) not in small:
            table.add_row(module, name, str(phase.calls), *_per_event(phase, report.events, total))
    if small:
        others = _sum(small.values())
        table.add_row(f"{len(small)} others", "", "", *_per_event(others, report.events, total))
    table.add_section()
    everything = _sum(report.phases.values())
    table.add_row("all", "", "", *_per_event(everything, report.events, total))
    return table


def _small(report: Report, total_cpu_s: float) -> dict[tuple[str, str], Phase]:
    """What is left out of a long table: phases of little CPU, but for a network's first two."""
    if len(report.phases) <= _LONG:
        return {}
    return {
        (module, name): phase
        for (module, name), phase in report.phases.items()
        if name not in ("acquire", "infer") and phase.cpu_s < _LITTLE * total_cpu_s
    }


def _sum(phases: Iterable[Phase]) -> Phase:
    everything = Phase()
    for phase in phases:
        everything += phase
    return everything


def _per_event(phase: Phase, events: int, total_cpu_s: float) -> list[str]:
    scale = _MILLI / events if events else 0.0
    waited_s = max(0.0, phase.elapsed_s - phase.busy_s)
    share = phase.cpu_s / total_cpu_s if total_cpu_s > 0 else 0.0
    milliseconds = [phase.cpu_s * scale, phase.busy_s * scale, waited_s * scale]
    return [*(f"{value:.3f}" for value in milliseconds), f"{share:.1%}"]


def _network_table(report: Report) -> Table:
    failed = any(network.failures for network in report.networks.values())
    table = Table(title="Networks", title_justify="left", box=None, pad_edge=False)
    table.add_column("model", overflow="fold")
    table.add_column("backend", overflow="fold")
    for heading in ("inferences", "requests", "batch", "p50/95/99 ms", "MB in/out"):
        table.add_column(heading, justify="right", no_wrap=True)
    if failed:
        table.add_column("failed", justify="right", no_wrap=True)
    for (model, backend), network in report.networks.items():
        cells = _network_cells(network)
        table.add_row(model, backend, *cells, *([str(network.failures)] if failed else []))
    return table


def _network_cells(network: Network) -> list[str]:
    return [
        str(network.rows),
        str(network.requests),
        f"{network.rows / network.requests:.1f}" if network.requests else "-",
        "/".join(f"{network.latencies.quantile(q) * _MILLI:.1f}" for q in (0.50, 0.95, 0.99)),
        f"{network.bytes_in / _MEGA:.1f}/{network.bytes_out / _MEGA:.2f}",
    ]


def _server_table(report: Report) -> Table:
    table = Table(title="As the servers tell it", title_justify="left", box=None, pad_edge=False)
    table.add_column("model")
    table.add_column("backend")
    for heading in ("inferences", "executions", "queue ms", "compute ms", "whose"):
        table.add_column(heading, justify="right")
    for (model, backend), network in report.networks.items():
        if (server := network.server) is not None:
            scale = _MILLI / max(1, network.requests)
            alone = server.inferences <= network.rows
            table.add_row(
                model,
                backend,
                str(server.inferences),
                str(server.executions),
                f"{server.queue_s * scale:.2f}" if alone else "-",
                f"{server.compute_s * scale:.2f}" if alone else "-",
                "ours" if alone else "others' too",
            )
    return table


def _waiting(report: Report) -> Iterator[str]:
    if report.awaited_s > 0:
        share = report.hidden_s / report.awaited_s
        yield (
            f"answers were awaited for {report.awaited_s:.2f} s in all; {share:.1%} of it was"
            " hidden behind the work of this process"
        )


def _outages(report: Report) -> Iterator[str]:
    for server in report.servers:
        if server.outages:
            state = "; ".join(dict.fromkeys(server.fault.values())) or "back at the end"
            yield f"{server.name} failed {server.outages} time(s): {state}"
        for model in server.differing:
            yield f"{server.name} has another network {model} than the repository: accepted"
