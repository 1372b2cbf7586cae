"""Products as the flat columns of a tree, with the types that the tables promise."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from sonicmini.errors import ModuleError
from sonicmini.io.precision import truncate_mantissa
from sonicmini.io.schema import Collection, Kind
from sonicmini.io.tree_writer import TreeBranch

Values = NDArray[np.generic]


@dataclass(frozen=True)
class UnlistedProduct:
    """A product that no table knows, from a user's module: its types are those of its arrays.

    Attributes:
        title: what its branches are titled with, such as the module that makes it.
    """

    product: str
    title: str


@dataclass(frozen=True)
class Column:
    """A field of a product and the branch that holds it.

    Attributes:
        field: None if the product has no fields.
        bits: mantissa bits that are kept; None keeps all.
    """

    field: str | None
    branch: TreeBranch
    bits: int | None = None


@dataclass(frozen=True)
class StoredProduct:
    """A product and its branches.

    Attributes:
        counter: name of the branch that counts the objects of an event; None if there is one.
        title: of the collection, which is the title of its counter.
    """

    product: str
    title: str
    counter: str | None
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class FlatProduct:
    """The content of a product for some events.

    Attributes:
        counts: objects of each event; None if there is one of each.
        values: by branch, all events one after the other.
    """

    counts: NDArray[np.int64] | None
    values: Mapping[str, Values]


def stored_product(collection: Collection) -> StoredProduct:
    """The branches of a collection of a table, titled with their unit."""
    columns = tuple(
        Column(
            None if collection.kind == "bare" else branch.name,
            TreeBranch(
                collection.branch_name(branch),
                np.dtype(branch.dtype),
                f"{branch.title} ({branch.unit})" if branch.unit else branch.title,
                collection.counter,
            ),
            branch.bits,
        )
        for branch in collection.branches
    )
    return StoredProduct(collection.product, collection.title, collection.counter, columns)


def derive_product(unlisted: UnlistedProduct, array: ak.Array) -> StoredProduct:
    """The branches of a product that no table knows, from one of its arrays.

    Raises:
        ModuleError: it holds something else than numbers, at most one list deep.
    """
    name, layout = unlisted.product, ak.to_layout(array)
    kind: Kind = "jagged" if layout.purelist_depth > 1 else "single" if array.fields else "bare"
    counter = f"n{name}" if kind == "jagged" else None
    flat = _flat_layout(name, array, jagged=kind == "jagged")[1]
    columns = []
    for field in array.fields or [None]:
        values = _to_numpy(_spell(name, field), flat if field is None else flat[field])
        branch = name if field is None else f"{name}_{field}"
        title = unlisted.title if field is None else f"{field}, {unlisted.title}"
        columns.append(Column(field, TreeBranch(branch, values.dtype, title, counter)))
    return StoredProduct(name, unlisted.title, counter, tuple(columns))


def flatten(stored: StoredProduct, array: ak.Array) -> FlatProduct:
    """The product's values as its branches hold them.

    Raises:
        ModuleError: a field is missing, is nested, or has values that its type cannot hold.
    """
    missing = [
        column.field
        for column in stored.columns
        if column.field is not None and column.field not in array.fields
    ]
    if missing:
        raise ModuleError(
            f"product {stored.product} has no field {', '.join(missing)}, which the output table"
            f" promises; it has {', '.join(array.fields) or 'none'}"
        )
    counts, layout = _flat_layout(stored.product, array, jagged=stored.counter is not None)
    values = {}
    for column in stored.columns:
        place = _spell(stored.product, column.field)
        content = layout if column.field is None else _field(layout, column.field)
        cast = _cast(place, _to_numpy(place, content), column.branch.dtype)
        if column.bits is not None:
            cast = truncate_mantissa(cast.astype(np.float32, copy=False), column.bits)
        values[column.branch.name] = cast
    return FlatProduct(counts, values)


def _spell(product: str, field: str | None) -> str:
    return product if field is None else f"{product}.{field}"


def _flat_layout(
    product: str, array: ak.Array, *, jagged: bool
) -> tuple[NDArray[np.int64] | None, Any]:
    """Counts and the layout of all objects one after the other."""
    layout = ak.to_layout(array)
    if not jagged:
        return None, layout
    length = layout.length
    while layout.is_indexed or layout.is_option:
        layout = layout.project()
    if not layout.is_list or layout.length != length:  # projected: less the missing ones
        raise ModuleError(f"product {product} must be a list of objects for each event")
    layout = layout.to_ListOffsetArray64(True)  # noqa: FBT003
    offsets = np.asarray(layout.offsets)
    content = layout.content
    if content.length != offsets[-1]:
        content = content[: offsets[-1]]
    return np.diff(offsets), content


def _field(layout: Any, name: str) -> Any:  # noqa: ANN401 (awkward has no types)
    # The general way takes ten times as long, for each field of each chunk.
    is_plain = isinstance(layout, ak.contents.RecordArray)
    return layout.content(name) if is_plain else layout[name]


def _to_numpy(place: str, layout: Any) -> Values:  # noqa: ANN401 (awkward has no types)
    values: Values
    try:
        if isinstance(layout, ak.contents.NumpyArray):
            values = np.asarray(layout.data)
        else:
            values = ak.to_numpy(layout, allow_missing=False)
    except (TypeError, ValueError) as error:
        raise ModuleError(f"{place} holds missing values or lists: no branch can") from error
    if values.ndim != 1 or values.dtype.kind not in "biuf":
        raise ModuleError(
            f"{place} is {ak.type(layout)}; a branch holds one number for each object"
        )
    return values


def _cast(place: str, values: Values, dtype: np.dtype[Any]) -> Values:
    try:
        with np.errstate(over="raise", invalid="raise"):
            cast = values.astype(dtype, copy=False)
    except FloatingPointError as error:
        raise ModuleError(f"{place} has values that {dtype} cannot hold") from error
    if cast is not values and dtype.kind != "f" and not np.array_equal(cast, values):
        wrong = values[cast != values][0]
        raise ModuleError(f"{place} has the value {wrong}, which {dtype} cannot hold")
    return cast
