"""The picture of a comparison: time by module and throughput of both ways to run."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sonicmini.compare.timing import Phase, PhaseTime, TimingComparison, small_modules
from sonicmini.errors import ConfigError, OutputError
from sonicmini.io.partial_file import PartialFile, output_errors

_SUFFIXES = (".png", ".pdf", ".svg")
_COLOURS = ("#1f6fb4", "#d9792b")
_BAR = 0.38


def check_picture(path: Path) -> None:
    """Finds out before the runs whether a picture can be drawn.

    Raises:
        ConfigError: matplotlib is missing, or the name has no known ending.
        OutputError: the folder is missing or not writable.
    """
    if path.suffix not in _SUFFIXES:
        raise ConfigError(f"--picture {path}: its name must end in {', '.join(_SUFFIXES)}")
    _figure_class()
    if not os.access(path.absolute().parent, os.W_OK):
        raise OutputError(f"--picture {path}: its folder is missing or not writable")


def draw(timing: TimingComparison, path: Path, names: tuple[str, str], verdict: str) -> None:
    """Draws the picture; the ending of its name says of which kind.

    Args:
        timing: of the runs.
        path: of the picture.
        names: what the two sides are called.
        verdict: the line above.

    Raises:
        ConfigError: matplotlib is missing.
        OutputError: the picture cannot be written.
    """
    modules = _modules(timing)
    height = 2.4 + 0.36 * len(modules)
    figure = _figure_class()(figsize=(10, height), layout="constrained")
    figure.suptitle(
        f"A  {names[0]}\nB  {names[1]}\n{verdict}", fontsize=9, x=0.01, ha="left", parse_math=False
    )
    left, right = figure.subplots(1, 2, width_ratios=(3, 1))
    _draw_modules(left, modules)
    _draw_throughput(right, timing)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower left", ncols=4, fontsize=8)
    picture = PartialFile(path, overwrite=True)
    try:
        with output_errors(path):
            figure.savefig(picture.handle, dpi=100, format=path.suffix[1:])
        picture.publish()
    finally:
        picture.discard()


def _figure_class() -> Any:  # noqa: ANN401 - of an optional library
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - optional, and slow to import
    except ImportError as error:
        raise ConfigError("--picture needs matplotlib: pip install 'sonicmini[plot]'") from error
    return Figure


Row = tuple[str, tuple[float, float], tuple[float, float]]


def _modules(timing: TimingComparison) -> list[Row]:
    """Module, CPU milliseconds and milliseconds waited for answers, of A and of B."""
    small = small_modules(timing)
    groups: dict[str, list[Phase]] = {}
    for phase in timing.phases:
        label = f"{len(small)} others" if phase.module in small else phase.module
        groups.setdefault(label, []).append(phase)
    rows = []
    for label, own in groups.items():
        asked = [phase for phase in own if phase.phase == "infer"]
        rows.append(
            (
                label,
                (_cpu(phase.a for phase in own), _cpu(phase.b for phase in own)),
                (_waited(phase.a for phase in asked), _waited(phase.b for phase in asked)),
            )
        )
    return rows


def _cpu(times: Iterable[PhaseTime | None]) -> float:
    return sum(time.cpu_ms for time in times if time is not None)


def _waited(times: Iterable[PhaseTime | None]) -> float:
    return sum(time.waited_ms for time in times if time is not None)


def _draw_modules(axes: Any, rows: list[Row]) -> None:  # noqa: ANN401
    for side, (name, colour) in enumerate(zip("AB", _COLOURS, strict=True)):
        places = [row + (side - 0.5) * _BAR for row in range(len(rows))]
        cpu = [row[1][side] for row in rows]
        waited = [row[2][side] for row in rows]
        axes.barh(places, cpu, _BAR, color=colour, label=f"{name}: CPU time")
        axes.barh(
            places,
            waited,
            _BAR,
            left=cpu,
            facecolor="none",
            edgecolor=colour,
            hatch="////",
            linewidth=0.8,
            label=f"{name}: waiting for inference",
        )
    axes.set_yticks(range(len(rows)), [row[0] for row in rows], parse_math=False)
    axes.invert_yaxis()
    longest = max(
        (c + w for _, cpus, waits in rows for c, w in zip(cpus, waits, strict=True)), default=0
    )
    axes.set_xlim(0, 1.05 * longest or 1)
    axes.set_xlabel("ms per event, of the run's own process (a server's CPU time is not in it)")
    axes.set_title("Time by module", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_throughput(axes: Any, timing: TimingComparison) -> None:  # noqa: ANN401
    spreads = [timing.a.events_per_s, timing.b.events_per_s]
    medians = [spread.median for spread in spreads]
    errors = [
        [spread.median - spread.low for spread in spreads],
        [spread.high - spread.median for spread in spreads],
    ]
    repeated = timing.a.repetitions > 1
    bars = axes.bar(
        ["A", "B"], medians, 0.6, color=_COLOURS, yerr=errors if repeated else None, capsize=4
    )
    axes.bar_label(bars, fmt="%.1f", label_type="center", color="white")
    axes.set_ylabel("events per second")
    runs = timing.a.repetitions
    ratio = f"B/A = {timing.ratio.median:.2f}" + (f"\nmedian of {runs} pairs" if repeated else "")
    axes.set_title(f"Throughput, {timing.a.events} events\n{ratio}", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
