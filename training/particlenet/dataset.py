"""Jets as batches for the training: shuffled, of about equal lengths, scaled as in production."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from sonicmini.event import Ragged
from sonicmini.modules.columns import Bools, Floats, Ints, events_of, offsets_from
from sonicmini.modules.networks.particlenet.preprocess import Group, Preprocess
from training.particlenet.batch import Batch
from training.particlenet.importance import copies, loss_weight
from training.particlenet.jets import Jets, Rows, places
from training.particlenet.recipes import Recipe

POOL: Final = 50
"""Batches whose jets are sorted by length together."""

MIRRORED: Final = frozenset(
    {"pfcand_phirel", "pfcand_charge", "pfcand_dxy", "pfcand_dxysig", "sv_phirel"}
)
"""What changes its sign if a jet is mirrored in a plane of the beam: tracks curve the other way.

Nature and detector make both alike, so that training sees half of the jets mirrored.
"""


@dataclass(frozen=True, kw_only=True)
class JetDataset:
    """Jets as the training takes them.

    Attributes:
        jets: all of them.
        recipe: of the network.
        preprocess: how features are scaled.
        importance: how much each jet counts, shape ``(jets,)``.
        number: jets of an epoch, drawn by their importance; None takes each once, and leaves the
            importance to the loss.
    """

    jets: Jets
    recipe: Recipe
    preprocess: Preprocess
    importance: Floats
    number: int | None = None

    def __len__(self) -> int:
        return len(self.jets) if self.number is None else self.number

    def batches(self, epoch: int, size: int, seed: int) -> Iterator[Batch]:
        """Jets of an epoch, in batches of a size (the last one of the rest)."""
        rng = np.random.default_rng((seed, epoch))
        chosen = np.arange(len(self.jets))
        weight = self.importance
        if self.number is not None:
            taken = copies(self.importance, self.number, rng.random())
            chosen = np.repeat(chosen, taken)
            wanted = self.importance * (self.number / self.importance.sum())
            weight = loss_weight(wanted)
        order = rng.permutation(chosen)
        pool = POOL * size
        for start in range(0, len(order), pool):
            for jets in _bucketed(order[start : start + pool], self.jets.pf.counts, size, rng):
                is_mirrored = None if self.number is None else rng.random(len(jets)) < 0.5
                yield self.batch(jets, weight, is_mirrored)

    def batch(self, jets: Ints, weight: Floats, is_mirrored: Bools | None = None) -> Batch:
        """Some of the jets as tensors."""
        tensors = {}
        for group in self.preprocess.groups:
            ragged = scaled(group, self.jets, self.recipe, jets, is_mirrored)
            tensors[group.name] = torch.from_numpy(padded(ragged, group.min_length))
        return Batch(
            **tensors,
            label=torch.from_numpy(self.jets.label[jets]),
            target=torch.from_numpy(self.jets["target"][jets]),
            weight=torch.from_numpy(weight[jets].astype(np.float32)),
        )


def scaled(
    group: Group, jets: Jets, recipe: Recipe, chosen: Ints, is_mirrored: Bools | None = None
) -> Ragged:
    """One input of the network for some jets, as in production (``Inputs.tensors``).

    Args:
        group: the input.
        jets: all of them.
        recipe: of the network.
        chosen: the jets.
        is_mirrored: which of these are mirrored.
    """
    of_candidates = group.name.startswith("pf")
    rows: Rows = jets.pf if of_candidates else jets.sv
    names = recipe.pf if of_candidates else recipe.sv
    counts = rows.counts[chosen]
    if group.features[0].endswith("_mask"):
        raw = np.ones((int(counts.sum()), 1), np.float32)
    else:
        raw = rows.of(chosen)[:, places(group.features, names)].astype(np.float32)
        if is_mirrored is not None:
            flipped = np.array([name in MIRRORED for name in group.features])
            raw[np.ix_(np.repeat(is_mirrored, counts), flipped)] *= -1
    return Ragged(group.transform(raw), counts, axis=1)


def padded(rows: Ragged, least: int) -> NDArray[np.float32]:
    """Rows side by side with zeros behind, shape ``(jets, features, longest)``.

    Args:
        rows: of the jets.
        least: length that there is at least.
    """
    longest = max(least, int(rows.counts.max(initial=0)))
    offsets = offsets_from(rows.counts)
    jet = events_of(offsets)
    table = np.zeros((len(rows.counts), rows.content.shape[1], longest), np.float32)
    table[jet, :, np.arange(len(jet)) - offsets[jet]] = rows.content
    return table


def _bucketed(pool: Ints, lengths: Ints, size: int, rng: np.random.Generator) -> Iterator[Ints]:
    """Batches of jets of about equal lengths, in any order."""
    pool = pool[np.argsort(lengths[pool], kind="stable")]
    starts = np.arange(0, len(pool), size)
    for start in rng.permutation(starts):
        yield pool[start : start + size]
