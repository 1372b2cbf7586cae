"""The network: small nets for every occupied cell, convolutions over the grids, dense layers."""

from dataclasses import dataclass, field
from typing import Final

import torch
from torch import nn

from training.deeptau.layout import BLOCKS, CLASSES, GRIDS, TAU_FEATURES

SLOPE: Final = 0.1
"""Of the activations below zero. CMS learns it for each channel: onnxruntime then takes 2.3 times
as long for the convolutions, since it keeps its fast layout only up to such an activation."""

KERNEL: Final = 3


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Numbers of outputs of the layers, in their order.

    Attributes:
        egamma, muon, hadrons: of the nets that see one block of a cell.
        joint: of the net that sees the three together.
        channels: of the convolutions.
        tau: of the net that sees the tau's own features.
        dense: of the layers before the four outputs.
    """

    egamma: tuple[int, ...] = (48, 32)
    muon: tuple[int, ...] = (24, 16)
    hadrons: tuple[int, ...] = (40, 32)
    joint: tuple[int, ...] = (64, 32)
    channels: int = 32
    tau: tuple[int, ...] = (64, 48, 32)
    dense: tuple[int, ...] = (96, 96, 96, 96)


SIZES: Final = {
    "light": Sizes(),
    "cms": Sizes(
        egamma=(207, 129, 104),
        muon=(154, 96, 77),
        hadrons=(92, 57, 46),
        joint=(227, 141, 88, 64),
        channels=64,
        tau=(104, 74, 52),
        dense=(200, 200, 200, 200),
    ),
}
"""Ours for laptops, and CMS's."""


@dataclass(frozen=True)
class Cells:
    """Occupied cells of one grid of a batch of taus.

    Attributes:
        blocks: features of each cell by block, shape (cells, features).
        place: cell of the batch's grids, ``(tau * size + eta) * size + phi``, shape (cells,).
    """

    blocks: dict[str, torch.Tensor]
    place: torch.Tensor


@dataclass(frozen=True)
class Batch:
    """Taus as the network sees them.

    Attributes:
        tau: features of the taus, shape (taus, 43).
        grids: occupied cells of the inner and of the outer grid.
    """

    tau: torch.Tensor
    grids: dict[str, Cells] = field(default_factory=dict)

    def to(self, device: torch.device) -> "Batch":
        """The same on another device."""
        grids = {
            name: Cells(
                {block: rows.to(device) for block, rows in cells.blocks.items()},
                cells.place.to(device),
            )
            for name, cells in self.grids.items()
        }
        return Batch(self.tau.to(device), grids)


class CellNet(nn.Module):
    """The vector of every cell, from its three blocks.

    Only occupied cells are evaluated: the vector of an empty cell, whose features are all 0, is a
    constant, that of one more row of zeros.
    """

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.blocks = nn.ModuleDict(
            {block: layers(width, getattr(sizes, block)) for block, width in BLOCKS.items()}
        )
        self.joint = layers(sum(getattr(sizes, block)[-1] for block in BLOCKS), sizes.joint)

    def forward(self, blocks: dict[str, torch.Tensor]) -> torch.Tensor:
        """Vectors of cells, shape (cells, channels); the last one is that of an empty cell."""
        parts = [net(nn.functional.pad(blocks[name], (0, 0, 0, 1))) for name, net in self.nets()]
        return self.joint(torch.cat(parts, dim=1))

    def nets(self) -> list[tuple[str, nn.Sequential]]:
        """The nets of the blocks, in the order in which the joint net sees their outputs."""
        return [(block, self.blocks[block]) for block in BLOCKS]


class GridNet(nn.Module):
    """One grid: the nets of cells, then convolutions without padding until one cell is left."""

    def __init__(self, size: int, sizes: Sizes) -> None:
        super().__init__()
        self.size = size
        self.cells = CellNet(sizes)
        parts: list[nn.Module] = []
        width = sizes.joint[-1]
        for _ in range(size // 2):
            parts += [
                nn.Conv2d(width, sizes.channels, KERNEL, bias=False),
                nn.BatchNorm2d(sizes.channels),
                nn.LeakyReLU(SLOPE),
            ]
            width = sizes.channels
        self.convolutions = nn.Sequential(*parts).to(memory_format=torch.channels_last)

    def forward(self, cells: Cells, taus: int) -> torch.Tensor:
        """One vector a tau, shape (taus, channels)."""
        vectors = self.cells(cells.blocks)
        count = taus * self.size * self.size
        grid = vectors[-1:].expand(count, -1).index_copy(0, cells.place, vectors[:-1])
        image = grid.view(taus, self.size, self.size, -1).permute(0, 3, 1, 2)
        return self.convolutions(image).flatten(1)


class DeepTauNetwork(nn.Module):
    """Electron, muon, hadronic tau or jet.

    As CMS's 2018v2p5 (arXiv:2201.08458) but for the sizes, and for the activations, whose slope is
    not learned.
    """

    def __init__(self, sizes: Sizes, dropout: float = 0.0) -> None:
        super().__init__()
        self.sizes = sizes
        self.tau = layers(TAU_FEATURES, sizes.tau)
        self.grids = nn.ModuleDict({name: GridNet(size, sizes) for name, size in GRIDS.items()})
        width = sizes.tau[-1] + len(GRIDS) * sizes.channels
        self.drop = nn.Dropout(dropout)
        self.dense = layers(width, sizes.dense, dropout)
        self.answer = nn.Linear(sizes.dense[-1], len(CLASSES))

    def forward(self, batch: Batch) -> torch.Tensor:
        """Logarithms of the outputs but for a common term, shape (taus, 4)."""
        taus = len(batch.tau)
        grids = [self.grids[name](batch.grids[name], taus) for name in GRIDS]
        hidden = self.drop(torch.cat([self.tau(batch.tau), *grids], dim=1))
        return self.answer(self.dense(hidden))


def layers(width: int, sizes: tuple[int, ...], dropout: float | None = None) -> nn.Sequential:
    """Dense layers with batch normalisation, and with dropout unless it is None."""
    parts: list[nn.Module] = []
    for size in sizes:
        parts += [nn.Linear(width, size, bias=False), nn.BatchNorm1d(size), nn.LeakyReLU(SLOPE)]
        if dropout is not None:
            parts.append(nn.Dropout(dropout))
        width = size
    return nn.Sequential(*parts)


def multiply_adds(network: DeepTauNetwork, occupied: dict[str, float]) -> int:
    """Multiplications and additions for one tau.

    Args:
        network: whose layers are counted.
        occupied: number of cells of each grid that are evaluated, on average.
    """
    total: float = _weights(network.tau) + _weights(network.dense)
    total += network.answer.weight.numel()
    for name, grid in network.grids.items():
        total += occupied[name] * _weights(grid.cells)
        size = grid.size
        for module in grid.convolutions:
            if isinstance(module, nn.Conv2d):
                size -= KERNEL - 1
                total += size * size * module.weight.numel()
    return round(total)


def _weights(module: nn.Module) -> int:
    linears = (part for part in module.modules() if isinstance(part, nn.Linear))
    return sum(int(part.weight.numel()) for part in linears)
