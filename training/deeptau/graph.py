"""Writing an ONNX graph node by node."""

from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import ArrayLike, DTypeLike
from onnx import helper, numpy_helper

OPSET: Final = 17
IR_VERSION: Final = 8
"""Old enough for the onnxruntime of all current Triton releases."""


class Graph:
    """Nodes and constants, written in the order of computation."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: ArrayLike, dtype: DTypeLike = np.float32) -> str:
        """Adds a constant and returns its name."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def ints(self, *values: int) -> str:
        """Adds a constant of one dimension, such as a shape, and returns its name."""
        return self.constant(values, np.int64)

    def __call__(
        self,
        kind: str,
        *inputs: str,
        name: str = "",
        **attributes: Any,  # noqa: ANN401 - as those of a node
    ) -> str:
        """Adds a node of one output and returns the name of that."""
        name = name or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def model(
        self,
        name: str,
        inputs: list[onnx.ValueInfoProto],
        outputs: list[onnx.ValueInfoProto],
        producer: str,
    ) -> onnx.ModelProto:
        """The checked model of all that was written."""
        model = helper.make_model(
            helper.make_graph(self.nodes, name, inputs, outputs, self.constants),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name=producer,
        )
        onnx.checker.check_model(model, full_check=True)
        return model
