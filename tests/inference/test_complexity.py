"""Multiply-adds against sums by hand, and against the number of products of a literal matrix."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from sonicmini.inference.complexity import Complexity, NodeRun, complexity
from sonicmini.inference.onnx import profile
from sonicmini.inference.repository import ModelRepository


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (NodeRun("MatMul", ((2, 5, 3), (3, 7)), ((2, 5, 7),)), 2 * 5 * 3 * 7),
        (NodeRun("MatMul", ((4,), (4,)), ((),)), 4),
        (NodeRun("MatMulInteger", ((5, 3), (3, 7), (), ()), ((5, 7),)), 5 * 3 * 7),
        (NodeRun("Gemm", ((5, 3), (3, 7), (7,)), ((5, 7),)), 5 * 3 * 7),
        (NodeRun("Gemm", ((3, 5), (7, 3)), ((5, 7),)), 5 * 3 * 7),
        (NodeRun("Gemm", ((0, 3), (3, 7)), ((0, 7),)), 0),
        (NodeRun("Conv", ((2, 8, 9, 9), (6, 4, 3, 3)), ((2, 6, 7, 7),)), 2 * 6 * 49 * 4 * 9),
        (NodeRun("Relu", ((2, 8),), ((2, 8),)), 0),
    ],
)
def test_a_node(node, expected):
    assert complexity([node]) == Complexity(expected)


def test_nodes_add_up_and_what_cannot_be_counted_is_told():
    product = NodeRun("MatMul", ((5, 3), (3, 7)), ((5, 7),))
    others = [NodeRun("LSTM", ((1, 2, 3),), ((1, 2, 3),)), NodeRun("Einsum", ((3,),), ((),))]
    assert complexity([product, *others, product, *others]) == Complexity(210, ("Einsum", "LSTM"))


CONFIG = """
name: "net"
platform: "onnxruntime_onnx"
max_batch_size: 8
input { name: "x" data_type: TYPE_FP32 dims: [ 4, -1 ] }
output { name: "y" data_type: TYPE_FP32 dims: [ 2 ] }
"""


def network():
    """Keeps the columns with a positive first row; convolves them in two groups, sums, Gemm."""
    nodes = [
        helper.make_node("Gather", ["x", "zero"], ["first"], axis=1),
        helper.make_node("Greater", ["first", "nothing"], ["is_there"]),
        helper.make_node("Squeeze", ["is_there", "zeros"], ["flags"]),
        helper.make_node("Compress", ["x", "flags"], ["columns"], axis=2),
        helper.make_node("Conv", ["columns", "filters"], ["made"], group=2),
        helper.make_node("ReduceSum", ["made", "two"], ["summed"], keepdims=0),
        helper.make_node("Gemm", ["summed", "weights"], ["y"], transB=1),
    ]
    constants: dict[str, np.ndarray] = {
        "zero": np.array(0, np.int64),
        "zeros": np.array([0], np.int64),
        "two": np.array([2], np.int64),
        "nothing": np.array(0, np.float32),
        "filters": np.ones((6, 2, 1), np.float32),
        "weights": np.ones((2, 6), np.float32),
    }
    return helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4, "P"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 2])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )


@pytest.mark.parametrize("there", [1, 5, 9])
def test_what_a_network_leaves_out_is_not_counted(tmp_path, there):
    folder = tmp_path / "net"
    (folder / "1").mkdir(parents=True)
    (folder / "config.pbtxt").write_text(CONFIG)
    model = helper.make_model(
        network(), opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="tests"
    )
    onnx.checker.check_model(model)
    (folder / "1" / "model.onnx").write_bytes(model.SerializeToString())
    x = np.zeros((1, 4, 9), np.float32)
    x[0, :, :there] = 1
    nodes = profile(ModelRepository(tmp_path).spec("net"), {"x": x})
    assert complexity(nodes) == Complexity(there * 6 * 2 + 6 * 2)
    assert [node.operator for node in nodes].count("Conv") == 1
