"""A known tensor: does a server have the same network as we?

The inputs follow from the model's interface alone, so that every run asks the same question.
"""

from dataclasses import dataclass

import numpy as np

from sonicmini.errors import ModelError, ServerError
from sonicmini.event import Array, Tensors
from sonicmini.inference.batching import Dense
from sonicmini.inference.repository import ModelSpec, TensorSpec

_ROWS = 2
_VARIABLE_LENGTH = 20
_SEED = 20230001


@dataclass(frozen=True)
class KnownAnswer:
    """What a model answers to the known tensor here."""

    inputs: Dense
    outputs: Tensors


def known_inputs(spec: ModelSpec) -> Dense:
    """Inputs of a model: uniform in [0, 1), or 0 and 1 where it takes integers.

    Values below 1 are valid indices of any table that a network looks categories up in, and no
    network with another set of weights answers the same to them.
    """
    rng = np.random.default_rng(_SEED)
    rows = min(_ROWS, spec.max_batch_size)
    return {tensor.name: _values(rng, tensor, rows) for tensor in spec.inputs}


def _values(rng: np.random.Generator, tensor: TensorSpec, rows: int) -> Array:
    length = max(_VARIABLE_LENGTH, tensor.min_length)
    if tensor.max_length is not None:
        length = min(length, tensor.max_length)
    shape = (rows, *(length if dim == -1 else dim for dim in tensor.dims))
    if tensor.dtype.kind == "f":
        return rng.random(shape).astype(tensor.dtype)
    return rng.integers(0, 2, shape).astype(tensor.dtype)


def check_answer(
    spec: ModelSpec, expected: Tensors, found: Tensors, *, server: str, tolerance: float
) -> None:
    """Compares a server's answer with the local one, relative to the largest value of an output.

    Raises:
        ServerError: an output is missing or has another shape.
        ModelError: the values differ: the server has another network of this name.
    """
    for tensor in spec.outputs:
        ours, theirs = expected[tensor.name], found.get(tensor.name)
        if not isinstance(ours, np.ndarray) or not isinstance(theirs, np.ndarray):
            raise ServerError(f"model {spec}: {server} answered without output {tensor}")
        if ours.shape != theirs.shape:
            raise ServerError(
                f"model {spec}: {server} answered output {tensor} with shape {theirs.shape},"
                f" expected {ours.shape}"
            )
        scale = max(1.0, float(np.max(np.abs(ours), initial=0)))
        difference = float(np.max(np.abs(ours.astype(float) - theirs), initial=0)) / scale
        if not difference <= tolerance:
            raise ModelError(
                f"model {spec}: {server} has another network of this name: output {tensor} to a"
                f" known tensor differs by {difference:.2g} (relative; inference.tolerance is"
                f" {tolerance:g}). Serve the same version, or accept it by"
                " --allow-different-models"
            )
