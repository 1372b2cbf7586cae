"""From one row per object to requests that a model accepts, and back.

Rows of variable length are padded with zeros: a fixed dimension to exactly its length (longer rows
are cut), a variable one to the bucket of its length. Rows of equal bucket share requests, so that
little is padded and a server can merge requests of equal shape. Sparse rows are made dense, request
by request, so that no more than what is in flight exists as it is sent. A score does not depend on
any of this: padding is part of a network's interface.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sonicmini.errors import InferenceError
from sonicmini.event import Array, Ragged, Sparse, Tensors
from sonicmini.inference.repository import ModelSpec, TensorSpec

Rows: TypeAlias = NDArray[np.int64]
Dense: TypeAlias = dict[str, Array]

DEFAULT_BUCKETS = (1, 2, 3, 5, 8, 10, 15, 20, 25, 30, 40, 50, 65, 80, 100)


@dataclass(frozen=True, kw_only=True)
class Batching:
    """How rows are put together into requests. Changes the speed, never a score.

    Attributes:
        max_rows: of a request; the model's ``max_batch_size`` binds as well. On CPUs larger
            requests are slower, since their activations leave the cache.
        max_bytes: of a request's inputs, unless a single row is larger. Keeps requests below
            common message limits (gRPC: 4 MiB) and spreads expensive rows over requests.
        buckets: lengths to which variable dimensions are padded, ascending; beyond the last, its
            multiples. A model's own shortest and longest length bind as well.
    """

    max_rows: int = 64
    max_bytes: int = 2_000_000
    buckets: tuple[int, ...] = DEFAULT_BUCKETS

    def padded_length(self, length: int, tensor: TensorSpec) -> int:
        """Length to which a row is padded along the model's variable dimension."""
        wanted = max(length, tensor.min_length, 1)
        index = bisect_left(self.buckets, wanted)
        if index < len(self.buckets):
            padded = self.buckets[index]
        else:
            step = self.buckets[-1] if self.buckets else 1
            padded = -(-wanted // step) * step
        limit = tensor.max_length
        return limit if limit is not None and wanted <= limit < padded else padded


@dataclass(frozen=True)
class Request:
    """Rows that are sent together, in the order of sending.

    Attributes:
        shapes: of each input, batch dimension first.
    """

    rows: Rows
    shapes: Mapping[str, tuple[int, ...]]


def plan(spec: ModelSpec, inputs: Tensors, batching: Batching) -> list[Request]:
    """Distributes the rows over requests. No rows, no request.

    Raises:
        InferenceError: if the inputs do not fit the model; lists every fault.
    """
    count = row_count(spec, inputs)
    if count == 0:
        return []
    lengths = np.array(
        [_padded_lengths(tensor, inputs[tensor.name], batching, count) for tensor in spec.inputs]
    )
    shapes, group = np.unique(lengths, axis=1, return_inverse=True)
    requests: list[Request] = []
    for index in range(shapes.shape[1]):
        dims = {
            tensor.name: _row_shape(tensor, inputs[tensor.name], int(length))
            for tensor, length in zip(spec.inputs, shapes[:, index], strict=True)
        }
        rows = np.flatnonzero(group.reshape(-1) == index)
        requests += [
            Request(part, {name: (len(part), *shape) for name, shape in dims.items()})
            for part in _split(rows, _rows_per_request(spec, dims, batching))
        ]
    return requests


def fill(spec: ModelSpec, inputs: Tensors, request: Request) -> Dense:
    """Makes the padded arrays of a request, in the model's types."""
    return {
        tensor.name: _fill_one(
            inputs[tensor.name], request.rows, tensor, request.shapes[tensor.name]
        )
        for tensor in spec.inputs
    }


def check(spec: ModelSpec, request: Request, answer: Tensors) -> Dense:
    """Returns the outputs of an answer if they are what the model's interface promises.

    Raises:
        InferenceError: an output is missing, or has another type, other rows or dims; lists every
            fault. The message is a predicate: whose answer it is, the caller knows.
    """
    if faults := list(_faults(spec, request, answer)):
        raise InferenceError(f"answered wrongly: {'; '.join(faults)}")
    return {
        tensor.name: value
        for tensor in spec.outputs
        if isinstance(value := answer[tensor.name], np.ndarray)
    }


def join(
    spec: ModelSpec, count: int, answers: Sequence[tuple[Request, Mapping[str, Array]]]
) -> Dense:
    """Puts the rows of checked answers back in order, one row per object.

    Raises:
        InferenceError: if a variable dimension differs between the answers.
    """
    joined: Dense = {}
    for tensor in spec.outputs:
        parts = [(request.rows, answer[tensor.name]) for request, answer in answers]
        dims = parts[0][1].shape[1:] if parts else tuple(max(dim, 0) for dim in tensor.dims)
        if any(part.shape[1:] != dims for _, part in parts):
            raise InferenceError(f"model {spec}: output {tensor} differs in shape between requests")
        whole = np.empty((count, *dims), tensor.dtype)
        for rows, part in parts:
            whole[rows] = part
        joined[tensor.name] = whole
    return joined


def row_count(spec: ModelSpec, inputs: Tensors) -> int:
    """Number of rows, the same in all inputs.

    Raises:
        InferenceError: if names, dims, types or numbers of rows do not fit the model.
    """
    expected = {tensor.name: tensor for tensor in spec.inputs}
    faults = [f"input {name} is missing" for name in expected if name not in inputs]
    faults += [f"it has no input {name}" for name in inputs if name not in expected]
    for name, tensor in expected.items():
        if name in inputs and (fault := _input_fault(tensor, inputs[name])):
            faults.append(f"input {tensor} cannot take {fault}")
    counts = {name: len(tensor) for name, tensor in inputs.items()}
    if len(set(counts.values())) > 1:
        faults.append(f"its inputs differ in rows: {counts}")
    if faults:
        raise InferenceError(f"model {spec}: {'; '.join(faults)}")
    return next(iter(counts.values()))


def _input_fault(tensor: TensorSpec, value: Array | Ragged | Sparse) -> str:
    array = value if isinstance(value, np.ndarray) else value.content
    if not np.can_cast(array.dtype, tensor.dtype, "same_kind"):
        return f"type {array.dtype}"
    if isinstance(value, Ragged):
        return _ragged_fault(tensor, value)
    if isinstance(value, Sparse):
        return _sparse_fault(tensor, value)
    fits = len(array.shape) == len(tensor.dims) + 1 and all(
        want in (have, -1) for want, have in zip(tensor.dims, array.shape[1:], strict=True)
    )
    return "" if fits else f"shape {array.shape}, batch dimension first"


def _ragged_fault(tensor: TensorSpec, value: Ragged) -> str:
    array = value.content
    if not 0 <= value.axis < len(tensor.dims):
        return f"rows of variable length along axis {value.axis}"
    rest = tensor.dims[: value.axis] + tensor.dims[value.axis + 1 :]
    if array.shape[1:] != rest:
        return f"rows of {array.shape[1:]}, expected {rest}"
    if len(array) != value.counts.sum():
        return f"{len(array)} rows whose counts add up to {value.counts.sum()}"
    return ""


def _sparse_fault(tensor: TensorSpec, value: Sparse) -> str:
    axes = value.position.shape[-1]
    grid, rest = tensor.dims[:axes], tensor.dims[axes:]
    if -1 in tensor.dims:
        return "sparse rows, as it has a variable dimension"
    if value.content.shape[1:] != rest:
        return f"cells of {value.content.shape[1:]}, expected {rest}"
    if not len(value.content) == len(value.position) == value.counts.sum():
        return (
            f"{len(value.content)} cells at {len(value.position)} positions whose counts add up to"
            f" {value.counts.sum()}"
        )
    if ((value.position < 0) | (value.position >= np.array(grid))).any():
        return f"cells outside of {grid}"
    return ""


def _padded_lengths(
    tensor: TensorSpec, value: Array | Ragged | Sparse, batching: Batching, count: int
) -> Rows:
    """Padded length of each row; 0 where nothing is padded."""
    if not isinstance(value, Ragged):
        return np.zeros(count, np.int64)
    fixed = tensor.dims[value.axis]
    if fixed != -1:
        return np.full(count, fixed)
    different, inverse = np.unique(value.counts, return_inverse=True)
    padded = [batching.padded_length(int(length), tensor) for length in different]
    return np.array(padded, np.int64)[inverse]


def _row_shape(tensor: TensorSpec, value: Array | Ragged | Sparse, length: int) -> tuple[int, ...]:
    if isinstance(value, Sparse):
        return tensor.dims
    if not isinstance(value, Ragged):
        return value.shape[1:]
    return (*tensor.dims[: value.axis], length, *tensor.dims[value.axis + 1 :])


def _rows_per_request(
    spec: ModelSpec, dims: Mapping[str, tuple[int, ...]], batching: Batching
) -> int:
    row_bytes = sum(
        int(np.prod(dims[tensor.name])) * tensor.dtype.itemsize for tensor in spec.inputs
    )
    limit = min(batching.max_rows, max(1, batching.max_bytes // max(1, row_bytes)))
    return min(limit, spec.max_batch_size)


def _split(rows: Rows, largest: int) -> Iterator[Rows]:
    """Cuts rows into the fewest parts of at most the given size, of nearly equal size."""
    parts = -(-len(rows) // largest)
    yield from np.array_split(rows, parts)


def _fill_one(
    value: Array | Ragged | Sparse, rows: Rows, tensor: TensorSpec, shape: tuple[int, ...]
) -> Array:
    if isinstance(value, Sparse):
        return _fill_cells(value, rows, np.zeros(shape, tensor.dtype))
    if not isinstance(value, Ragged):
        return np.ascontiguousarray(value[rows], dtype=tensor.dtype)
    padded = np.zeros(shape, tensor.dtype)
    by_row = np.moveaxis(padded, value.axis + 1, 1)
    starts = np.cumsum(value.counts) - value.counts
    lengths = np.minimum(value.counts[rows], by_row.shape[1])
    for row, start, length in zip(by_row, starts[rows].tolist(), lengths.tolist(), strict=True):
        row[:length] = value.content[start : start + length]
    return padded


def _fill_cells(value: Sparse, rows: Rows, dense: Array) -> Array:
    """Puts the cells of some rows where they belong."""
    starts, counts = (np.cumsum(value.counts) - value.counts)[rows], value.counts[rows]
    row = np.repeat(np.arange(len(rows)), counts)
    cell = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts - starts, counts)
    dense[(row, *value.position[cell].T)] = value.content[cell]
    return dense


def _faults(spec: ModelSpec, request: Request, answer: Tensors) -> Iterator[str]:
    for tensor in spec.outputs:
        if tensor.name not in answer:
            yield f"output {tensor} is missing"
            continue
        array = answer[tensor.name]
        if not isinstance(array, np.ndarray):
            yield f"output {tensor} has rows of variable length"
            continue
        dims = (len(request.rows), *tensor.dims)
        if len(array.shape) != len(dims) or any(
            want not in (have, -1) for want, have in zip(dims, array.shape, strict=True)
        ):
            yield f"output {tensor} has shape {array.shape}, expected {dims}"
        elif array.dtype != tensor.dtype:
            yield f"output {tensor} has type {array.dtype}"
