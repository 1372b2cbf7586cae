"""The trained network as ONNX with CMS's tensors: all cells of both grids, empty ones as zeros.

The nets of cells see only those of which any input is not 0; the vector of an empty cell is a
constant of the file. Batch normalisation is folded into the layers before it.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training.deeptau.layout import BLOCKS, CLASSES, GRIDS, OUTPUT, TAU_FEATURES, input_name
from training.deeptau.network import KERNEL, SLOPE, DeepTauNetwork, GridNet
from training.onnx_graph import Graph, Shapes

Layer = tuple[NDArray[np.float64], NDArray[np.float64]]


def export(network: DeepTauNetwork, path: Path, *, every_cell: bool = False) -> None:
    """Writes the network.

    Args:
        network: trained.
        path: of the file.
        every_cell: evaluate empty cells too, as CMS's file does: the same answers, slower.
    """
    network.eval()
    graph = Graph("deeptau")
    parts = [_dense(graph, "input_tau", network.tau)]
    parts += [_grid(graph, name, network.grids[name], every_cell=every_cell) for name in GRIDS]
    hidden = _dense(graph, graph("Concat", *parts, axis=1), network.dense)
    answer = _linear(graph, hidden, _folded([network.answer])[0])
    graph("Softmax", answer, axis=1, name=OUTPUT)
    graph.save(path, _inputs(), {OUTPUT: ["batch", len(CLASSES)]})


def _inputs() -> Shapes:
    shapes: Shapes = {"input_tau": ["batch", TAU_FEATURES]}
    for grid, size in GRIDS.items():
        for block, width in BLOCKS.items():
            shapes[input_name(grid, block)] = ["batch", size, size, width]
    return shapes


def _grid(graph: Graph, name: str, net: GridNet, *, every_cell: bool) -> str:
    """The vector of one grid."""
    rows = {
        block: graph("Reshape", input_name(name, block), graph.ints(-1, width))
        for block, width in BLOCKS.items()
    }
    vectors = _cells(graph, net, rows) if every_cell else _occupied(graph, net, rows)
    width = net.cells.joint[-2].num_features
    image = graph("Reshape", vectors, graph.ints(-1, net.size, net.size, width))
    image = graph("Transpose", image, perm=[0, 3, 1, 2])
    for weight, bias in _folded(net.convolutions):
        image = graph(
            "Conv", image, graph.constant(weight), graph.constant(bias), kernel_shape=[KERNEL] * 2
        )
        image = graph("LeakyRelu", image, alpha=SLOPE)
    return graph("Flatten", image, name=f"{name}_grid")


def _occupied(graph: Graph, net: GridNet, rows: dict[str, str]) -> str:
    """Vectors of all cells, those of empty ones by copying."""
    filled = _filled(graph, rows)
    place = graph("NonZero", filled)
    index = graph("Reshape", place, graph.ints(-1))
    chosen = {name: graph("Gather", block, index, axis=0) for name, block in rows.items()}
    vectors = _cells(graph, net, chosen)
    empty = empty_vector(net)
    shape = graph("Concat", graph("Shape", filled), graph.ints(len(empty)), axis=0)
    all_empty = graph("Expand", graph.constant(empty[np.newaxis]), shape)
    return graph("ScatterND", all_empty, graph("Transpose", place), vectors)


def _filled(graph: Graph, rows: dict[str, str]) -> str:
    """Which cells have an input above or below 0: in half the time of a sum of absolute values."""
    highest, lowest = (
        graph(kind, *(graph(f"Reduce{kind}", row, axes=[1], keepdims=0) for row in rows.values()))
        for kind in ("Max", "Min")
    )
    zero = graph.constant(0.0)
    return graph("Or", graph("Greater", highest, zero), graph("Less", lowest, zero))


def empty_vector(net: GridNet) -> NDArray[np.float32]:
    """What the nets of cells make of an empty one, shape (channels,)."""
    with torch.no_grad():
        vectors = net.cells({block: torch.zeros(0, width) for block, width in BLOCKS.items()})
    return np.asarray(vectors[-1].numpy(), np.float32)


def _cells(graph: Graph, net: GridNet, rows: dict[str, str]) -> str:
    parts = [_dense(graph, rows[name], part) for name, part in net.cells.nets()]
    return _dense(graph, graph("Concat", *parts, axis=1), net.cells.joint)


def _dense(graph: Graph, value: str, net: nn.Sequential) -> str:
    for layer in _folded(net):
        value = graph("LeakyRelu", _linear(graph, value, layer), alpha=SLOPE)
    return value


def _linear(graph: Graph, value: str, layer: Layer) -> str:
    weight, bias = layer
    return graph("Gemm", value, graph.constant(weight.T), graph.constant(bias))


def _folded(net: Iterable[nn.Module]) -> list[Layer]:
    """Weights and biases of the layers, with the batch normalisation that follows each."""
    found: list[Layer] = []
    for module in net:
        if isinstance(module, nn.Linear | nn.Conv2d):
            weight = _numbers(module.weight)
            bias = np.zeros(len(weight)) if module.bias is None else _numbers(module.bias)
            found.append((weight, bias))
        elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            weight, bias = found[-1]
            scale = _numbers(module.weight) / np.sqrt(_numbers(module.running_var) + module.eps)
            shift = _numbers(module.bias) + (bias - _numbers(module.running_mean)) * scale
            found[-1] = (weight * scale.reshape(-1, *[1] * (weight.ndim - 1)), shift)
    return found


def _numbers(tensor: torch.Tensor) -> NDArray[np.float64]:
    return np.asarray(tensor.detach().double().cpu().numpy(), np.float64)
