"""What the training makes small."""

import math

import torch
from torch.nn import functional

from training.particlenet.batch import Batch
from training.particlenet.network import MASS_SCALE
from training.particlenet.options import Interface

RESOLUTION = 0.1
"""Relative error of a mass up to which the loss is quadratic; beyond it is linear."""


def jet_losses(interface: Interface, logits: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Loss of each jet, without its weight, shape (jets,)."""
    if interface.labels:
        return functional.cross_entropy(logits, batch.label, reduction="none")
    return mass_losses(logits[:, 0], batch.target)


def mass_losses(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """What log cosh makes of the error of log(1 + mass / scale).

    Far from the minimum it is the absolute error, which the median makes smallest, and the median
    is that of the mass, too, as the logarithm only grows. An error over the true mass instead would
    weigh small masses more and pull all answers down.

    Args:
        logits: log(1 + mass / scale), shape (jets,).
        target: true masses in GeV, shape (jets,).
    """
    size = ((logits - torch.log1p(target / MASS_SCALE)) / RESOLUTION).abs()
    return RESOLUTION * (size + functional.softplus(-2 * size) - math.log(2))
