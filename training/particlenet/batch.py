"""Jets as tensors: what the network is trained with."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Protocol

import torch


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Jets with CMS's six inputs, transformed and padded to the longest of the batch, float32.

    Attributes:
        pf_points: eta and phi relative to the jet, shape (jets, 2, candidates).
        pf_features: shape (jets, features, candidates).
        pf_mask: 1 for what is there, 0 for padding, shape (jets, 1, candidates).
        sv_points: as of the candidates, for secondary vertices.
        sv_features: shape (jets, features, vertices).
        sv_mask: shape (jets, 1, vertices).
        label: index of the true class, int64, shape (jets,).
        target: of a regression, in GeV, shape (jets,).
        weight: of each jet in the loss, shape (jets,).
    """

    pf_points: torch.Tensor
    pf_features: torch.Tensor
    pf_mask: torch.Tensor
    sv_points: torch.Tensor
    sv_features: torch.Tensor
    sv_mask: torch.Tensor
    label: torch.Tensor
    target: torch.Tensor
    weight: torch.Tensor

    @property
    def size(self) -> int:
        """Number of jets."""
        return len(self.label)

    def to(self, device: torch.device) -> "Batch":
        """The same on another device."""
        return Batch(**{item.name: getattr(self, item.name).to(device) for item in fields(self)})

    def inputs(self) -> dict[str, torch.Tensor]:
        """The tensors that the exported network takes, by their names."""
        return {name: getattr(self, name) for name in INPUTS}


class Dataset(Protocol):
    """Jets in an order that depends on the epoch and the seed only."""

    def batches(self, epoch: int, size: int, seed: int) -> Iterator[Batch]:
        """All jets once, in batches of about equal lengths."""
        ...

    def __len__(self) -> int:
        """Number of jets."""
        ...


INPUTS = ("pf_points", "pf_features", "pf_mask", "sv_points", "sv_features", "sv_mask")
