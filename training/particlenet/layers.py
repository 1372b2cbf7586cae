"""Layers of a trained network as matrices, and as nodes of an ONNX graph."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training.onnx_graph import Graph
from training.particlenet.network import Dense

Matrix = NDArray[np.float64]
Layer = tuple[Matrix, Matrix]


def folded(dense: Dense) -> Layer:
    """Matrix (inputs, outputs) and bias of a dense layer with its normalisation."""
    scale, shift = normalisation(dense.norm)
    return matrix(dense.linear) * scale, shift


def normalisation(norm: nn.BatchNorm1d) -> Layer:
    """The factor and the shift that a trained normalisation is."""
    scale = norm.weight.detach().double() / torch.sqrt(norm.running_var.double() + norm.eps)
    shift = norm.bias.detach().double() - norm.running_mean.double() * scale
    return scale.numpy(), shift.numpy()


def matrix(linear: nn.Linear) -> Matrix:
    """Weights, shape (inputs, outputs)."""
    return np.ascontiguousarray(linear.weight.detach().double().numpy().T)


def layer(linear: nn.Linear) -> Layer:
    """Weights and bias of a layer without normalisation."""
    return matrix(linear), linear.bias.detach().double().numpy()


def dense(graph: Graph, rows: str, layer: Layer) -> str:
    """Adds a dense layer without activation; returns the name of its answer."""
    weight, bias = layer
    return graph("Gemm", rows, graph.constant(weight), graph.constant(bias))
