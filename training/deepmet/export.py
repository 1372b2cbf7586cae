"""The trained network as ONNX with CMS's tensors: normalisations and embeddings folded in.

The dense layers see only rows whose momentum is not zero, so padding costs next to nothing and
contributes exactly nothing.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import TensorProto

from training.deepmet.features import CATEGORIES
from training.deepmet.network import DeepMETNetwork
from training.onnx_graph import Graph, Shapes

ROWS: Final = 4500
Layer = tuple[NDArray[np.float64], NDArray[np.float64]]


def export(network: DeepMETNetwork, path: Path) -> None:
    """Writes the network."""
    graph = Graph("deepmet")
    rows = graph("Reshape", "input", graph.ints(-1, 8))
    pt = graph("Gather", rows, graph.constant(4, np.int64), axis=1)
    is_real = graph("Greater", pt, graph.constant(0.0))
    real = graph("Transpose", graph("NonZero", is_real), name="real")
    weights = _weights(graph, network, rows, real)
    _answer(graph, network, graph("ScatterND", _zeros(graph, network, rows), real, weights))
    graph.save(path, _inputs(), {"output/BiasAdd": ["batch", 2]})


def _inputs() -> Shapes:
    categories = (f"input_cat{index}" for index in range(len(CATEGORIES)))
    shapes: Shapes = {name: ["batch", ROWS, 1] for name in categories}
    return {"input": ["batch", ROWS, 8], **shapes}


def _weights(graph: Graph, network: DeepMETNetwork, rows: str, real: str) -> str:
    """Weights of the real candidates."""
    real_rows = graph("GatherND", rows, real)
    dxy, dz, eta, mass, pt, puppi = (
        graph("Gather", real_rows, graph.ints(column), axis=1) for column in range(6)
    )
    columns = (
        _log(graph, graph("Abs", dxy), 100.0, 1.0, 0.25),
        _log(graph, graph("Abs", dz), 100.0, 1.0, 0.25),
        graph("Div", graph("Abs", eta), graph.constant(2.5)),
        mass,
        graph("Add", _log(graph, pt, 1.0, 1e-4, 0.25), graph.constant(1.0)),
        puppi,
        graph("Tanh", pt),
    )
    hidden = graph("Concat", *columns, axis=1)
    table, layers = _folded(network)
    (first, _), *others = layers
    looked_up = graph("Gather", graph.constant(table), _category(graph, real), axis=0)
    hidden = graph("MatMul", hidden, graph.constant(first))
    hidden = graph("Tanh", graph("Add", hidden, looked_up))
    for weight, bias in others[:-1]:
        hidden = graph("Tanh", _dense(graph, hidden, (weight, bias)))
    return graph("Add", _dense(graph, hidden, others[-1]), puppi, name="weights")


def _category(graph: Graph, real: str) -> str:
    """The three categories of the real candidates as one index."""
    index = "input_cat0"
    for position, size in enumerate(CATEGORIES[1:], start=1):
        index = graph("Mul", index, graph.constant(float(size)))
        index = graph("Add", index, f"input_cat{position}")
    flat = graph("GatherND", graph("Reshape", index, graph.ints(-1)), real)
    return graph("Cast", flat, to=TensorProto.INT64)


def _zeros(graph: Graph, network: DeepMETNetwork, rows: str) -> str:
    count = graph("Gather", graph("Shape", rows), graph.ints(0))
    shape = graph("Concat", count, graph.ints(network.weight.out_features), axis=0)
    return graph("ConstantOfShape", shape)


def _answer(graph: Graph, network: DeepMETNetwork, weights: str) -> None:
    """Weighted sums of momenta, their lengths and angles, and the combination of them."""
    sums = network.weight.out_features
    by_event = graph("Reshape", weights, graph.ints(-1, ROWS, sums))
    by_event = graph("Transpose", by_event, perm=[0, 2, 1])
    momenta = graph("Gather", "input", graph.ints(6, 7), axis=2)
    pt = graph("Gather", "input", graph.ints(4), axis=2)
    vectors = graph("MatMul", by_event, momenta, name="sums")
    scalars = graph("MatMul", graph("Abs", by_event), pt)
    scalars = graph("Reshape", scalars, graph.ints(-1, sums))
    gram = graph("MatMul", vectors, graph("Transpose", vectors, perm=[0, 2, 1]))
    gram = graph("Reshape", gram, graph.ints(-1, sums * sums))
    upper = [int(sums * i + j) for i, j in network.upper.T]
    products = graph("Gather", gram, graph.ints(*upper), axis=1)
    hidden = graph(
        "Concat",
        _log(graph, scalars, 1.0, 0.1, 1.0),
        graph("Mul", graph("Asinh", products), graph.constant(0.25)),
        axis=1,
    )
    layers = [_layer(module) for module in network.combine if isinstance(module, torch.nn.Linear)]
    for layer in layers[:-1]:
        hidden = graph("Tanh", _dense(graph, hidden, layer))
    factors = graph("Neg", _dense(graph, hidden, layers[-1]))
    factors = graph("Reshape", factors, graph.ints(-1, 1, sums))
    answer = graph("MatMul", factors, vectors)
    graph("Reshape", answer, graph.ints(-1, 2), name="output/BiasAdd")


def _log(graph: Graph, value: str, factor: float, offset: float, scale: float) -> str:
    """The logarithm of factor * value + offset, scaled."""
    inner = graph("Add", graph("Mul", value, graph.constant(factor)), graph.constant(offset))
    return graph("Mul", graph("Log", inner), graph.constant(scale))


def _dense(graph: Graph, value: str, layer: Layer) -> str:
    weight, bias = layer
    return graph("Add", graph("MatMul", value, graph.constant(weight)), graph.constant(bias))


def _layer(linear: torch.nn.Linear) -> Layer:
    weight = linear.weight.detach().double().numpy().T
    return weight, linear.bias.detach().double().numpy()


def _folded(network: DeepMETNetwork) -> tuple[NDArray[np.float64], Sequence[Layer]]:
    """The first layer's answers to all 132 combinations of categories, and the layers.

    A normalisation after an activation is a scale and a shift before the next layer. Of the first
    layer only the rows of the invariants remain.
    """
    linears = [module for module in network.dense if isinstance(module, torch.nn.Linear)]
    norms = [module for module in network.dense if isinstance(module, torch.nn.BatchNorm1d)]
    layers = [_layer(module) for module in (*linears, network.weight)]
    for index, norm in enumerate(norms):
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        shift = norm.bias - norm.running_mean * scale
        weight, bias = layers[index + 1]
        layers[index + 1] = (
            weight * scale.detach().double().numpy()[:, np.newaxis],
            bias + shift.detach().double().numpy() @ weight,
        )
    weight, bias = layers[0]
    embedded = [table.weight.detach().double().numpy() for table in network.embeddings]
    inner = len(weight) - sum(table.shape[1] for table in embedded)
    table = bias[np.newaxis]
    start = inner
    for one in embedded:
        part = one @ weight[start : start + one.shape[1]]
        table = (table[:, np.newaxis] + part[np.newaxis]).reshape(-1, len(bias))
        start += one.shape[1]
    layers[0] = (weight[:inner], bias)
    return table, layers
