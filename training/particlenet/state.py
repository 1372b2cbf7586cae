"""How far a training is, kept in a file so that it can go on."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import torch

from training.particlenet.checkpoint import write
from training.particlenet.network import ParticleNet
from training.particlenet.options import TrainingOptions


@dataclass
class State:
    """How far the training is; all of it is kept.

    Attributes:
        epoch: complete ones.
        step: batches that the next one has seen.
        best: epoch of the best network.
        score: its validation loss.
        time_s: spent.
        total: loss of the batches of this epoch, times their weight.
        weight: of these batches.
    """

    epoch: int = 0
    step: int = 0
    best: int = 0
    score: float = float("inf")
    time_s: float = 0.0
    total: float = 0.0
    weight: float = 0.0


@dataclass
class Training:
    """Everything that changes with a step."""

    network: ParticleNet
    optimizer: torch.optim.Optimizer
    options: TrainingOptions
    folder: Path
    device: torch.device
    started: float = field(default_factory=time.perf_counter)
    state: State = field(default_factory=State)

    @property
    def file(self) -> Path:
        """Where the state is kept."""
        return self.folder / "checkpoint.pt"

    def save(self) -> None:
        """Keeps the state."""
        parts = {name: getattr(self, name).state_dict() for name in _PARTS}
        rng = {"rng": torch.get_rng_state()}
        write({"state": vars(self.state), **parts, **rng}, self.file)

    def restore(self) -> None:
        """Goes back to the state that was kept."""
        saved = torch.load(self.file, weights_only=True, map_location=self.device)
        for name in _PARTS:
            getattr(self, name).load_state_dict(saved[name])
        torch.set_rng_state(saved["rng"].cpu())
        self.state = State(**saved["state"])

    def show(self, line: str) -> None:
        """Prints a line that is kept with the network."""
        with (self.folder / "history.txt").open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        print(line, flush=True)


_PARTS: Final = ("network", "optimizer")
