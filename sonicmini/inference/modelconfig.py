"""Reads Triton's config.pbtxt by Triton's own schema.

The only place that knows the protobuf message; everything else sees :class:`ModelConfig`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from sonicmini.errors import ModelError

_DTYPES = {
    "TYPE_BOOL": np.bool_,
    "TYPE_UINT8": np.uint8,
    "TYPE_UINT16": np.uint16,
    "TYPE_UINT32": np.uint32,
    "TYPE_UINT64": np.uint64,
    "TYPE_INT8": np.int8,
    "TYPE_INT16": np.int16,
    "TYPE_INT32": np.int32,
    "TYPE_INT64": np.int64,
    "TYPE_FP16": np.float16,
    "TYPE_FP32": np.float32,
    "TYPE_FP64": np.float64,
}


@dataclass(frozen=True)
class TensorConfig:
    """An input or output as config.pbtxt states it; dims without the batch dimension.

    Attributes:
        label_filename: of an output: a file beside config.pbtxt with a name for each number.
    """

    name: str
    dtype: np.dtype[np.generic]
    dims: tuple[int, ...]
    label_filename: str = ""


@dataclass(frozen=True)
class ModelConfig:
    """What this package uses of a config.pbtxt.

    Attributes:
        preferred_batch_size: empty without dynamic batching.
        specific_versions: the only versions served; empty for another policy.
        latest_versions: how many of the newest versions are served; 0 for all.
        checksums: the stanza of Triton's checksum agent, ``MD5:PATH`` to value.
        faults: what is stated but cannot be honoured here.
    """

    name: str
    platform: str
    backend: str
    default_model_filename: str
    max_batch_size: int
    preferred_batch_size: tuple[int, ...]
    inputs: tuple[TensorConfig, ...]
    outputs: tuple[TensorConfig, ...]
    specific_versions: tuple[int, ...]
    latest_versions: int
    checksums: Mapping[str, str]
    faults: tuple[str, ...]


def read_config(path: Path) -> ModelConfig:
    """Parses a config.pbtxt.

    Raises:
        ModelError: if it is unreadable or no such message, with line and column.
    """
    try:
        message = text_format.Parse(
            path.read_text(encoding="utf-8"), model_config_pb2.ModelConfig()
        )
    except (OSError, UnicodeDecodeError, text_format.ParseError) as error:
        raise ModelError(f"{path} is unreadable: {error}") from error
    faults: list[str] = []
    policy = message.version_policy
    latest = policy.latest.num_versions or 1
    return ModelConfig(
        name=message.name,
        platform=message.platform,
        backend=message.backend,
        default_model_filename=message.default_model_filename,
        max_batch_size=message.max_batch_size,
        preferred_batch_size=tuple(message.dynamic_batching.preferred_batch_size),
        inputs=_tensors("input", message.input, faults),
        outputs=_tensors("output", message.output, faults),
        specific_versions=tuple(policy.specific.versions),
        latest_versions=0 if policy.HasField("all") else latest,
        checksums={
            key: value
            for agent in message.model_repository_agents.agents
            if agent.name == "checksum"
            for key, value in agent.parameters.items()
        },
        faults=tuple(faults),
    )


def _tensors(kind: str, messages: Iterable[Any], faults: list[str]) -> tuple[TensorConfig, ...]:
    tensors: list[TensorConfig] = []
    for message in messages:
        data_type = model_config_pb2.DataType.Name(message.data_type)
        if data_type not in _DTYPES:
            faults.append(f"{kind} {message.name} has {data_type}, known are {', '.join(_DTYPES)}")
        if message.HasField("reshape"):
            faults.append(f"{kind} {message.name} has a reshape, which is not supported")
        if any(tensor.name == message.name for tensor in tensors):
            faults.append(f"{kind} {message.name} is there twice")
        if any(dim < -1 or dim == 0 for dim in message.dims):
            faults.append(f"{kind} {message.name} has dims {list(message.dims)}")
        dtype = np.dtype(_DTYPES.get(data_type, np.float32))
        labels = message.label_filename if kind == "output" else ""
        tensors.append(TensorConfig(message.name, dtype, tuple(message.dims), labels))
    if not tensors:
        faults.append(f"config.pbtxt has no {kind}")
    return tuple(tensors)
