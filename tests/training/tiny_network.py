"""A network that doubles its numbers."""

from onnx import TensorProto, helper

from training.onnx_graph import IR_VERSION, OPSET


def write_doubling(path, *dims, elements=TensorProto.FLOAT):
    """Writes a network of one input ``x`` and one output ``twice`` of these dimensions."""
    tensors = [
        helper.make_tensor_value_info(name, elements, ["batch", *dims]) for name in ("x", "twice")
    ]
    node = helper.make_node("Add", ["x", "x"], ["twice"])
    graph = helper.make_graph([node], "doubling", tensors[:1], tensors[1:])
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
