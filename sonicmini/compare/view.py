"""A comparison as a user reads it on the terminal: short when all is well."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sonicmini.compare.branches import BranchComparison, Place
from sonicmini.compare.events import EventId, EventMatch
from sonicmini.compare.files import Contrast, FileComparison
from sonicmini.compare.timing import TimingComparison
from sonicmini.compare.timing_view import render_timing

_LISTED = 5
_CONTRASTS = 12
_LONGEST = 24


def render_comparison(
    files: FileComparison, timing: TimingComparison | None, names: tuple[str, str]
) -> RenderableType:
    """Lays out the timing, what differs and, last, the verdict.

    Args:
        files: what was found in the files.
        timing: of the runs that made them; None if there were none.
        names: what the two sides are called.
    """
    parts: list[RenderableType] = [Text(f"A  {names[0]}\nB  {names[1]}")]
    if timing is not None:
        parts += [Text(), render_timing(timing)]
    for part in _content(files):
        parts += [Text(), part]
    return Group(*parts, Text(), Text(verdict_line(files), style=_style(files)))


def verdict_line(files: FileComparison) -> str:
    """The line that ends a comparison."""
    branches = len(files.branches)
    if files.verdict == "agree":
        events = files.events.common
        return f"The outputs agree: {events} events, {branches} branches, all values the same"
    if files.verdict == "agree within tolerance":
        near = sum(branch.verdict != "agree" for branch in files.branches)
        return (
            f"The outputs agree within tolerance: {branches - near} branches the same, {near}"
            f" within {files.tolerance:g}"
        )
    reasons = [] if files.events.agrees else ["other events"]
    names = files.differing
    if names:
        more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        reasons.append(f"{', '.join(names[:_LISTED])}{more}")
    return f"The outputs differ: {'; '.join(reasons)}"


def _style(files: FileComparison) -> str:
    return "bold red" if files.verdict == "differ" else "bold green"


def _content(files: FileComparison) -> Iterator[RenderableType]:
    yield Text("\n".join((*_events(files.events), _scope(files), *_structure(files))))
    for verdict, title in (
        ("differ", "Branches that differ"),
        ("agree within tolerance", "Branches that differ by no more than they may"),
    ):
        chosen = [branch for branch in files.branches if branch.verdict == verdict]
        if chosen:
            yield _branch_table(title, chosen)
    if files.provenance:
        yield _contrast_table(files.provenance)


def _events(events: EventMatch) -> Iterator[str]:
    if events.agrees:
        yield f"{events.common} events, the same in the same order"
        return
    yield f"{events.events_a} events in A, {events.events_b} in B, {events.common} in both"
    for side, total, listed in (
        ("A", events.events_a, events.only_a),
        ("B", events.events_b, events.only_b),
    ):
        if listed:
            yield f"only in {side}: {_list(listed, total - events.common)}"
    if events.first_out_of_order is not None:
        yield (
            f"in another order: {events.out_of_order} events of B come too early, the first in A"
            f" is {events.first_out_of_order}"
        )


def _scope(files: FileComparison) -> str:
    near = sum(branch.tolerance is not None for branch in files.branches)
    scope = f"compared to the last bit: {len(files.branches) - near} branches"
    if near:
        scope += f"; within {files.tolerance:g}: {near}"
        scope += f" ({', '.join(files.products)})" if files.products else ""
    if files.products is None:
        scope += "; the files do not tell what follows from a network"
    return scope


def _structure(files: FileComparison) -> Iterator[str]:
    for side, names in (("A", files.only_a), ("B", files.only_b)):
        if names:
            yield f"branches only in {side}: {_list(names, len(names))}"
    for one in files.types:
        yield f"branch {one.name} is {one.a} in A and {one.b} in B"


def _list(items: Iterable[EventId | str], total: int) -> str:
    shown = [str(item) for item in items][:_LISTED]
    more = f" and {total - len(shown)} more" if total > len(shown) else ""
    return ", ".join(shown) + more


def _branch_table(title: str, branches: Iterable[BranchComparison]) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("branch", overflow="fold")
    for heading in ("differ", "max", "relative", "worst", "A", "B"):
        table.add_column(heading, justify="right", no_wrap=True)
    for branch in branches:
        if branch.first_count is not None:
            first = branch.first_count
            counts = (f"{branch.counts_differing} events", "", "", str(first.event))
            table.add_row(Text(f"{branch.name} (values)"), *counts, str(first.a), str(first.b))
        if branch.worst is not None:
            table.add_row(Text(branch.name), *_cells(branch, branch.worst))
    where = Text("worst: run:luminosityBlock:event [object]", style="dim")
    return Group(Text(title, style="italic"), table, where)


def _cells(branch: BranchComparison, worst: Place) -> Iterator[str]:
    yield f"{branch.differing}/{branch.compared}"
    yield f"{branch.max_absolute:.2g}"
    yield f"{branch.max_relative:.2g}"
    yield str(worst.event) + ("" if worst.index is None else f" [{worst.index}]")
    yield _number(worst.a)
    yield _number(worst.b)


def _number(value: object) -> str:
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def _contrast_table(contrasts: tuple[Contrast, ...]) -> RenderableType:
    table = Table(title="Made differently", title_justify="left", box=None, pad_edge=False)
    table.add_column("", overflow="fold")
    for heading in ("A", "B"):
        table.add_column(heading, overflow="fold")
    for one in contrasts[:_CONTRASTS]:
        table.add_row(Text(one.name), Text(_short(one.a)), Text(_short(one.b)))
    if len(contrasts) <= _CONTRASTS:
        return table
    return Group(table, Text(f"and {len(contrasts) - _CONTRASTS} more (--json has all)"))


def _short(value: Any) -> str:  # noqa: ANN401 - JSON
    if value is None:
        return "-"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
