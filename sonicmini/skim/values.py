"""What parts of a selection stand for: values of events, or of the objects of a product."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import awkward as ak
import numpy as np
from numpy.typing import NDArray

Bools: TypeAlias = NDArray[np.bool_]
Counts: TypeAlias = NDArray[np.int64]
Numbers: TypeAlias = NDArray[Any]


class Value(NamedTuple):
    """Values of all events.

    Attributes:
        data: one after the other, of type bool, int64 or float64; a constant has no dimension.
        counts: objects of each event; None if there is one value for each event, or a constant.
        owner: the product whose objects they are.
    """

    data: Numbers
    counts: Counts | None = None
    owner: str = ""

    @property
    def is_condition(self) -> bool:
        """Whether the values are true or false."""
        return self.data.dtype == np.bool_


class DifferentObjectsError(Exception):
    """Columns of products that do not have the same objects."""


def constant(number: float) -> Value:
    """A number, or a truth value."""
    exact = isinstance(number, int) and abs(number) < 2**63
    return Value(np.asarray(number if exact else float(number)))


def column(array: ak.Array, owner: str) -> Value:
    """One column of a product, or a bare one."""
    counts = None
    if array.ndim > 1:
        counts = np.asarray(ak.num(array, axis=1), dtype=np.int64)
        array = ak.flatten(array, axis=1)
    data = np.asarray(array)
    if data.dtype != np.bool_:
        data = data.astype(np.int64 if np.issubdtype(data.dtype, np.integer) else np.float64)
    return Value(data, counts, owner)


def unary(function: Callable[..., Any], value: Value, *, as_number: bool = False) -> Value:
    """Applies a function to each value."""
    data = value.data.astype(np.float64) if as_number else value.data
    return value._replace(data=np.asarray(function(data)))


def binary(
    function: Callable[..., Any], one: Value, two: Value, *, as_numbers: bool = False
) -> Value:
    """Applies a function to pairs of values; a value of the event goes with each of its objects.

    Args:
        function: of two arrays.
        one: the left operand.
        two: the right one.
        as_numbers: in double precision.

    Raises:
        DifferentObjectsError: both have values for objects, but of other products.
    """
    owner, counts = _objects(one, two)
    x, y = (_spread(value, counts) for value in (one, two))
    if as_numbers:
        x, y = x.astype(np.float64), y.astype(np.float64)
    return Value(np.asarray(function(x, y)), counts, owner)


def _objects(one: Value, two: Value) -> tuple[str, Counts | None]:
    """The product whose objects the result has values for."""
    if one.counts is None:
        return two.owner, two.counts
    if two.counts is None:
        return one.owner, one.counts
    if one.owner != two.owner:
        raise DifferentObjectsError(f"{one.owner} and {two.owner} are not the same objects")
    return one.owner, one.counts


def _spread(value: Value, counts: Counts | None) -> Numbers:
    if counts is None or value.counts is not None or value.data.ndim == 0:
        return value.data
    return np.repeat(value.data, counts)


def reduce(name: str, data: Numbers, counts: Counts) -> Value:
    """One value for each event: the maximum of nothing is -inf, the minimum inf, the sum 0.

    Args:
        name: all, any, count, max, min or sum.
        data: of the objects.
        counts: objects of each event.
    """
    event = np.repeat(np.arange(len(counts)), counts)
    numbers = data.astype(np.float64)
    if name in ("max", "min"):
        extreme, start = (np.maximum, -np.inf) if name == "max" else (np.minimum, np.inf)
        result = np.full(len(counts), start)
        extreme.at(result, event, numbers)
        return Value(result)
    sums = np.bincount(event, numbers, minlength=len(counts))
    if name == "count":
        return Value(sums.astype(np.int64))
    if name == "sum":
        return Value(sums)
    return Value(np.asarray(sums > 0 if name == "any" else sums == counts))
