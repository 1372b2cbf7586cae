"""Writes the products of processed chunks to a ROOT file with NanoAOD's names."""

from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

import awkward as ak
import numpy as np
import uproot

from sonicmini.errors import ConfigError, ModuleError
from sonicmini.event import Chunk
from sonicmini.io.basket import Basket, BasketBuffer
from sonicmini.io.columns import (
    FlatProduct,
    StoredProduct,
    UnlistedProduct,
    Values,
    derive_product,
    flatten,
)
from sonicmini.io.columns import stored_product as from_table
from sonicmini.io.metadata import BRANCH_TITLES, METADATA_TREE, Metadata
from sonicmini.io.ntuple_writer import NTupleWriter
from sonicmini.io.partial_file import PartialFile, output_errors
from sonicmini.io.schema import Collection
from sonicmini.io.tree_writer import Algorithm, TreeBranch, TreeWriter, compression

EVENT_TREE = "Events"

EventFormat: TypeAlias = Literal["ttree", "rntuple"]

_WRITERS: dict[EventFormat, type[TreeWriter | NTupleWriter]] = {
    "ttree": TreeWriter,
    "rntuple": NTupleWriter,
}


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """How a file is written.

    Attributes:
        level: of the compression; None is the algorithm's usual one.
        overwrite: replace an existing file, when the new one is whole.
        format: of the events and the metadata in the file.
        basket_events: events of a basket, at most.
    """

    compression: Algorithm = "ZSTD"
    level: int | None = None
    overwrite: bool = False
    basket_events: int = 500
    format: EventFormat = "ttree"


