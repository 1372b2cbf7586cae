"""The network: one weight per candidate, the missing momentum as minus the weighted sum."""

from dataclasses import dataclass

import torch
from torch import nn

from training.deepmet.features import CATEGORIES

EMBEDDING = 8
HIDDEN = (64, 32, 16)
EVENT_HIDDEN = 16
BN_EPSILON = 1e-3
BN_MOMENTUM = 0.01
"""Slow: the mixture of processes and pileup changes from batch to batch."""


@dataclass(frozen=True)
class Batch:
    """Events with all their candidates one after the other.

    Attributes:
        rows: DeepMET's ``input``, shape (candidates, 8).
        category: shape (candidates,).
        event: to which event each candidate belongs.
        size: number of events.
    """

    rows: torch.Tensor
    category: torch.Tensor
    event: torch.Tensor
    size: int


def invariants(rows: torch.Tensor) -> torch.Tensor:
    """What the weight may depend on: nothing that changes when the event is rotated or mirrored."""
    dxy, dz, eta, mass, pt, puppi = rows[:, :6].unbind(1)
    return torch.stack(
        [
            torch.log1p(100 * dxy.abs()) / 4,
            torch.log1p(100 * dz.abs()) / 4,
            eta.abs() / 2.5,
            mass,
            torch.log(pt + 1e-4) / 4 + 1,
            puppi,
            torch.tanh(pt),
        ],
        dim=1,
    )


class DeepMETNetwork(nn.Module):
    """Embedded categories and invariants through dense layers (tanh, batch normalisation).

    As CMS's network but for three things: the weights see no azimuth, so that turning an event
    turns the answer exactly; there are several weights a candidate, hence several weighted sums of
    momenta, which a small network of their lengths and angles combines to one; and padding
    contributes nothing.
    """

    def __init__(self, sums: int) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(size, EMBEDDING) for size in CATEGORIES)
        width = 7 + EMBEDDING * len(CATEGORIES)
        layers: list[nn.Module] = []
        for size in HIDDEN:
            layers += [
                nn.Linear(width, size),
                nn.Tanh(),
                nn.BatchNorm1d(size, eps=BN_EPSILON, momentum=BN_MOMENTUM),
            ]
            width = size
        self.dense = nn.Sequential(*layers)
        self.weight = nn.Linear(width, sums)
        nn.init.zeros_(self.weight.weight)
        nn.init.zeros_(self.weight.bias)
        pairs = sums * (sums + 1) // 2
        self.combine = nn.Sequential(
            nn.Linear(sums + pairs, EVENT_HIDDEN),
            nn.Tanh(),
            nn.Linear(EVENT_HIDDEN, EVENT_HIDDEN),
            nn.Tanh(),
            nn.Linear(EVENT_HIDDEN, sums),
        )
        last = self.combine[-1]
        nn.init.zeros_(last.weight)
        nn.init.constant_(last.bias, 1 / sums)
        self.register_buffer("upper", torch.triu_indices(sums, sums))

    def forward(self, batch: Batch) -> torch.Tensor:
        """Missing momentum over 50 GeV, shape (events, 2)."""
        return self.answer(*self.sums(batch))

    def sums(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Weighted sums of momenta, shape (events, sums, 2), and of their sizes (events, sums)."""
        weights = self.weights(batch.rows, batch.category)
        momenta = batch.rows[:, 6:8]
        vectors = _sum_by_event(weights.unsqueeze(2) * momenta.unsqueeze(1), batch)
        scalars = _sum_by_event(weights.abs() * batch.rows[:, 4:5], batch)
        return vectors, scalars

    def answer(self, vectors: torch.Tensor, scalars: torch.Tensor) -> torch.Tensor:
        """The combination of the sums, shape (events, 2)."""
        return -(self.coefficients(vectors, scalars).unsqueeze(2) * vectors).sum(1)

    def weights(self, rows: torch.Tensor, category: torch.Tensor) -> torch.Tensor:
        """Weights of each candidate; those of PUPPI plus what was learned."""
        parts: list[torch.Tensor] = []
        for table in reversed(self.embeddings):
            parts.insert(0, table(category % table.num_embeddings))
            category = torch.div(category, table.num_embeddings, rounding_mode="floor")
        hidden = self.dense(torch.cat([invariants(rows), *parts], dim=1))
        return self.weight(hidden) + rows[:, 5:6]

    def coefficients(self, vectors: torch.Tensor, scalars: torch.Tensor) -> torch.Tensor:
        """With what factor each weighted sum enters the answer."""
        gram = vectors @ vectors.transpose(1, 2)
        products = gram[:, self.upper[0], self.upper[1]]
        return self.combine(torch.cat([torch.log(scalars + 0.1), torch.asinh(products) / 4], dim=1))


def _sum_by_event(values: torch.Tensor, batch: Batch) -> torch.Tensor:
    total = values.new_zeros((batch.size, *values.shape[1:]))
    return total.index_add(0, batch.event, values)
