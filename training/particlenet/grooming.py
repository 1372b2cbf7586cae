"""The mass of a jet after grooming that is learned: of candidates that count with weights.

Soft drop decides by one rule what belongs to a jet; here a network gives each candidate a weight
between 0 and 1. What the mass needs (momenta and their sum) need not be learned then.
"""

from typing import Final

import torch
from torch import nn

from training.particlenet.batch import Batch
from training.particlenet.options import Interface

PT: Final = "pfcand_pt_log_nopuppi"
"""The feature that momenta are made of: the logarithm of pT in GeV."""

FIRST_WEIGHT: Final = 2.0
"""What the weights' sigmoid is taken of before anything is learned: most of the jet counts."""

LEAST_SQUARE: Final = 1e-4
"""GeV2; of smaller squares of a mass there is no slope."""


class GroomedMass(nn.Module):
    """Weights of candidates, and the mass of their weighted sum.

    Args:
        interface: of the network, whose candidates have the feature :data:`PT`.
        inputs: numbers known of each candidate.
        pt_scale: median and norm factor of that feature.
    """

    median: torch.Tensor
    factor: torch.Tensor

    def __init__(self, interface: Interface, inputs: int, pt_scale: tuple[float, float]) -> None:
        super().__init__()
        self.place = interface.pf.index(PT)
        self.weight = nn.Linear(inputs, 1)
        nn.init.zeros_(self.weight.weight)
        nn.init.constant_(self.weight.bias, FIRST_WEIGHT)
        self.register_buffer("median", torch.tensor(pt_scale[0]))
        self.register_buffer("factor", torch.tensor(pt_scale[1]))

    def forward(self, rows: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Masses in GeV.

        Args:
            rows: what is known of the candidates, without padding, shape (candidates, inputs).
            batch: the jets.

        Returns:
            shape (jets, 1).
        """
        mask = batch.pf_mask[:, 0] > 0
        weights = torch.zeros(mask.shape, device=rows.device)
        weights[mask] = torch.sigmoid(self.weight(rows)[:, 0])
        pt = torch.exp(batch.pf_features[:, self.place] / self.factor + self.median)
        return mass(weights * pt, batch.pf_points)[:, None]


def mass(pt: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Masses of jets of massless candidates, exact to float32 however small they are.

    With the x axis along the jet's own the difference of energy and momentum along it is summed
    candidate by candidate, instead of being a small difference of large sums.

    Args:
        pt: of the candidates (GeV), 0 for padding, shape (jets, candidates).
        points: pseudorapidity and azimuth relative to the jet, shape (jets, 2, candidates).

    Returns:
        shape (jets,).
    """
    eta, phi = points[:, 0], points[:, 1]
    small = (pt * 2 * (torch.sinh(eta / 2) ** 2 + torch.sin(phi / 2) ** 2)).sum(1)
    large = small + 2 * (pt * torch.cos(phi)).sum(1)
    across = (pt * torch.sin(phi)).sum(1) ** 2 + (pt * torch.sinh(eta)).sum(1) ** 2
    return torch.sqrt((small * large - across).clamp(min=LEAST_SQUARE))
