"""Data of the KServe v2 protocol, which look the same over http (JSON) and grpc (as JSON).

Servers differ in what they leave out and in whether integers are strings, so all of it is read
with a generous eye; what is not there at all is None.
"""

import json
from collections.abc import Sequence
from typing import Any, Protocol, Self, TypeAlias

import numpy as np

from sonicmini.event import Array
from sonicmini.inference.repository import Signature, TensorSpec
from sonicmini.inference.wire import ModelStatistics, WireRequest
from sonicmini.inference.wire_fault import Fault, WireError

Json: TypeAlias = Any

_DTYPES = {
    "BOOL": np.dtype(np.bool_),
    **{f"FP{8 * size}": np.dtype(f"f{size}") for size in (2, 4, 8)},
    **{f"INT{8 * size}": np.dtype(f"i{size}") for size in (1, 2, 4, 8)},
    **{f"UINT{8 * size}": np.dtype(f"u{size}") for size in (1, 2, 4, 8)},
}
_SPANS = ("success", "fail", "queue", "compute_input", "compute_infer", "compute_output")
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


class _Input(Protocol):
    """An input tensor of tritonclient, the same for http and grpc."""

    def set_data_from_numpy(self, input_tensor: Array, /) -> Self: ...

    def set_shared_memory(self, region_name: str, byte_size: int, offset: int, /) -> Self: ...


class _MakeInput(Protocol):
    def __call__(self, name: str, shape: Sequence[int], datatype: str, /) -> _Input: ...


class _Result(Protocol):
    """An answer of tritonclient."""

    def get_output(self, name: str, /) -> Json: ...

    def as_numpy(self, name: str, /) -> Array | None: ...


def encode(request: WireRequest, make_input: _MakeInput) -> list[_Input]:
    """The inputs of a request for tritonclient.

    Raises:
        WireError: for types that the protocol does not have.
    """
    tensors = []
    for name, array in request.inputs.items():
        tensor = make_input(name, list(array.shape), _datatype(name, array))
        if request.slots is None:
            tensor.set_data_from_numpy(array)
        else:
            slot = request.slots[name]
            tensor.set_shared_memory(slot.region, slot.size, slot.offset)
        tensors.append(tensor)
    return tensors


def encode_json(request: WireRequest, *, binary: bool) -> bytes:
    """A request in JSON; binary inputs follow it, as :func:`buffers` has them.

    Raises:
        WireError: for types that the protocol does not have.
    """
    inputs: list[Json] = []
    for name, array in request.inputs.items():
        tensor: Json = {"name": name, "shape": array.shape, "datatype": _datatype(name, array)}
        if request.slots is not None:
            slot = request.slots[name]
            tensor["parameters"] = {
                "shared_memory_region": slot.region,
                "shared_memory_byte_size": slot.size,
                "shared_memory_offset": slot.offset,
            }
        elif binary:
            tensor["parameters"] = {"binary_data_size": array.nbytes}
        else:
            tensor["data"] = array.ravel().tolist()
        inputs.append(tensor)
    outputs = [{"name": name, "parameters": {"binary_data": binary}} for name in request.outputs]
    return json.dumps({"inputs": inputs, "outputs": outputs}).encode()


def buffers(request: WireRequest) -> list[memoryview]:
    """The bytes of the inputs, not copied where they are in order."""
    arrays = [np.ascontiguousarray(array) for array in request.inputs.values() if array.size]
    return [array.view(np.uint8).data.cast("B") for array in arrays]


def _datatype(name: str, array: Array) -> str:
    if array.dtype not in _NAMES:
        raise WireError(Fault.REFUSED, f"input {name} has type {array.dtype}")
    return _NAMES[array.dtype]


def decode(request: WireRequest, result: _Result) -> dict[str, Array]:
    """The outputs that were asked for; those that are not there are left out.

    Raises:
        ValueError: if bytes, shape and type of an output do not go together, and whatever else
            tritonclient raises over a damaged answer.
    """
    answer = {}
    for name in request.outputs:
        output = result.get_output(name)
        if output is None:
            continue
        kind, shape = (
            (output["datatype"], output["shape"])
            if isinstance(output, dict)
            else (output.datatype, output.shape)
        )
        if kind not in _DTYPES:
            raise ValueError(f"output {name} has type {kind}")
        array = result.as_numpy(name)
        if array is None or array.shape != tuple(shape):
            raise ValueError(f"output {name} is not of shape {list(shape)}")
        answer[name] = array
    return answer


def signature(metadata: Json) -> Signature | None:
    """Inputs and outputs from a model's metadata; None if they are not told."""
    inputs, outputs = (
        [_tensor(tensor) for tensor in metadata.get(key) or ()] for key in ("inputs", "outputs")
    )
    return (inputs, outputs) if inputs and outputs else None


def _tensor(tensor: Json) -> TensorSpec:
    dtype = _DTYPES.get(tensor["datatype"], np.dtype(np.object_))
    return TensorSpec(tensor["name"], dtype, tuple(int(dim) for dim in tensor.get("shape") or ()))


def statistics(answer: Json, model: str, version: str) -> ModelStatistics | None:
    """Of one version, or added up over all if it is empty; None if there are none."""
    found = [
        _one_statistics(entry)
        for entry in answer.get("model_stats") or ()
        if entry.get("name") == model and version in ("", entry.get("version"))
    ]
    return sum(found[1:], found[0]) if found else None


def _one_statistics(entry: Json) -> ModelStatistics:
    spans = entry.get("inference_stats") or {}

    def count(span: str) -> int:
        return int((spans.get(span) or {}).get("count") or 0)

    def total_s(span: str) -> float:
        return int((spans.get(span) or {}).get("ns") or 0) * 1e-9

    return ModelStatistics(
        inference_count=int(entry.get("inference_count") or 0),
        execution_count=int(entry.get("execution_count") or 0),
        success_count=count("success"),
        fail_count=count("fail"),
        **{f"{span}_s": total_s(span) for span in _SPANS},
    )


def index(answer: Json) -> frozenset[str]:
    """Names of the models that are ready, of a repository index."""
    entries = answer.get("models") or () if isinstance(answer, dict) else answer
    return frozenset(entry["name"] for entry in entries if entry.get("state") == "READY")
