"""Small networks whose answers can be worked out by hand."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

JETSUM_CONFIG = """
name: "jetsum"
platform: "onnxruntime_onnx"
max_batch_size: 16
input [
  { name: "pf" data_type: TYPE_FP32 dims: [ 2, -1 ] },
  { name: "pf_mask" data_type: TYPE_FP32 dims: [ 1, -1 ] },
  { name: "sv" data_type: TYPE_FP32 dims: [ 3, -1 ] }
]
output [ { name: "score" data_type: TYPE_FP32 dims: [ 2 ] } ]
dynamic_batching { preferred_batch_size: [ 8 ] }
optimization { graph { level: -1 } }
"""

METSUM_CONFIG = """
name: "metsum"
backend: "onnxruntime"
max_batch_size: 4
input { name: "cand" data_type: TYPE_FP32 dims: [ 6, 2 ] }
input { name: "id" data_type: TYPE_FP32 dims: [ 6, 1 ] }
output { name: "met" data_type: TYPE_FP32 dims: [ 2 ] }
"""


def _save(folder: Path, config: str, graph: onnx.GraphProto) -> None:
    (folder / "1").mkdir(parents=True)
    (folder / "config.pbtxt").write_text(config)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="tests"
    )
    onnx.checker.check_model(model)
    (folder / "1" / "model.onnx").write_bytes(model.SerializeToString())


def _value(name: str, *dims: int | str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *dims])


def jetsum_graph() -> onnx.GraphProto:
    """score_0 = sum of tanh(pf_0 * pf_1) over the mask, score_1 = sum of all sv components."""
    nodes = [
        helper.make_node("ReduceProd", ["pf"], ["product"], axes=[1], keepdims=1),
        helper.make_node("Tanh", ["product"], ["squashed"]),
        helper.make_node("Mul", ["squashed", "pf_mask"], ["masked"]),
        helper.make_node("ReduceSum", ["masked", "axes"], ["score_0"], keepdims=0),
        helper.make_node("ReduceSum", ["sv", "axes"], ["score_1"], keepdims=0),
        helper.make_node("Unsqueeze", ["score_0", "last"], ["column_0"]),
        helper.make_node("Unsqueeze", ["score_1", "last"], ["column_1"]),
        helper.make_node("Concat", ["column_0", "column_1"], ["score"], axis=1),
    ]
    constants = [
        numpy_helper.from_array(np.array([1, 2], np.int64), "axes"),
        numpy_helper.from_array(np.array([1], np.int64), "last"),
    ]
    inputs = [_value("pf", 2, "P"), _value("pf_mask", 1, "P"), _value("sv", 3, "S")]
    return helper.make_graph(nodes, "jetsum", inputs, [_value("score", 2)], constants)


def metsum_graph() -> onnx.GraphProto:
    """met = sum over the six rows of id * cand."""
    nodes = [
        helper.make_node("Mul", ["cand", "id"], ["weighted"]),
        helper.make_node("ReduceSum", ["weighted", "axes"], ["met"], keepdims=0),
    ]
    constants = [numpy_helper.from_array(np.array([1], np.int64), "axes")]
    inputs = [_value("cand", 6, 2), _value("id", 6, 1)]
    return helper.make_graph(nodes, "metsum", inputs, [_value("met", 2)], constants)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A model repository with ``jetsum`` (two variable lengths) and ``metsum`` (six rows)."""
    folder = tmp_path / "models"
    _save(folder / "jetsum", JETSUM_CONFIG, jetsum_graph())
    _save(folder / "metsum", METSUM_CONFIG, metsum_graph())
    return folder
