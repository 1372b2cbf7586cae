"""DeepTau's inputs as CMS's network 2018v2p5 has them: grids, blocks, kinds of objects in a cell.

CMSSW: ``DeepTauIdBase.h``, ``DeepTauScaling.h``.
"""

from typing import Final, NamedTuple

TAU_FEATURES: Final = 43
"""Of the tau itself: ``input_tau``."""

GRIDS: Final = {"inner": 11, "outer": 21}
"""Cells along eta, and along phi, of each grid."""

CLASSES: Final = ("e", "mu", "tau", "jet")
"""What the outputs stand for, in their order."""

OUTPUT: Final = "main_output/Softmax"

GLOBAL: Final = 4
"""First features of every block, the same in all occupied cells of a tau."""


class Segment(NamedTuple):
    """The features of one kind of object in a block.

    Attributes:
        start, stop: columns of the block's input.
    """

    block: str
    start: int
    stop: int


_SIZES: Final = {
    "egamma": {"PfCand_electron": 22, "PfCand_gamma": 23, "Electron": 37},
    "muon": {"PfCand_muon": 23, "Muon": 37},
    "hadrons": {"PfCand_chHad": 27, "PfCand_nHad": 7},
}

BLOCKS: Final = {block: GLOBAL + sum(sizes.values()) for block, sizes in _SIZES.items()}
"""Features of a cell in each input: 86, 64, 38."""


def _segments() -> dict[str, Segment]:
    found: dict[str, Segment] = {}
    for block, sizes in _SIZES.items():
        start = GLOBAL
        for name, size in sizes.items():
            found[name] = Segment(block, start, start + size)
            start += size
    return found


SEGMENTS: Final = _segments()
"""Columns of each kind of object."""


def input_name(grid: str, block: str) -> str:
    """Name of the input tensor of a block in a grid."""
    return f"input_{grid}_{block}"
