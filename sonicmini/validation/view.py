"""The verdict as a user reads it on the terminal."""

import math
from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sonicmini.validation.verdict import Finding, Verdict

_TITLE = "Entries per event, means or ratios; 28.36(10) is 28.36 with an error of 0.10"
_ROUNDING = 1e-6
_COLOURS = {"agrees": "green", "deviates": "bold red", "not measured": "red"}


def render(verdict: Verdict, made: Mapping[str, Any]) -> RenderableType:
    """A table of all quantities and the sum of them in a line.

    Args:
        verdict: of a file.
        made: how the reference was made.
    """
    table = Table(title=_TITLE, title_justify="left", box=None, pad_edge=False)
    table.add_column("quantity", no_wrap=True)
    for name in ("file", "reference", "probability"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True, min_width=9)
    for finding in verdict.findings:
        table.add_row(*_cells(finding))
    return Group(table, Text(), _summary(verdict, made))


def _cells(finding: Finding) -> list[str | Text]:
    deviation = finding.deviation
    status = finding.reason or finding.status
    return [
        finding.quantity.name,
        _number(finding.ours),
        _number(finding.reference),
        "" if deviation is None else f"{deviation.probability:.2g}",
        Text(status, style=_COLOURS.get(finding.status, "")),
    ]


def _number(number: tuple[float, float]) -> str:
    value, error = number
    if math.isnan(value):
        return ""
    if error <= _ROUNDING * abs(value):
        return f"{value:.4g}"
    digits = max(1 - math.floor(math.log10(error)), 0)
    return f"{value:.{digits}f}({round(error * 10**digits)})"


def _summary(verdict: Verdict, made: Mapping[str, Any]) -> Text:
    counts: dict[str, int] = {}
    for finding in verdict.findings:
        counts[finding.status] = counts.get(finding.status, 0) + 1
    parts = ", ".join(f"{count} {status}" for status, count in counts.items())
    how = ", ".join(f"{name} {value}" for name, value in made.items())
    style = "green" if verdict.agrees else "bold red"
    return Text(f"{parts} (reference: {how})", style=style)
