"""ParticleNet (Qu and Gouskos, arXiv:1902.08570) with candidates and vertices, as in CMS."""

from collections.abc import Callable
from itertools import pairwise
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from training.particlenet.batch import Batch
from training.particlenet.grooming import GroomedMass
from training.particlenet.knn import Layout, Neighbours, nearest
from training.particlenet.options import Interface, Sizes

MASS_SCALE: Final = 10.0
"""GeV. The regression learns log(1 + mass / scale): relative for large masses, finite for 0."""


class Dense(nn.Module):
    """A dense layer, normalised over all rows; the normalisation is folded into it at export."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=False)
        self.norm = nn.BatchNorm1d(outputs)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Without activation, shape (rows, outputs)."""
        return self.norm(self.linear(rows))


class EdgeConv(nn.Module):
    """What each particle learns from its neighbours, added to what it knows of itself.

    The first dense layer of a pair acts on (x_i, x_j - x_i), hence is the sum of one product of
    x_i and one of x_j: both are computed for each particle, not for each pair.
    """

    def __init__(self, inputs: int, width: int, layers: int) -> None:
        super().__init__()
        self.own = nn.Linear(inputs, width, bias=False)
        self.other = nn.Linear(inputs, width, bias=False)
        self.first_norm = nn.BatchNorm1d(width)
        self.layers = nn.ModuleList(Dense(width, width) for _ in range(layers - 1))
        self.shortcut = Dense(inputs, width)

    def forward(self, rows: torch.Tensor, near: Neighbours) -> torch.Tensor:
        """Shape (rows, width)."""
        count, k = near.index.shape
        others = functional.embedding(near.index, self.other(rows))
        pairs = (self.own(rows).unsqueeze(1) + others).flatten(0, 1)
        pairs = torch.relu_(self.first_norm(pairs))
        for layer in self.layers:
            pairs = torch.relu_(layer(pairs))
        weight = near.weight.to(pairs.dtype).unsqueeze(2)
        mean = (pairs.view(count, k, -1) * weight).sum(1)
        return torch.relu(mean + self.shortcut(rows))


class ParticleNet(nn.Module):
    """Embedding, EdgeConv blocks with neighbours found anew for each, mean over the jet, answer.

    The regression's answer is a correction of the groomed mass.

    Args:
        interface: what it reads and answers.
        sizes: of its layers.
        pt_scale: median and norm factor of the logarithm of pT, for the regression.
    """

    def __init__(
        self, interface: Interface, sizes: Sizes, pt_scale: tuple[float, float] = (0.0, 1.0)
    ) -> None:
        super().__init__()
        self.interface, self.sizes = interface, sizes
        self.pf = Dense(len(interface.pf), sizes.embedding)
        self.sv = Dense(len(interface.sv), sizes.embedding)
        inputs = (sizes.embedding, *sizes.widths)
        self.blocks = nn.ModuleList(EdgeConv(*pair, sizes.edge_layers) for pair in pairwise(inputs))
        self.fusion = Dense(sum(sizes.widths), sizes.fusion)
        self.hidden = nn.Linear(sizes.fusion, sizes.hidden)
        self.dropout = nn.Dropout(sizes.dropout)
        self.answer = nn.Linear(sizes.hidden, interface.outputs)
        self.groomed: GroomedMass | None = None
        if not interface.labels:
            self.groomed = GroomedMass(interface, sizes.fusion, pt_scale)
            nn.init.zeros_(self.answer.weight)
            nn.init.zeros_(self.answer.bias)

    def forward(self, batch: Batch) -> torch.Tensor:
        """Scores that sum to 1, shape (jets, labels), or masses in GeV, shape (jets, 1)."""
        return self.activation(self.logits(batch))

    def logits(self, batch: Batch) -> torch.Tensor:
        """What the loss works with, shape (jets, outputs)."""
        pf_mask, sv_mask = batch.pf_mask[:, 0] > 0, batch.sv_mask[:, 0] > 0
        layout = Layout.of(pf_mask, sv_mask)
        candidates = torch.relu(self.pf(_rows(batch.pf_features, pf_mask)))
        vertices = torch.relu(self.sv(_rows(batch.sv_features, sv_mask)))
        rows = torch.cat([candidates, vertices])
        points = (_rows(batch.pf_points, pf_mask), _rows(batch.sv_points, sv_mask))
        coordinates = torch.cat(points)
        outputs: list[torch.Tensor] = []
        for block in self.blocks:
            rows = block(rows, nearest(coordinates, layout, self.sizes.neighbours))
            outputs.append(rows)
            coordinates = rows
        fused = torch.relu(self.fusion(torch.cat(outputs, dim=1)))
        hidden = torch.relu(self.hidden(layout.mean(fused.float())))
        answer = self.answer(self.dropout(hidden)).float()
        if self.groomed is None:
            return answer
        with torch.autocast(answer.device.type, enabled=False):
            mass = self.groomed(fused[: len(candidates)].float(), batch)
        return answer + torch.log1p(mass / MASS_SCALE)

    @property
    def activation(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """From what the loss works with to what the network answers."""
        if not self.interface.labels:
            return _mass
        table = torch.from_numpy(told(self.interface))
        return lambda logits: torch.softmax(logits, dim=1) @ table.to(logits.device)


def told(interface: Interface) -> NDArray[np.float32]:
    """What of each class's probability is told as which class, shape (classes, classes)."""
    table = np.eye(len(interface.labels), dtype=np.float32)
    for name, other in interface.told_as:
        place = interface.labels.index(name)
        table[place] = table[interface.labels.index(other)]
    return table


def multiply_adds(interface: Interface, sizes: Sizes, candidates: int, vertices: int) -> int:
    """Multiply-adds of one jet, distances between particles included."""
    particles = candidates + vertices
    total = sizes.embedding * (candidates * len(interface.pf) + vertices * len(interface.sv))
    inputs, dimensions = sizes.embedding, 2
    for width in sizes.widths:
        per_pair = (sizes.edge_layers - 1) * width * width
        per_particle = 3 * inputs * width + sizes.neighbours * (per_pair + width)
        total += particles * (per_particle + particles * dimensions)
        inputs = dimensions = width
    total += particles * sum(sizes.widths) * sizes.fusion
    if not interface.labels:
        total += candidates * sizes.fusion
    return total + sizes.hidden * (sizes.fusion + interface.outputs)


def _rows(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """What is there, without padding, shape (rows, numbers)."""
    return values.transpose(1, 2)[mask]


def _mass(logits: torch.Tensor) -> torch.Tensor:
    return torch.relu(MASS_SCALE * torch.expm1(logits))
