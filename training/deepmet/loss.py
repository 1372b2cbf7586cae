"""Huber loss on the components, and multipliers that hold the response at one."""

from collections.abc import Sequence
from typing import Final

import torch

from sonicmini.modules.networks.deepmet import SCALE

HUBER_DELTA: Final = 1.5
"""Beyond this residual, in units of 50 GeV, the loss grows linearly."""

RATE: Final = 0.005
MEMORY: Final = 0.99


class ResponseLoss:
    """The loss of a batch; learns one multiplier per bin from batch to batch.

    A network that minimises the residual alone answers with too small momenta. Here each bin's mean
    residual along the true direction, remembered over many batches, moves a multiplier of that
    residual until it is zero: the method of multipliers for a constraint on a mean.

    Args:
        edges: of the bins of the generator's missing momentum, GeV.
    """

    def __init__(self, edges: Sequence[float]) -> None:
        self.edges = torch.tensor(edges) / SCALE
        self.middle = (self.edges[1:] * self.edges[:-1]).sqrt()
        self.bias = torch.zeros(len(edges) - 1)
        self.multiplier = torch.zeros(len(edges) - 1)

    def __call__(self, found: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
        """Scalar loss of answers and truths of shape (events, 2), in units of 50 GeV."""
        loss = torch.nn.functional.huber_loss(found, true, delta=HUBER_DELTA)
        size = true.norm(dim=1)
        place = torch.bucketize(size, self.edges, right=True) - 1
        inside = (place >= 0) & (place < len(self.middle))
        place, size = place[inside], size[inside]
        along = ((found - true) * true)[inside].sum(1) / size
        total = torch.zeros_like(self.bias).index_add(0, place, along / self.middle[place])
        self._learn(total.detach(), torch.bincount(place, minlength=len(self.bias)))
        return loss + (self.multiplier * total).sum() / len(true)

    def _learn(self, total: torch.Tensor, count: torch.Tensor) -> None:
        seen = count > 0
        mean = total[seen] / count[seen]
        self.bias[seen] += (1 - MEMORY) * (mean - self.bias[seen])
        self.multiplier[seen] += RATE * self.bias[seen]

    def state_dict(self) -> dict[str, torch.Tensor]:
        """What a resumed training needs."""
        return {"bias": self.bias, "multiplier": self.multiplier}

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Takes up a training where it was left."""
        self.bias, self.multiplier = state["bias"].clone(), state["multiplier"].clone()