class RootSink:
    """Writes ``Events``, in the order of the chunks, and at the end ``Runs``.

    The file stands under a temporary name until :meth:`finish`; :meth:`abort`, or leaving the
    ``with`` block early, removes it. Content and baskets do not depend on the size of the chunks.

    Args:
        path: of the file.
        products: what is written of each chunk, in this order. A product that no table knows gets
            the types of its first chunk, and no branch if there is no chunk.
        file_format: name and version of the format that the products make up.

    Raises:
        OutputError: the file cannot be made there; from any method: it cannot be written.
        ConfigError: two products claim the same branch; the compression is impossible.
    """

    def __init__(
        self,
        path: str | Path,
        products: Iterable[Collection | UnlistedProduct],
        *,
        file_format: tuple[str, int],
        options: OutputOptions | None = None,
    ) -> None:
        options = options or OutputOptions()
        self._wanted = tuple(products)
        self._format = file_format
        self._buffer = BasketBuffer(max_events=options.basket_events)
        self._stored: tuple[StoredProduct, ...] = ()
        self._tree: TreeWriter | NTupleWriter | None = None
        self._writer = _WRITERS[options.format]
        _refuse_shared_branches(self._wanted)
        algorithm = compression(options.compression, options.level)
        self._partial = PartialFile(Path(path), overwrite=options.overwrite)
        with self._guarded():
            self._file = uproot.recreate(self._partial.handle, compression=algorithm)
        tables = [wanted for wanted in self._wanted if isinstance(wanted, Collection)]
        if len(tables) == len(self._wanted):
            self._tree = self._create_tree(from_table(table) for table in tables)

    @property
    def path(self) -> Path:
        """Where the file will stand."""
        return self._partial.path

    def write(self, chunk: Chunk) -> None:
        """Appends a chunk.

        Raises:
            ModuleError: a product is not what its table promises.
        """
        if self._tree is None:
            self._tree = self._create_tree(_stored(wanted, chunk) for wanted in self._wanted)
        flat = [flatten(stored, _product(chunk, stored.product)) for stored in self._stored]
        _refuse_other_counts(self._stored, flat, chunk)
        for basket in self._buffer.add(self._stored, flat, chunk.size):
            self._extend(self._tree, basket)

    def finish(self, provenance: Mapping[str, Any]) -> None:
        """Writes what is left and the metadata, and gives the file its name.

        Args:
            provenance: what JSON can hold: configuration, modules, models, versions, inputs ...
        """
        if self._tree is None:
            tables = [wanted for wanted in self._wanted if isinstance(wanted, Collection)]
            self._tree = self._create_tree(from_table(table) for table in tables)
        rest = self._buffer.rest()
        if rest is not None:
            self._extend(self._tree, rest)
        with self._guarded():
            branches = Metadata(*self._format, provenance).to_branches()
            types = [
                TreeBranch(name, np.asarray(values).dtype, BRANCH_TITLES[name])
                for name, values in branches.items()
            ]
            self._writer(self._file, METADATA_TREE, types, {}).extend(branches, {})
        self._partial.publish()

    def abort(self) -> None:
        """Removes the unfinished file; does nothing after :meth:`finish`."""
        self._partial.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.abort()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Whatever goes wrong while the file is written, nothing stays."""
        try:
            with output_errors(self.path):
                yield
        except BaseException:
            self.abort()
            raise

    def _create_tree(self, products: Iterable[StoredProduct]) -> TreeWriter | NTupleWriter:
        self._stored = tuple(products)
        branches = [column.branch for stored in self._stored for column in stored.columns]
        counters = {
            stored.counter: stored.title
            for stored in reversed(self._stored)  # the first of those that share one names it
            if stored.counter is not None
        }
        with self._guarded():
            return self._writer(self._file, EVENT_TREE, branches, counters)

    def _extend(self, tree: TreeWriter | NTupleWriter, basket: Basket) -> None:
        with self._guarded():
            tree.extend(basket.values, basket.offsets)


def _stored(wanted: Collection | UnlistedProduct, chunk: Chunk) -> StoredProduct:
    if isinstance(wanted, Collection):
        return from_table(wanted)
    return derive_product(wanted, _product(chunk, wanted.product))


def _product(chunk: Chunk, name: str) -> ak.Array:
    if name not in chunk.products:
        raise ModuleError(f"product {name} is to be written, but {chunk} does not have it")
    return chunk.products[name]


def _refuse_other_counts(
    products: Iterable[StoredProduct], flat: Iterable[FlatProduct], chunk: Chunk
) -> None:
    """Products with one counter are columns of the same objects."""
    first: dict[str, tuple[str, Values]] = {}
    for stored, part in zip(products, flat, strict=True):
        if stored.counter is None or part.counts is None:
            continue
        name, counts = first.setdefault(stored.counter, (stored.product, part.counts))
        if not np.array_equal(counts, part.counts):
            raise ModuleError(
                f"products {name} and {stored.product} share {stored.counter}, but do not have"
                f" the same number of objects in each event of {chunk}"
            )


def _refuse_shared_branches(wanted: Iterable[Collection | UnlistedProduct]) -> None:
    """Products may share a prefix, with columns of the same objects; never a branch."""
    wanted = tuple(wanted)
    unlisted = {one.product for one in wanted if isinstance(one, UnlistedProduct)}
    users: dict[str, list[str]] = {}
    for one in wanted:
        for name in _claims(one, unlisted):
            users.setdefault(name, []).append(one.product)
    shared: dict[tuple[str, ...], str] = {}
    for name, products in users.items():
        if len(products) > 1:
            shared.setdefault(tuple(products), name)
    if shared:
        faults = [
            f"products {' and '.join(products)} would be written under the same name {name}"
            for products, name in shared.items()
        ]
        raise ConfigError("; ".join(faults) + "; keep one of them")


def _claims(one: Collection | UnlistedProduct, unlisted: Container[str]) -> list[str]:
    """Branches; a product that no table knows has all that begin with its name."""
    if isinstance(one, UnlistedProduct):
        return [one.product]
    if one.prefix in unlisted:
        return [one.prefix]
    return [one.branch_name(branch) for branch in one.branches]
