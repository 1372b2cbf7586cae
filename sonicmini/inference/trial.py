"""Trial inferences: does a network do what the rest of this package takes for granted?

It must answer finite numbers of the promised shapes, whatever the number of candidates, and a row's
answer must depend neither on its padding nor on the rows beside it.
"""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import numpy as np

from sonicmini.errors import InferenceError
from sonicmini.event import Array
from sonicmini.inference.batching import Dense, Request, check
from sonicmini.inference.client import Client
from sonicmini.inference.repository import ModelSpec, TensorSpec

Content: TypeAlias = Literal["full", "empty"]

UNLIMITED_LENGTH: Final = 100
"""Taken for the longest of a variable dimension where nothing limits it."""
TOLERANCE: Final = 1e-4
"""Largest difference that is none, relative to the largest value of an output (or to 1)."""

_ROWS: Final = 3
_SEED: Final = 20230002


def shortest(spec: ModelSpec) -> dict[str, int]:
    """Of each input with a variable dimension the shortest length that is ever sent."""
    return {tensor.name: max(1, tensor.min_length) for tensor in spec.inputs if -1 in tensor.dims}


def longest(spec: ModelSpec) -> dict[str, int]:
    """Of each input with a variable dimension the longest length."""
    return {
        tensor.name: tensor.max_length or max(UNLIMITED_LENGTH, tensor.min_length)
        for tensor in spec.inputs
        if -1 in tensor.dims
    }


def trial_inputs(
    spec: ModelSpec, content: Content, lengths: Mapping[str, int], *, rows: int = 1
) -> Dense:
    """Inputs of the given lengths: all zero, or with something in every place.

    Something is uniform in [0, 1), which are valid indices of any table of categories, too, and 1
    where an input is a mask by its name, as weaver calls them (``pf_mask``).
    """
    rng = np.random.default_rng(_SEED)
    return {
        tensor.name: _values(rng, tensor, content, (rows, *_dims(tensor, lengths)))
        for tensor in spec.inputs
    }


def _dims(tensor: TensorSpec, lengths: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(lengths[tensor.name] if dim == -1 else dim for dim in tensor.dims)


def _values(
    rng: np.random.Generator, tensor: TensorSpec, content: Content, shape: tuple[int, ...]
) -> Array:
    if content == "empty":
        return np.zeros(shape, tensor.dtype)
    if tensor.name.endswith("mask"):
        return np.ones(shape, tensor.dtype)
    return rng.random(shape).astype(tensor.dtype)


async def trial_faults(model: str, spec: ModelSpec, client: Client) -> list[str]:
    """What is wrong with the answers to some trial inputs.

    Args:
        model: the name under which the client knows it.
        spec: its interface.
        client: evaluates it.
    """
    rows = min(_ROWS, spec.max_batch_size)
    short, long = shortest(spec), longest(spec)
    between = {name: (short[name] + long[name] + 1) // 2 for name in long}
    usual = trial_inputs(spec, "full", between, rows=rows)
    variants = {
        "rows of zeros": trial_inputs(spec, "empty", short, rows=rows),
        "the shortest rows": trial_inputs(spec, "full", short, rows=rows),
        "the longest rows": trial_inputs(spec, "full", long, rows=rows),
        "padded rows": _padded(spec, usual, long),
        "a row alone": {name: array[:1] for name, array in usual.items()},
    }
    try:
        expected = await _answer(model, spec, client, usual)
    except InferenceError as error:
        return [f"trial inference: {error}"]
    faults = []
    for what, inputs in variants.items():
        try:
            found = await _answer(model, spec, client, inputs)
        except InferenceError as error:
            faults.append(f"trial inference of {what}: {error}")
            continue
        faults += [f"{what}: {fault}" for fault in _value_faults(found)]
        if what in _SAME:
            faults += [f"{_SAME[what]}: {fault}" for fault in _differences(expected, found)]
    return faults


_SAME: Final = {
    "padded rows": "the answer depends on the padding",
    "a row alone": "the answer depends on the other rows of a request",
}
"""Variants that must be answered as the usual rows are."""


def _padded(spec: ModelSpec, inputs: Dense, lengths: Mapping[str, int]) -> Dense:
    padded: Dense = {}
    for tensor in spec.inputs:
        whole = np.zeros((len(inputs[tensor.name]), *_dims(tensor, lengths)), tensor.dtype)
        whole[tuple(map(slice, inputs[tensor.name].shape))] = inputs[tensor.name]
        padded[tensor.name] = whole
    return padded


async def _answer(model: str, spec: ModelSpec, client: Client, inputs: Dense) -> Dense:
    shapes = {name: array.shape for name, array in inputs.items()}
    rows = np.arange(len(next(iter(inputs.values()))))
    return check(spec, Request(rows, shapes), await client.infer(model, inputs))


def _value_faults(answer: Dense) -> list[str]:
    return [f"output {name} is not finite" for name, array in answer.items() if not _finite(array)]


def _finite(array: Array) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def _differences(expected: Dense, found: Dense) -> list[str]:
    faults = []
    for name, array in found.items():
        reference = expected[name][: len(array)].astype(float)
        scale = max(1.0, float(np.max(np.abs(reference), initial=0)))
        difference = float(np.max(np.abs(array - reference), initial=0)) / scale
        if not difference <= TOLERANCE:
            faults.append(f"output {name} differs by {difference:.2g} of its largest value")
    return faults
