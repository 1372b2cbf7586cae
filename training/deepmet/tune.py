"""The second part of the training: how each tune combines the sums, their weights as they are.

It takes seconds an epoch, so that the multipliers of the response have the time that they need.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from sonicmini.modules.networks.deepmet import SCALE
from training.deepmet.features import Features
from training.deepmet.loss import ResponseLoss
from training.deepmet.metrics import deviation, resolution
from training.deepmet.network import DeepMETNetwork
from training.deepmet.train import make_batch
from training.deepmet.tunes import Tune

EPOCHS: Final = 150
SHOWN: Final = 25
BATCH: Final = 500
LEARNING_RATE: Final = 3e-3
SEED: Final = 11


@dataclass(frozen=True)
class Sums:
    """Events as the combination sees them, in units of 50 GeV.

    Attributes:
        vectors: weighted sums of momenta, shape (events, sums, 2).
        scalars: weighted sums of their sizes, shape (events, sums).
        true: the generator's missing momentum, shape (events, 2).
    """

    vectors: torch.Tensor
    scalars: torch.Tensor
    true: torch.Tensor

    @classmethod
    def of(cls, network: DeepMETNetwork, features: Features, size: int = 100) -> "Sums":
        """What a network makes of events."""
        network.eval()
        parts: list[tuple[torch.Tensor, ...]] = []
        with torch.no_grad():
            for start in range(0, features.size, size):
                indices = np.arange(start, min(start + size, features.size))
                batch, true = make_batch(features, indices)
                parts.append((*network.sums(batch), true))
        return cls(*(torch.cat(tensors) for tensors in zip(*parts, strict=True)))


def tune_network(
    network: DeepMETNetwork, training: Sums, validation: Sums, *, tune: Tune, folder: Path
) -> None:
    """Trains the combination; the network of the last epoch is ``best.pt`` in the folder.

    It has few parameters and the learning rate ends at zero: there is nothing to choose from.
    """
    torch.manual_seed(SEED)
    loss = ResponseLoss(tune.edges)
    optimizer = torch.optim.Adam(network.combine.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    lines: list[str] = []
    for epoch in range(EPOCHS):
        for indices in _batches(len(training.true), epoch):
            optimizer.zero_grad()
            found = network.answer(training.vectors[indices], training.scalars[indices])
            loss(found, training.true[indices]).backward()
            optimizer.step()
        schedule.step()
        if (epoch + 1) % SHOWN == 0:
            quality = (_quality(network, events, tune) for events in (training, validation))
            lines.append(f"epoch {epoch + 1:3d}  training {' | validation '.join(quality)}")
            print(lines[-1], flush=True)
    torch.save(network.state_dict(), folder / "best.pt")
    (folder / "history.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _quality(network: DeepMETNetwork, events: Sums, tune: Tune) -> str:
    with torch.no_grad():
        found = network.answer(events.vectors, events.scalars).numpy() * SCALE
    true = events.true.numpy() * SCALE
    off = deviation(found, true, tune.edges)
    return f"rms {resolution(found, true).rms:.2f} GeV, response off by {off:.3f}"


def _batches(size: int, epoch: int) -> Iterator[torch.Tensor]:
    generator = torch.Generator().manual_seed(SEED + epoch)
    yield from torch.randperm(size, generator=generator).split(BATCH)
