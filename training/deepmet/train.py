"""The first part of the training: the weights of the candidates, which both tunes share.

Seeds are fixed; it is resumable after every epoch and stops when validation no longer improves.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from sonicmini.modules.networks.deepmet import SCALE
from training.deepmet.features import Features
from training.deepmet.loss import ResponseLoss
from training.deepmet.metrics import deviation, resolution
from training.deepmet.network import Batch, DeepMETNetwork
from training.deepmet.tunes import TUNES

EDGES: Final = TUNES["resolution"].edges


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """Hyperparameters.

    Attributes:
        start: network beside this file from which training starts; empty for a fresh one.
        sums: weighted sums of momenta that the network combines.
        learning_rate: at its highest; one cycle over all epochs.
        frozen_epochs: last epochs, in which batch normalisation keeps its statistics, so that the
            network is trained as it will be used.
        patience: epochs without improvement after which training stops.
        threads: of torch.
    """

    start: str = "start.pt"
    sums: int = 4
    epochs: int = 2
    frozen_epochs: int = 2
    batch: int = 40
    learning_rate: float = 1.5e-3
    weight_decay: float = 1e-4
    patience: int = 5
    seed: int = 7
    threads: int = 1
    max_time_s: float = 25 * 60


def make_batch(
    features: Features, indices: np.ndarray, dtype: torch.dtype = torch.float32
) -> tuple[Batch, torch.Tensor]:
    """Some events as tensors, and their true missing momentum over 50 GeV."""
    part = features.events(np.asarray(indices))
    counts = torch.from_numpy(part.counts)
    batch = Batch(
        rows=torch.from_numpy(part.content.astype(np.float32)).to(dtype),
        category=torch.from_numpy(part.category.astype(np.int64)),
        event=torch.repeat_interleave(torch.arange(part.size), counts),
        size=part.size,
    )
    return batch, torch.from_numpy(part.gen_met / np.float32(SCALE)).to(dtype)


def predict(
    network: DeepMETNetwork,
    features: Features,
    *,
    size: int = 100,
    dtype: torch.dtype = torch.float32,
) -> np.ndarray:
    """Missing momentum in GeV of all events, shape (events, 2)."""
    network.eval()
    with torch.no_grad():
        parts = [
            network(make_batch(features, indices, dtype)[0]).numpy()
            for indices in _slices(np.arange(features.size), size)
        ]
    return np.concatenate(parts) * SCALE


def train(training: Features, validation: Features, options: TrainingOptions, folder: Path) -> None:
    """Trains, or goes on training; the network of the best epoch is ``best.pt`` in the folder."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    network, loss = _network(options), ResponseLoss(EDGES)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
    )
    steps = -(-training.size // options.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, options.learning_rate, total_steps=options.epochs * steps, pct_start=0.15
    )
    parts = {"network": network, "loss": loss, "optimizer": optimizer, "schedule": schedule}
    checkpoint = folder / "checkpoint.pt"
    state = _restore(checkpoint, parts)
    if state["epoch"] == 0:
        (folder / "history.txt").write_text(f"{options}\n", encoding="utf-8")
    while state["epoch"] < options.epochs and state["epoch"] - state["best"] < options.patience:
        started = time.perf_counter()
        mean_loss = _one_epoch(training, options, state["epoch"], parts)
        found = predict(network, validation)
        off = deviation(found, validation.gen_met, EDGES)
        score = resolution(found, validation.gen_met).rms * (1 + off)
        state["epoch"] += 1
        if score < state["score"]:
            state |= {"best": state["epoch"], "score": score}
            torch.save(network.state_dict(), folder / "best.pt")
        state["time_s"] += time.perf_counter() - started
        torch.save({**state, **{n: p.state_dict() for n, p in parts.items()}}, checkpoint)
        rms = score / (1 + off)
        _show(state, f"loss {mean_loss:.4f}  rms {rms:.2f} GeV, response off by {off:.3f}", folder)
        if state["time_s"] > options.max_time_s:
            break


def _network(options: TrainingOptions) -> DeepMETNetwork:
    network = DeepMETNetwork(options.sums)
    if options.start:
        start = Path(__file__).parent / options.start
        network.load_state_dict(torch.load(start, weights_only=True))
    return network


def _restore(checkpoint: Path, parts: dict[str, Any]) -> dict[str, Any]:
    state: dict[str, Any] = {"epoch": 0, "best": 0, "score": float("inf"), "time_s": 0.0}
    if checkpoint.is_file():
        saved = torch.load(checkpoint, weights_only=True)
        for name, part in parts.items():
            part.load_state_dict(saved[name])
        state = {name: saved[name] for name in state}
    return state


def _one_epoch(
    training: Features, options: TrainingOptions, epoch: int, parts: dict[str, Any]
) -> float:
    order = np.random.default_rng((options.seed, epoch)).permutation(training.size)
    parts["network"].train()
    if epoch >= options.epochs - options.frozen_epochs:
        parts["network"].dense.eval()
    total = 0.0
    for indices in _slices(order, options.batch):
        batch, true = make_batch(training, indices)
        parts["optimizer"].zero_grad()
        loss = parts["loss"](parts["network"](batch), true)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parts["network"].parameters(), 1.0)
        parts["optimizer"].step()
        parts["schedule"].step()
        total += loss.item() * len(indices)
    return total / training.size


def _slices(order: np.ndarray, size: int) -> Iterator[np.ndarray]:
    return (order[start : start + size] for start in range(0, len(order), size))


def _show(state: dict[str, Any], text: str, folder: Path) -> None:
    mark = "*" if state["best"] == state["epoch"] else " "
    line = f"epoch {state['epoch']:3d}{mark} {state['time_s']:6.0f} s  {text}"
    with (folder / "history.txt").open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    print(line, flush=True)
