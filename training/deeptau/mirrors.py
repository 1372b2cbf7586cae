"""Symmetries of collisions: three reflections make eight taus of each, all equally likely.

Physics and detector do not change if the beams' direction is reversed; if the event is reflected at
the plane of the x axis and the beam, with all charges reversed, which curve the other way then; nor
if the event is turned by half a turn about the beam, which of the features only the components of
positions across the beam show.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import torch

from training.deeptau.layout import BLOCKS, GLOBAL, GRIDS, SEGMENTS
from training.deeptau.network import Batch, Cells


class _Reflection(NamedTuple):
    """What changes its sign.

    Attributes:
        exact: names of features.
        beginnings: of names of further ones.
    """

    exact: tuple[str, ...]
    beginnings: tuple[str, ...] = ()

    def turns(self, name: str) -> bool:
        return name in self.exact or name.startswith(self.beginnings)


REFLECTIONS: Final = (
    _Reflection(
        (
            *("tau_eta", "tau_dz", "tau_flightLength_z", "deta", "dz"),
            *("vertex_dz", "vertex_dz_tauFL", "mvaInput_deltaEta"),
            "leadChargedCand_etaAtEcalEntrance_minus_tau_eta",
        ),
        ("deltaEta",),
    ),
    _Reflection(
        (
            *("tau_charge", "tau_flightLength_y", "charge", "dphi", "dxy"),
            *("vertex_dy", "vertex_dy_tauFL"),
        ),
        ("deltaPhi",),
    ),
    _Reflection(
        (
            *("tau_flightLength_x", "tau_flightLength_y"),
            *("vertex_dx", "vertex_dy", "vertex_dx_tauFL", "vertex_dy_tauFL"),
        )
    ),
)
"""The first also exchanges rows of the grids, the second columns. Impact parameters of taus have
the sign of their flight, which no reflection changes."""

STATES: Final = 2 ** len(REFLECTIONS)
"""Combinations of reflections: bit i of a state is the i-th."""


@dataclass(frozen=True)
class Mirrors:
    """The signs of all features in each state.

    The means that scaled features have lost are neglected: they are at most 2 % of the spread.

    Attributes:
        tau: shape (states, 43).
        blocks: shape (states, features).
    """

    tau: torch.Tensor
    blocks: dict[str, torch.Tensor]

    @classmethod
    def read(cls, scaling: Path) -> "Mirrors":
        """From the names of the features in ``scaling.json``."""
        content = json.loads(scaling.read_text(encoding="utf-8"))["blocks"]
        names = {name: block["names"] for name, block in content.items()}
        blocks = {}
        for block, width in BLOCKS.items():
            blocks[block] = torch.ones(STATES, width)
            blocks[block][:, :GLOBAL] = _signs(names["GridGlobal"])
        for kind, segment in SEGMENTS.items():
            blocks[segment.block][:, segment.start : segment.stop] = _signs(names[kind])
        return cls(_signs(names["TauFlat"]), blocks)

    def __call__(self, batch: Batch, state: torch.Tensor) -> Batch:
        """Reflected taus; ``state`` has one for each, shape (taus,)."""
        grids = {}
        for name, size in GRIDS.items():
            cells = batch.grids[name]
            owner = cells.place // (size * size)
            eta, phi = cells.place // size % size, cells.place % size
            mine = state[owner]
            eta = torch.where(mine & 1 > 0, size - 1 - eta, eta)
            phi = torch.where(mine & 2 > 0, size - 1 - phi, phi)
            blocks = {
                block: rows * self.blocks[block][mine] for block, rows in cells.blocks.items()
            }
            grids[name] = Cells(blocks, (owner * size + eta) * size + phi)
        return Batch(batch.tau * self.tau[state], grids)


def _signs(names: Sequence[str]) -> torch.Tensor:
    """Shape (states, names)."""
    signs = torch.ones(STATES, len(names))
    for bit, reflection in enumerate(REFLECTIONS):
        turned = torch.tensor([reflection.turns(name) for name in names])
        reflected = torch.tensor([state >> bit & 1 > 0 for state in range(STATES)])
        signs[reflected.unsqueeze(1) & turned] *= -1
    return signs
