"""The groomed mass in an ONNX graph."""

import numpy as np

from training.onnx_graph import Graph
from training.particlenet.grooming import LEAST_SQUARE, GroomedMass
from training.particlenet.layers import dense, layer


def groomed_mass(graph: Graph, groomed: GroomedMass, rows: str, jets_shape: str) -> str:
    """Adds the groomed mass in the operations of the training; returns its name.

    Args:
        graph: of the network.
        groomed: its trained part.
        rows: name of what is known of the particles, shape (jets * particles, inputs).
        jets_shape: name of the shape (jets, particles); candidates come first.

    Returns:
        of masses in GeV, shape (jets, 1).
    """
    weights = graph("Sigmoid", dense(graph, rows, layer(groomed.weight)))
    weights = graph("Reshape", weights, jets_shape)
    length = graph("Gather", graph("Shape", "pf_mask"), graph.ints(2))
    weights = graph("Slice", weights, graph.ints(0), length, graph.ints(1))
    log_pt = graph("Gather", "pf_features", graph.constant(groomed.place, np.int64), axis=1)
    log_pt = graph("Div", log_pt, graph.constant(groomed.factor.numpy()))
    pt = graph("Exp", graph("Add", log_pt, graph.constant(groomed.median.numpy())))
    mask = graph("Squeeze", "pf_mask", graph.ints(1))
    pt = graph("Mul", pt, graph("Mul", weights, mask))
    two = graph.constant(2.0)
    eta, phi = (
        graph("Gather", "pf_points", graph.constant(axis, np.int64), axis=1) for axis in (0, 1)
    )

    def total(values: str) -> str:
        return graph("ReduceSum", graph("Mul", pt, values), graph.ints(1), keepdims=1)

    def square(value: str) -> str:
        return graph("Mul", value, value)

    halves = (graph("Sinh", graph("Div", eta, two)), graph("Sin", graph("Div", phi, two)))
    small = graph("Mul", total(graph("Add", *map(square, halves))), two)
    large = graph("Add", small, graph("Mul", total(graph("Cos", phi)), two))
    across = graph("Add", square(total(graph("Sin", phi))), square(total(graph("Sinh", eta))))
    squared = graph("Sub", graph("Mul", small, large), across)
    return graph("Sqrt", graph("Max", squared, graph.constant(LEAST_SQUARE)))
