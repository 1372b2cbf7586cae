"""What is in a file: branches, sizes, how it was made."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sonicmini.io.event_tree import BranchSummary, event_tree
from sonicmini.io.metadata import Metadata, read_metadata
from sonicmini.io.miniaod import MINIAOD, MINIAOD_FORMAT
from sonicmini.io.schema import AOD, FORMAT_NAME
from sonicmini.io.validation import check_bytes, input_errors, is_remote, opened

# Only a counter has room for a collection's title in the file; the others are looked up here.
_TABLES = {FORMAT_NAME: AOD, MINIAOD_FORMAT[0]: MINIAOD}


@dataclass(frozen=True)
class CollectionSummary:
    """The branches with a common prefix, their counter included."""

    name: str
    title: str
    branches: tuple[BranchSummary, ...]

    @property
    def compressed_bytes(self) -> int:
        """In the file."""
        return sum(branch.compressed_bytes for branch in self.branches)

    @property
    def uncompressed_bytes(self) -> int:
        """In memory."""
        return sum(branch.uncompressed_bytes for branch in self.branches)


@dataclass(frozen=True)
class FileSummary:
    """A file as ``sonicmini inspect`` shows it.

    Attributes:
        bytes: size of the file; None if it is remote.
        kind: how it holds the events, ``TTree`` or ``RNTuple``.
        collections: the largest in the file first, as CMS's edmEventSize sorts them.
        format_name: None if the file does not say.
        provenance: what the file says of how it was made, by topic.
    """

    path: str
    bytes: int | None
    events: int
    kind: str
    collections: tuple[CollectionSummary, ...]
    format_name: str | None
    format_version: int | None
    provenance: Mapping[str, Any]

    @property
    def branches(self) -> tuple[BranchSummary, ...]:
        """All branches, collection by collection."""
        return tuple(branch for one in self.collections for branch in one.branches)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it, with the sums of the collections."""
        summary = asdict(self)
        for collection, entry in zip(self.collections, summary["collections"], strict=True):
            entry["compressed_bytes"] = collection.compressed_bytes
            entry["uncompressed_bytes"] = collection.uncompressed_bytes
        return summary


def inspect_file(path: str | Path) -> FileSummary:
    """Summarises an AOD-like or Mini-AOD file, or any with ``Events``; reads none of them.

    Raises:
        InputError: the file is missing, no ROOT file or damaged, or has no ``Events``.
    """
    file = str(path)
    if not is_remote(file):
        check_bytes(file)
    with opened(file) as directory, input_errors(file, "reading its structure"):
        tree = event_tree(directory, file)
        metadata = read_metadata(directory)
        return FileSummary(
            path=file,
            bytes=None if is_remote(file) else Path(file).stat().st_size,
            events=tree.entries,
            kind=tree.kind,
            collections=_collections(tree.branches, _known_titles(metadata)),
            format_name=metadata.format_name if metadata else None,
            format_version=metadata.format_version if metadata else None,
            provenance=metadata.provenance if metadata else {},
        )


def _known_titles(metadata: Metadata | None) -> dict[str, str]:
    table = _TABLES.get(metadata.format_name, {}) if metadata else {}
    return {collection.prefix: collection.title for collection in table.values()}


def _collections(
    branches: Iterable[BranchSummary], known_titles: Mapping[str, str]
) -> tuple[CollectionSummary, ...]:
    summaries = list(branches)
    prefixes = {branch.name.partition("_")[0] for branch in summaries}
    groups: dict[str, list[BranchSummary]] = {}
    titles = dict(known_titles)
    for branch in summaries:
        prefix = branch.name.partition("_")[0]
        if prefix[:1] == "n" and prefix[1:] in prefixes:
            prefix = prefix[1:]
            titles[prefix] = branch.title
        groups.setdefault(prefix, []).append(branch)
    collections = [
        CollectionSummary(prefix, titles.get(prefix, ""), tuple(group))
        for prefix, group in groups.items()
    ]
    return tuple(sorted(collections, key=lambda one: one.compressed_bytes, reverse=True))
