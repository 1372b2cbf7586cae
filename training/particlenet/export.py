"""The trained network as ONNX with CMS's tensors: normalisations folded into the dense layers.

Particles are rows and features columns, so that nothing is transposed between layers, and each
EdgeConv block multiplies particles, not pairs, by its first matrices. Any number of candidates and
vertices goes, if there are as many of both together as neighbours are looked for; padding
contributes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import nn

from training.particlenet.batch import INPUTS, Batch
from training.particlenet.graph import Graph, Shapes
from training.particlenet.knn import FAR
from training.particlenet.network import MASS_SCALE, Dense, EdgeConv, ParticleNet
from training.particlenet.options import Interface

Matrix = NDArray[np.float64]
Layer = tuple[Matrix, Matrix]


@dataclass(frozen=True)
class _Particles:
    """What all blocks need to know of the particles.

    Attributes:
        jets_shape: constant to see rows as (jets, particles, numbers).
        far: added to squared distances, large for what is no neighbour.
        starts: the first row of each jet, shape (jets, 1, 1).
        mask: shape (jets, 1, particles).
    """

    jets_shape: str
    far: str
    starts: str
    mask: str


def export(network: ParticleNet, path: Path) -> None:
    """Writes the network."""
    graph = Graph()
    sizes = network.sizes
    mask = graph("Concat", "pf_mask", "sv_mask", axis=2)
    particles = _particles(graph, mask)
    embedded = [_embedded(graph, kind, getattr(network, kind)) for kind in ("pf", "sv")]
    rows = graph("Concat", *embedded, axis=1)
    rows = graph("Reshape", rows, graph.ints(-1, sizes.embedding))
    distances = _plane(graph, graph("Concat", "pf_points", "sv_points", axis=2))
    outputs: list[str] = []
    for block, width in zip(network.blocks, sizes.widths, strict=True):
        index, weight = _nearest(graph, distances, particles, sizes.neighbours)
        rows = _edge_conv(graph, rows, block, (index, weight, sizes.neighbours))
        outputs.append(rows)
        if len(outputs) < len(sizes.widths):
            distances = _space(graph, rows, particles, width)
    fused = _dense(graph, graph("Concat", *outputs, axis=1), folded(network.fusion))
    _answer(graph, network, graph("Relu", fused), particles)
    graph.save(path, *shapes(network.interface))


def shapes(interface: Interface) -> tuple[Shapes, Shapes]:
    """Shapes of inputs and outputs by name; a dimension with a name is variable."""
    numbers = {"points": 2, "mask": 1}
    inputs: Shapes = {}
    for name in INPUTS:
        kind, _, what = name.partition("_")
        features = len(interface.pf if kind == "pf" else interface.sv)
        inputs[name] = ["batch", numbers.get(what, features), f"{kind}_length"]
    return inputs, {interface.output: ["batch", interface.outputs]}


def verify(network: ParticleNet, path: Path, batches: Iterable[Batch]) -> NDArray[np.float64]:
    """Difference of each jet between torch and onnxruntime, relative to 1 + the answer's size.

    Two particles that are equally far from a third one, but for rounding, may change places; hence
    it is the distribution that tells, not its tail alone.
    """
    network.eval()
    session = open_session(path)
    found = []
    for batch in batches:
        with torch.no_grad():
            expected = network(batch).numpy()
        difference = np.abs(infer(session, batch) - expected) / (1 + np.abs(expected))
        found.append(difference.max(axis=1).astype(np.float64))
    return np.concatenate(found)


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """The network in one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def infer(session: onnxruntime.InferenceSession, batch: Batch) -> NDArray[np.float32]:
    """The exported network's answer, shape (jets, outputs)."""
    inputs = {name: values.numpy() for name, values in batch.inputs().items()}
    return np.asarray(session.run(None, inputs)[0], np.float32)


def folded(dense: Dense) -> Layer:
    """Matrix (inputs, outputs) and bias of a dense layer with its normalisation."""
    scale, shift = _normalisation(dense.norm)
    return _matrix(dense.linear) * scale, shift


def _normalisation(norm: nn.BatchNorm1d) -> Layer:
    """The factor and the shift that a trained normalisation is."""
    scale = norm.weight.detach().double() / torch.sqrt(norm.running_var.double() + norm.eps)
    shift = norm.bias.detach().double() - norm.running_mean.double() * scale
    return scale.numpy(), shift.numpy()


def _matrix(linear: nn.Linear) -> Matrix:
    return np.ascontiguousarray(linear.weight.detach().double().numpy().T)


def _layer(linear: nn.Linear) -> Layer:
    return _matrix(linear), linear.bias.detach().double().numpy()


