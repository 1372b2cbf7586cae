"""The verdict as a user reads it on the terminal."""

import math
from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sonicmini.validation.verdict import Finding, Verdict

_COLOURS = {"agrees": "green", "deviates": "bold red", "not measured": "red"}


def render(verdict: Verdict, made: Mapping[str, Any]) -> RenderableType:
    """A table of all quantities and the sum of them in a line.

    Args:
        verdict: of a file.
        made: how the reference was made.
    """
    table = Table(title="Entries per event, or ratios", title_justify="left", box=None)
    for name in ("quantity", "file", "reference", "chi2/dof", "probability", ""):
        table.add_column(name, justify="left" if name in ("quantity", "") else "right")
    for finding in verdict.findings:
        table.add_row(*_cells(finding))
    return Group(table, Text(), _summary(verdict, made))


def _cells(finding: Finding) -> list[str | Text]:
    outcome: list[str | Text] = ["", ""]
    if finding.deviation is not None:
        chi2, degrees, probability = finding.deviation
        outcome = [f"{chi2:.1f}/{degrees}", f"{probability:.2g}"]
    status = finding.reason or finding.status
    return [
        finding.quantity.name,
        _number(finding.ours),
        _number(finding.reference),
        *outcome,
        Text(status, style=_COLOURS.get(finding.status, "")),
    ]


def _number(number: tuple[float, float]) -> str:
    value, error = number
    if math.isnan(value):
        return ""
    return f"{value:.4g} ± {error:.2g}"


def _summary(verdict: Verdict, made: Mapping[str, Any]) -> Text:
    counts: dict[str, int] = {}
    for finding in verdict.findings:
        counts[finding.status] = counts.get(finding.status, 0) + 1
    parts = ", ".join(f"{count} {status}" for status, count in counts.items())
    how = ", ".join(f"{name} {value}" for name, value in made.items())
    style = "green" if verdict.agrees else "bold red"
    return Text(f"{parts} (reference: {how})", style=style)
