"""Which particles of a jet are each other's neighbours.

In training particles of all jets stand one after the other without padding, so that no layer works
for nothing; only the search for neighbours has jets side by side.
"""

from dataclasses import dataclass
from typing import Final

import torch

FAR: Final = 1e9
"""Squared distance of what is no neighbour: padding, and a particle itself."""


@dataclass(frozen=True)
class Layout:
    """Where the particles of flat rows stand in a padded table of jets.

    Attributes:
        mask: what of the table is a particle, shape (jets, length).
        places: of each row in the flattened table.
        rows: the row at each place of the flattened table, 0 where there is none.
    """

    mask: torch.Tensor
    places: torch.Tensor
    rows: torch.Tensor

    @classmethod
    def of(cls, pf_mask: torch.Tensor, sv_mask: torch.Tensor) -> "Layout":
        """Rows are all candidates, then all vertices; a jet's vertices follow its candidates.

        Args:
            pf_mask: what is a candidate, boolean, shape (jets, candidates).
            sv_mask: what is a vertex, boolean, shape (jets, vertices).
        """
        mask = torch.cat([pf_mask, sv_mask], dim=1)
        kind = torch.cat([pf_mask, torch.zeros_like(sv_mask)], dim=1).flatten()
        candidates = kind.nonzero()[:, 0]
        vertices = (mask.flatten() & ~kind).nonzero()[:, 0]
        places = torch.cat([candidates, vertices])
        rows = places.new_zeros(mask.numel())
        rows[places] = torch.arange(len(places), device=places.device)
        return cls(mask, places, rows)

    @property
    def jets(self) -> torch.Tensor:
        """The jet of each row."""
        return torch.div(self.places, self.mask.shape[1], rounding_mode="floor")

    def padded(self, values: torch.Tensor) -> torch.Tensor:
        """Rows as a table with zeros as padding, shape (jets, length, numbers)."""
        table = values.new_zeros((self.mask.numel(), values.shape[1]))
        table[self.places] = values
        return table.view(*self.mask.shape, -1)

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """Of each jet's rows, shape (jets, numbers); 0 for a jet without any."""
        total = values.new_zeros((len(self.mask), values.shape[1]))
        total = total.index_add(0, self.jets, values)
        return total / self.mask.sum(1, keepdim=True).clamp(min=1)


@dataclass(frozen=True)
class Neighbours:
    """The nearest particles of each particle.

    Attributes:
        index: their rows, shape (rows, k).
        weight: 1 over the number of the real ones, 0 for the others, shape (rows, k).
    """

    index: torch.Tensor
    weight: torch.Tensor


@torch.no_grad()
def nearest(values: torch.Tensor, layout: Layout, k: int) -> Neighbours:
    """The k nearest others in the space of some numbers; fewer where a jet has fewer.

    Args:
        values: coordinates of each row, shape (rows, numbers).
        layout: of the rows.
        k: number of neighbours.
    """
    table = layout.padded(values.detach().float())
    distances = _plane(table) if table.shape[2] == 2 else _space(table)
    length = table.shape[1]
    distances += FAR * (~layout.mask).unsqueeze(1)
    distances += FAR * torch.eye(length, device=table.device)
    found, places = distances.topk(min(k, length), dim=2, largest=False, sorted=False)
    real = (found < FAR / 2).flatten(0, 1)[layout.places]
    places = places + length * torch.arange(len(table), device=table.device)[:, None, None]
    index = layout.rows[places.flatten(0, 1)[layout.places]]
    weight = real / real.sum(1, keepdim=True).clamp(min=1)
    return Neighbours(index, weight)


def _plane(table: torch.Tensor) -> torch.Tensor:
    """Squared distances as they are defined: exact for equal points, of which there are many."""
    first, second = (table[:, :, axis] for axis in range(2))
    return _square(first) + _square(second)


def _square(values: torch.Tensor) -> torch.Tensor:
    difference = values.unsqueeze(2) - values.unsqueeze(1)
    return difference * difference


def _space(table: torch.Tensor) -> torch.Tensor:
    """Squared distances less the square of the first, which is the same for all its neighbours."""
    squares = (table * table).sum(2)
    with torch.autocast(table.device.type, enabled=False):
        return torch.baddbmm(squares.unsqueeze(1), table, table.transpose(1, 2), alpha=-2)
