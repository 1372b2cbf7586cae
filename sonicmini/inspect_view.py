"""A file's summary as a user reads it on the terminal."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from sonicmini.io.event_tree import BranchSummary
from sonicmini.io.inspect import CollectionSummary, FileSummary

_KILO = 1e3
_MEGA = 1e6


def render_summary(summary: FileSummary) -> RenderableType:
    """Lays out events, sizes of collections, branches and provenance."""
    parts: list[RenderableType] = [Text(_headline(summary)), Text(), _collection_table(summary)]
    parts += [Text(), _branch_table(summary)]
    if summary.provenance:
        parts += [Text(), *_provenance(summary.provenance)]
    return Group(*parts)


def _headline(summary: FileSummary) -> str:
    size = "" if summary.bytes is None else f", {summary.bytes / _MEGA:.2f} MB"
    events = f"{summary.path}: {summary.events} events{size} as {summary.kind}"
    if summary.format_name is None:
        return f"{events}, format not stated"
    return f"{events}, {summary.format_name} version {summary.format_version}"


def _collection_table(summary: FileSummary) -> Table:
    table = _table("Collections, largest first", "collection", "branches")
    total = sum(one.compressed_bytes for one in summary.collections)
    for one in summary.collections:
        sizes = _sizes(one, summary.events, total)
        table.add_row(one.name, *sizes, str(len(one.branches)), _shortened(one.title))
    return table


def _branch_table(summary: FileSummary) -> Table:
    table = _table("Branches", "branch", "type")
    total = sum(branch.compressed_bytes for branch in summary.branches)
    for branch in summary.branches:
        sizes = _sizes(branch, summary.events, total)
        table.add_row(branch.name, *sizes, Text(branch.type), _shortened(branch.title))
    return table


def _table(title: str, name: str, last: str) -> Table:
    """Name and sizes come first and are never cut; titles get what a narrow terminal leaves."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column(name, no_wrap=True)
    for heading in ("kB/event", "share", "memory", "ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column(last, no_wrap=True)
    table.add_column("title")
    return table


def _shortened(title: str) -> Text:
    # Not the column's own setting: of columns that must not wrap all are cut when room is short.
    return Text(title, no_wrap=True, overflow="ellipsis")


def _sizes(one: BranchSummary | CollectionSummary, events: int, total: int) -> tuple[str, ...]:
    """In kB per event, with the share in the whole and the factor of the compression."""
    if not events or not one.compressed_bytes:
        return "-", "-", "-", "-"
    return (
        f"{one.compressed_bytes / events / _KILO:.3f}",
        f"{one.compressed_bytes / total:.1%}",
        f"{one.uncompressed_bytes / events / _KILO:.3f}",
        f"{one.uncompressed_bytes / one.compressed_bytes:.1f}",
    )


def _provenance(provenance: Mapping[str, Any]) -> Iterator[RenderableType]:
    yield Text("Provenance", style="italic")
    for topic, content in provenance.items():
        tree = Tree(Text(topic), guide_style="dim")
        _grow(tree, content)
        yield tree


def _grow(tree: Tree, content: Any) -> None:  # noqa: ANN401 - JSON
    if isinstance(content, dict):
        for key, value in content.items():
            if isinstance(value, dict) and value:
                _grow(tree.add(Text(str(key))), value)
            else:
                tree.add(Text(f"{key}: {_spell(value)}"))
    elif isinstance(content, list):
        for value in content:
            tree.add(Text(_spell(value)))
    else:
        tree.add(Text(_spell(content)))


def _spell(value: Any) -> str:  # noqa: ANN401 - JSON
    return value if isinstance(value, str) else json.dumps(value)
