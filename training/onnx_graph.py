"""ONNX graphs, written node by node."""

from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET: Final = 17
IR_VERSION: Final = 8
"""Old enough for the onnxruntime of all current Triton releases."""

Shapes: TypeAlias = dict[str, list[str | int]]
"""Of tensors by name."""


class Graph:
    """Nodes and constants, in the order of computation.

    Args:
        name: of the network.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def __call__(
        self,
        kind: str,
        *inputs: str,
        name: str = "",
        **attributes: Any,  # noqa: ANN401 - as those of a node
    ) -> str:
        """Adds a node with one output and returns the output's name."""
        name = name or f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def top(self, values: str, k: int) -> str:
        """Adds a search for the k smallest along the last axis; returns their places."""
        name = f"topk_{len(self._nodes)}"
        outputs = [f"{name}_values", f"{name}_places"]
        inputs = [values, self.ints(k)]
        node = helper.make_node("TopK", inputs, outputs, name=name, axis=-1, largest=0, sorted=0)
        self._nodes.append(node)
        return outputs[1]

    def constant(self, value: object, dtype: type = np.float32) -> str:
        """Adds a constant and returns its name."""
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def ints(self, *values: int) -> str:
        """Adds a list of integers and returns its name."""
        return self.constant(values, np.int64)

    def save(self, path: Path, inputs: Shapes, outputs: Shapes) -> None:
        """Checks and writes the network.

        Args:
            path: of the file.
            inputs: shapes by name; a dimension with a name is variable.
            outputs: the same.
        """
        taken, given = (
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
                for name, shape in side.items()
            ]
            for side in (inputs, outputs)
        )
        model = helper.make_model(
            helper.make_graph(self._nodes, self._name, taken, given, self._constants),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name=f"sonicmini training.{self._name}",
        )
        onnx.checker.check_model(model, full_check=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(model.SerializeToString())