def _particles(graph: Graph, mask: str) -> _Particles:
    shape = graph("Shape", mask)
    jets = graph("Gather", shape, graph.constant(0, np.int64))
    length = graph("Gather", shape, graph.ints(2))
    padding = graph("Sub", graph.constant(FAR), graph("Mul", mask, graph.constant(FAR)))
    square = graph("ConstantOfShape", graph("Concat", length, length, axis=0))
    itself = graph("Mul", graph("EyeLike", square), graph.constant(FAR))
    zero, one = graph.constant(0, np.int64), graph.constant(1, np.int64)
    starts = graph("Mul", graph("Range", zero, jets, one), length)
    return _Particles(
        jets_shape=graph("Concat", graph.ints(-1), length, axis=0),
        far=graph("Add", padding, itself),
        starts=graph("Reshape", starts, graph.ints(-1, 1, 1)),
        mask=mask,
    )


def _embedded(graph: Graph, kind: str, dense: Dense) -> str:
    """Candidates or vertices, shape (jets, length, embedding)."""
    weight, bias = folded(dense)
    rows = graph("Transpose", f"{kind}_features", perm=[0, 2, 1])
    product = graph("MatMul", rows, graph.constant(weight))
    return graph("Relu", graph("Add", product, graph.constant(bias)))


def _plane(graph: Graph, points: str) -> str:
    """Squared distances in the plane, in the operations of the training."""
    squares = []
    for axis in range(2):
        one = graph("Gather", points, graph.constant(axis, np.int64), axis=1)
        columns = graph("Unsqueeze", one, graph.ints(2))
        difference = graph("Sub", columns, graph("Unsqueeze", one, graph.ints(1)))
        squares.append(graph("Mul", difference, difference))
    return graph("Add", *squares)


def _space(graph: Graph, rows: str, particles: _Particles, width: int) -> str:
    """Squared distances between rows less the square of the first."""
    shape = graph("Concat", particles.jets_shape, graph.ints(width), axis=0)
    table = graph("Reshape", rows, shape)
    squares = graph("ReduceSum", graph("Mul", table, table), graph.ints(2), keepdims=0)
    turned = graph("Transpose", table, perm=[0, 2, 1])
    products = graph("Mul", graph("MatMul", table, turned), graph.constant(-2.0))
    return graph("Add", products, graph("Unsqueeze", squares, graph.ints(1)))


def _nearest(graph: Graph, distances: str, particles: _Particles, k: int) -> tuple[str, str]:
    """Rows of the neighbours, shape (rows, k), and their weights, shape (rows, k, 1)."""
    found, places = graph.top(graph("Add", distances, particles.far), k)
    index = graph("Reshape", graph("Add", places, particles.starts), graph.ints(-1, k))
    real = graph("Cast", graph("Less", found, graph.constant(FAR / 2)), to=1)
    count = graph("ReduceSum", real, graph.ints(2), keepdims=1)
    weight = graph("Div", real, graph("Max", count, graph.constant(1.0)))
    return index, graph("Reshape", weight, graph.ints(-1, k, 1))


def _edge_conv(graph: Graph, rows: str, block: EdgeConv, near: tuple[str, str, int]) -> str:
    index, weight, k = near
    width = block.own.out_features
    scale, shift = _normalisation(block.first_norm)
    own = _dense(graph, rows, (_matrix(block.own) * scale, shift))
    other = graph("MatMul", rows, graph.constant(_matrix(block.other) * scale))
    own = graph("Unsqueeze", own, graph.ints(1))
    pairs = graph("Relu", graph("Add", graph("Gather", other, index, axis=0), own))
    pairs = graph("Reshape", pairs, graph.ints(-1, width))
    for layer in block.layers:
        pairs = graph("Relu", _dense(graph, pairs, folded(layer)))
    pairs = graph("Reshape", pairs, graph.ints(-1, k, width))
    weighted = graph("Mul", pairs, weight)
    mean = graph("ReduceSum", weighted, graph.ints(1), keepdims=0)
    return graph("Relu", graph("Add", _dense(graph, rows, folded(block.shortcut)), mean))


def _answer(graph: Graph, network: ParticleNet, rows: str, particles: _Particles) -> None:
    sizes, output = network.sizes, network.interface.output
    shape = graph("Concat", particles.jets_shape, graph.ints(sizes.fusion), axis=0)
    count = graph("ReduceSum", particles.mask, graph.ints(2), keepdims=1)
    weight = graph("Div", particles.mask, graph("Max", count, graph.constant(1.0)))
    mean = graph("MatMul", weight, graph("Reshape", rows, shape))
    mean = graph("Reshape", mean, graph.ints(-1, sizes.fusion))
    hidden = graph("Relu", _dense(graph, mean, _layer(network.hidden)))
    logits = _dense(graph, hidden, _layer(network.answer))
    if network.interface.labels:
        graph("Softmax", logits, axis=1, name=output)
    else:
        grown = graph("Sub", graph("Exp", logits), graph.constant(1.0))
        graph("Relu", graph("Mul", grown, graph.constant(MASS_SCALE)), name=output)


def _dense(graph: Graph, rows: str, layer: Layer) -> str:
    weight, bias = layer
    return graph("Gemm", rows, graph.constant(weight), graph.constant(bias))
