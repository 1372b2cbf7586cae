"""The timing report as a user reads it on the terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sonicmini.report import Network, Phase, Report

_MILLI = 1e3
_MEGA = 1e6
_NETWORK_HEADINGS = (
    "inferences",
    "requests",
    "batch",
    "p50 ms",
    "p95 ms",
    "MB in",
    "MB out",
)


def render(report: Report) -> RenderableType:
    """Lays out the report: one row a module and phase, one a network, one line in the end."""
    parts: list[RenderableType] = [_phase_table(report)]
    if report.networks:
        parts += [Text(), _network_table(report)]
    return Group(*parts, Text(), Text(summary(report)))


def summary(report: Report) -> str:
    """The line that ends a run."""
    cores = report.cpu_s / report.loop_s if report.loop_s > 0 else 0.0
    return (
        f"{report.events} events in {report.loop_s:.2f} s: {report.throughput:.1f} events/s "
        f"on {cores:.2f} cores; start-up {report.start_up_s:.1f} s, "
        f"peak memory {report.peak_memory_bytes / _MEGA:.0f} MB\n"
        f"output: {report.output}"
    )


def _phase_table(report: Report) -> Table:
    table = Table(title="Time per event", title_justify="left", box=None, pad_edge=False)
    table.add_column("module")
    table.add_column("phase")
    for heading in ("calls", "CPU ms", "wall ms", "waited ms", "CPU share"):
        table.add_column(heading, justify="right")
    total = sum(phase.cpu_s for phase in report.phases.values())
    for (module, name), phase in report.phases.items():
        table.add_row(module, name, str(phase.calls), *_per_event(phase, report.events, total))
    everything = Phase()
    for phase in report.phases.values():
        everything += phase
    table.add_section()
    table.add_row("all", "", "", *_per_event(everything, report.events, total))
    return table


def _per_event(phase: Phase, events: int, total_cpu_s: float) -> list[str]:
    scale = _MILLI / events if events else 0.0
    waited_s = max(0.0, phase.elapsed_s - phase.busy_s)
    share = phase.cpu_s / total_cpu_s if total_cpu_s > 0 else 0.0
    milliseconds = [phase.cpu_s * scale, phase.busy_s * scale, waited_s * scale]
    return [*(f"{value:.3f}" for value in milliseconds), f"{share:.1%}"]


def _network_table(report: Report) -> Table:
    table = Table(title="Networks", title_justify="left", box=None, pad_edge=False)
    table.add_column("model")
    table.add_column("backend")
    for heading in (
        "inferences",
        "requests",
        "batch",
        "p50 ms",
        "p95 ms",
        "MB in",
        "MB out",
    ):
        table.add_column(heading, justify="right")
    for (model, backend), network in report.networks.items():
        table.add_row(model, backend, *_network_cells(network))
    return table


def _network_cells(network: Network) -> list[str]:
    sizes = network.batch_sizes
    span = f"{min(sizes)}-{max(sizes)}" if sizes else "-"
    return [
        str(network.rows),
        str(network.requests),
        f"{network.rows / network.requests:.1f} ({span})" if network.requests else "-",
        f"{network.latencies.quantile(0.50) * _MILLI:.1f}",
        f"{network.latencies.quantile(0.95) * _MILLI:.1f}",
        f"{network.bytes_in / _MEGA:.1f}",
        f"{network.bytes_out / _MEGA:.2f}",
    ]
