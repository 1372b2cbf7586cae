"""The trained network as ONNX with CMS's tensors: normalisations folded into the dense layers.

Particles are rows and features columns, so that nothing is transposed between layers, and each
EdgeConv block multiplies particles, not pairs, by its first matrices. Any number of candidates and
vertices goes, if both together, padding included, are more than the neighbours that are looked for;
padding contributes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from training.onnx_graph import Graph, Shapes
from training.particlenet.batch import INPUTS, Batch
from training.particlenet.export_grooming import groomed_mass
from training.particlenet.knn import FAR
from training.particlenet.layers import dense, folded, layer, matrix, normalisation
from training.particlenet.network import MASS_SCALE, Dense, EdgeConv, ParticleNet, told
from training.particlenet.options import Interface


@dataclass(frozen=True)
class _Particles:
    """What all blocks need to know of the particles.

    Attributes:
        jets_shape: to see rows as (jets, particles, numbers).
        far: added to squared distances: padding comes after all others, a particle itself last.
        starts: the first row of each jet, shape (jets, 1, 1).
        mask: shape (jets, 1, particles).
        hidden: 0 for particles, far below 0 for padding, shape (rows, 1).
        share: one over the number of real neighbours, shape (rows, 1).
        missing: by that the number of those that are not there, shape (rows, 1).
    """

    jets_shape: str
    far: str
    starts: str
    mask: str
    hidden: str
    share: str
    missing: str


def export(network: ParticleNet, path: Path) -> None:
    """Writes the network."""
    graph = Graph("particlenet")
    sizes = network.sizes
    particles = _particles(graph, sizes.neighbours)
    embedded = [_embedded(graph, kind, getattr(network, kind)) for kind in ("pf", "sv")]
    rows = graph("Concat", *embedded, axis=1)
    rows = graph("Reshape", rows, graph.ints(-1, sizes.embedding))
    distances = _plane(graph, graph("Concat", "pf_points", "sv_points", axis=2))
    outputs: list[str] = []
    for block, width in zip(network.blocks, sizes.widths, strict=True):
        near = (_nearest(graph, distances, particles, sizes.neighbours), sizes.neighbours)
        rows = _edge_conv(graph, rows, block, near, particles)
        outputs.append(rows)
        if len(outputs) < len(sizes.widths):
            distances = _space(graph, rows, particles, width)
    fused = dense(graph, graph("Concat", *outputs, axis=1), folded(network.fusion))
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


def _particles(graph: Graph, neighbours: int) -> _Particles:
    mask = graph("Concat", "pf_mask", "sv_mask", axis=2)
    shape = graph("Shape", mask)
    jets = graph("Gather", shape, graph.constant(0, np.int64))
    length = graph("Gather", shape, graph.ints(2))
    padding = graph("Mul", graph("Sub", graph.constant(1.0), mask), graph.constant(FAR))
    square = graph("ConstantOfShape", graph("Concat", length, length, axis=0))
    itself = graph("Mul", graph("EyeLike", square), graph.constant(2 * FAR))
    zero, one = graph.constant(0, np.int64), graph.constant(1, np.int64)
    starts = graph("Mul", graph("Range", zero, jets, one), length)
    count = graph("ReduceSum", mask, graph.ints(2), keepdims=1)
    k = graph.constant(float(neighbours))
    real = graph("Min", graph("Sub", count, graph.constant(1.0)), k)
    share = graph("Div", graph.constant(1.0), graph("Max", real, graph.constant(1.0)))
    missing = graph("Mul", graph("Sub", k, graph("Max", real, graph.constant(0.0))), share)

    def of_rows(values: str) -> str:
        return graph("Reshape", graph("Expand", values, shape), graph.ints(-1, 1))

    return _Particles(
        jets_shape=graph("Concat", graph.ints(-1), length, axis=0),
        far=graph("Add", padding, itself),
        starts=graph("Reshape", starts, graph.ints(-1, 1, 1)),
        mask=mask,
        hidden=graph("Reshape", graph("Neg", padding), graph.ints(-1, 1)),
        share=of_rows(share),
        missing=of_rows(missing),
    )


def _embedded(graph: Graph, kind: str, embedding: Dense) -> str:
    """Candidates or vertices, shape (jets, length, embedding)."""
    weight, bias = folded(embedding)
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


def _nearest(graph: Graph, distances: str, particles: _Particles, k: int) -> str:
    """Rows of the neighbours, shape (rows, k)."""
    places = graph.top(graph("Add", distances, particles.far), k)
    return graph("Reshape", graph("Add", places, particles.starts), graph.ints(-1, k))


def _edge_conv(
    graph: Graph, rows: str, block: EdgeConv, near: tuple[str, int], particles: _Particles
) -> str:
    """The block's answer.

    Padding that stands in for neighbours is hidden by the first activation, so that all of it has
    the same answer, known beforehand, which is taken off the sum.
    """
    index, k = near
    width = block.own.out_features
    scale, shift = normalisation(block.first_norm)
    own = dense(graph, rows, (matrix(block.own) * scale, shift))
    other = graph("MatMul", rows, graph.constant(matrix(block.other) * scale))
    other = graph("Add", other, particles.hidden)
    pairs = graph(
        "Add", graph("Gather", other, index, axis=0), graph("Unsqueeze", own, graph.ints(1))
    )
    pairs = graph("Reshape", graph("Relu", pairs), graph.ints(-1, width))
    of_padding = np.zeros(width)
    for weight, bias in map(folded, block.layers):
        pairs = graph("Relu", dense(graph, pairs, (weight, bias)))
        of_padding = np.maximum(of_padding @ weight + bias, 0)
    pairs = graph("Reshape", pairs, graph.ints(-1, k, width))
    total = graph("ReduceSum", pairs, graph.ints(1), keepdims=0)
    mean = graph("Mul", total, particles.share)
    surplus = graph("Mul", particles.missing, graph.constant(of_padding))
    own = graph("Sub", dense(graph, rows, folded(block.shortcut)), surplus)
    return graph("Relu", graph("Add", own, mean))


def _answer(graph: Graph, network: ParticleNet, rows: str, particles: _Particles) -> None:
    sizes, interface, output = network.sizes, network.interface, network.interface.output
    shape = graph("Concat", particles.jets_shape, graph.ints(sizes.fusion), axis=0)
    count = graph("ReduceSum", particles.mask, graph.ints(2), keepdims=1)
    weight = graph("Div", particles.mask, graph("Max", count, graph.constant(1.0)))
    mean = graph("MatMul", weight, graph("Reshape", rows, shape))
    mean = graph("Reshape", mean, graph.ints(-1, sizes.fusion))
    hidden = graph("Relu", dense(graph, mean, layer(network.hidden)))
    logits = dense(graph, hidden, layer(network.answer))
    if network.groomed is None:
        scores = graph("Softmax", logits, axis=1, name="" if interface.told_as else output)
        if interface.told_as:
            graph("MatMul", scores, graph.constant(told(interface)), name=output)
        return
    scale, one = graph.constant(MASS_SCALE), graph.constant(1.0)
    groomed = graph("Div", groomed_mass(graph, network.groomed, rows, particles.jets_shape), scale)
    # exp(answer + log(1 + mass)) without the logarithm
    grown = graph("Mul", graph("Exp", logits), graph("Add", groomed, one))
    graph("Relu", graph("Mul", graph("Sub", grown, one), scale), name=output)
