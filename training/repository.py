"""What a server reads beside an exported network: ``config.pbtxt``, as CMS's, and the labels."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import onnx
from google.protobuf import text_format
from onnx import helper
from tritonclient.grpc import model_config_pb2
from tritonclient.utils import np_to_triton_dtype

NETWORK: Final = "1/model.onnx"
"""Of the first version, in the model's folder."""


@dataclass(frozen=True, kw_only=True)
class Serving:
    """What a server is told of a network that the network's file does not say.

    Attributes:
        max_batch_size: largest number of rows of a request.
        preferred_batch_size: numbers of rows that a server waits for.
        labels: names of the numbers that the network answers, if they have any.
        label_filename: of the labels' file.
        graph_level: of onnxruntime's optimisations (Triton: -1 are the basic ones), or the
            server's default.
    """

    max_batch_size: int
    preferred_batch_size: tuple[int, ...]
    labels: tuple[str, ...] = ()
    label_filename: str = ""
    graph_level: int | None = None


def write_config(folder: Path, serving: Serving) -> None:
    """Writes ``config.pbtxt`` and the labels of a model.

    Names and sizes of the tensors are those of the network files. All versions that are there are
    served, and each has its MD5 checksum, by which a server sees that the file is whole.

    Args:
        folder: of the model in the repository, with ``VERSION/model.onnx``; its name is the
            model's.
        serving: what the network files do not say.

    Raises:
        ValueError: there is no network, or versions have different tensors.
    """
    versions = sorted(folder.glob("*/model.onnx"), key=lambda path: int(path.parent.name))
    inputs, outputs = _tensors(versions, folder)
    if serving.labels:
        outputs = [one | {"label_filename": serving.label_filename} for one in outputs]
        lines = "".join(f"{label}\n" for label in serving.labels)
        (folder / serving.label_filename).write_text(lines, encoding="utf-8")
    config = model_config_pb2.ModelConfig(
        name=folder.name,
        platform="onnxruntime_onnx",
        max_batch_size=serving.max_batch_size,
        input=inputs,
        output=outputs,
        dynamic_batching={"preferred_batch_size": serving.preferred_batch_size},
        model_repository_agents={"agents": [{"name": "checksum", "parameters": _sums(versions)}]},
    )
    if len(versions) > 1:
        config.version_policy.all.SetInParent()
    if serving.graph_level is not None:
        config.optimization.graph.level = serving.graph_level
    text = text_format.MessageToString(config, use_short_repeated_primitives=True)
    (folder / "config.pbtxt").write_text(text, encoding="utf-8")


def _tensors(versions: list[Path], folder: Path) -> list[list[dict[str, Any]]]:
    """Inputs and outputs of the network, the same for all versions."""
    found = []
    for path in versions:
        graph = onnx.load(path).graph
        found.append([[_tensor(one) for one in side] for side in (graph.input, graph.output)])
    if not found or any(one != found[0] for one in found):
        raise ValueError(f"{folder} has no network, or versions with different tensors")
    return found[0]


def _tensor(value: onnx.ValueInfoProto) -> dict[str, Any]:
    """A tensor without its batch dimension; variable ones are -1."""
    tensor = value.type.tensor_type
    dtype = np_to_triton_dtype(helper.tensor_dtype_to_np_dtype(tensor.elem_type))
    dims = [dim.dim_value if dim.HasField("dim_value") else -1 for dim in tensor.shape.dim]
    return {"name": value.name, "data_type": f"TYPE_{dtype}", "dims": dims[1:]}


def _sums(versions: list[Path]) -> dict[str, str]:
    """What Triton's checksum agent compares; nothing is kept secret by it."""
    return {
        f"MD5:{path.parent.name}/{path.name}": hashlib.md5(
            path.read_bytes(), usedforsecurity=False
        ).hexdigest()
        for path in versions
    }
