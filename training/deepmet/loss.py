"""Huber loss on the components, and multipliers that hold the response at one."""

import torch

HUBER_DELTA = 1.5
"""Beyond this residual, in units of 50 GeV, the loss grows linearly."""

EDGES = (0.4, 0.8, 1.4, 2.4, 5.0, 40.0)
"""Bins of the generator's missing momentum, in units of 50 GeV, in which the response is held."""

RATE = 0.02
MEMORY = 0.98


class ResponseLoss:
    """The loss of a batch; learns one multiplier per bin from batch to batch.

    A network that minimises the residual alone answers with too small momenta. Here each bin's mean
    residual along the true direction, remembered over many batches, moves a multiplier of that
    residual until it is zero: the method of multipliers for a constraint on a mean.
    """

    def __init__(self) -> None:
        bins = len(EDGES) - 1
        self.edges = torch.tensor(EDGES)
        self.bias = torch.zeros(bins)
        self.multiplier = torch.zeros(bins)

    def __call__(self, found: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
        """Scalar loss of answers and truths of shape (events, 2), in units of 50 GeV."""
        loss = torch.nn.functional.huber_loss(found, true, delta=HUBER_DELTA)
        size = true.norm(dim=1)
        along = ((found - true) * true).sum(1) / size.clamp_min(1e-6)
        place = torch.bucketize(size, self.edges, right=True) - 1
        for index in range(len(self.bias)):
            inside = place == index
            if not inside.any():
                continue
            relative = (along[inside] / size[inside].mean()).mean()
            self.bias[index] += (1 - MEMORY) * (relative.detach() - self.bias[index])
            self.multiplier[index] += RATE * self.bias[index]
            loss = loss + inside.float().mean() * self.multiplier[index] * relative
        return loss

    def state_dict(self) -> dict[str, torch.Tensor]:
        """What a resumed training needs."""
        return {"bias": self.bias, "multiplier": self.multiplier}

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Takes up a training where it was left."""
        self.bias, self.multiplier = state["bias"], state["multiplier"]
