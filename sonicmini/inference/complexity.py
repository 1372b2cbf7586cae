"""Multiply-adds of a network, from the shapes that its nodes had in a run.

What a network costs may depend on its input: a graph may leave out empty candidates or cells. So
nothing is derived from the graph; it is run, and the matrix products that really happened are
counted. All else, such as activations and sorting, is left out, as is usual.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Final, TypeAlias

Shape: TypeAlias = tuple[int, ...]

_OTHER_PRODUCTS: Final = {
    *("Attention", "ConvTranspose", "DeformConv", "Einsum", "GRU", "LSTM", "MultiHeadAttention"),
    *("QLinearConv", "QLinearMatMul", "RNN"),
}
"""Operators that multiply matrices, too, and whose shapes do not tell how often."""


@dataclass(frozen=True)
class NodeRun:
    """A node of a network as it ran.

    Attributes:
        operator: in ONNX's terms.
        inputs: their shapes.
        outputs: their shapes.
    """

    operator: str
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]


@dataclass(frozen=True)
class Complexity:
    """What a run took.

    Attributes:
        multiply_adds: of matrix products and convolutions.
        uncounted: operators that ran, multiply and were not counted, sorted.
    """

    multiply_adds: int
    uncounted: tuple[str, ...] = ()


def complexity(nodes: Iterable[NodeRun]) -> Complexity:
    """Adds up the nodes of a run."""
    ran = list(nodes)
    others = {node.operator for node in ran} & _OTHER_PRODUCTS
    return Complexity(sum(map(_multiply_adds, ran)), tuple(sorted(others)))


def _multiply_adds(node: NodeRun) -> int:
    """Products that are summed for each number of the output, times these numbers."""
    match node.operator:
        case "MatMul" | "MatMulInteger":
            return prod(node.outputs[0]) * node.inputs[0][-1]
        case "Gemm":  # either of whose matrices may be turned: (M, K) or (K, M)
            rows = node.outputs[0][0]
            return prod(node.outputs[0]) * (prod(node.inputs[0]) // rows if rows else 0)
        case "Conv" | "ConvInteger":  # filters of shape (out, in of the group, *kernel)
            return prod(node.outputs[0]) * prod(node.inputs[1][1:])
        case _:
            return 0
