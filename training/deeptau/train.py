"""Training: seeds fixed, resumable after every epoch, stops when validation no longer improves."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training.deeptau.candidates import Candidates
from training.deeptau.mirrors import STATES, Mirrors
from training.deeptau.network import SIZES, DeepTauNetwork
from training.deeptau.weights import weights

SCALING: Final = Path(__file__).parents[2] / "models" / "deeptau_2018v2p5" / "scaling.json"
"""Has the names of the features."""


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """Hyperparameters.

    Attributes:
        sizes: of the layers, a name of ``SIZES``.
        batch: candidates of a step.
        learning_rate: at its highest; one cycle over all epochs.
        patience: epochs without improvement after which training stops.
        threads: of torch.
        device: cpu, cuda, or auto for a GPU if there is one.
        mirrors: whether each tau is shown in a new reflection each time.
        half: whether layers multiply in bfloat16; weights and sums are float32.
        max_time_s: after which training stops and can be continued.
    """

    sizes: str = "light"
    epochs: int = 16
    batch: int = 256
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    dropout: float = 0.2
    patience: int = 4
    seed: int = 7
    threads: int = 2
    device: str = "auto"
    mirrors: bool = True
    half: bool = True
    max_time_s: float = float("inf")


def train(
    training: Candidates, validation: Candidates, options: TrainingOptions, folder: Path
) -> DeepTauNetwork:
    """Trains, or goes on training, and returns the network of the best epoch.

    Args:
        training: what is learned from.
        validation: what decides which epoch is the best.
        options: of both.
        folder: for ``checkpoint.pt``, ``best.pt`` and ``history.jsonl``.

    Raises:
        ValueError: what is there was trained with other candidates.
    """
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    device = _device(options)
    network = DeepTauNetwork(SIZES[options.sizes], options.dropout).to(device)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
    )
    steps = options.epochs * -(-len(training) // options.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, options.learning_rate, total_steps=steps, pct_start=0.2
    )
    parts = {"network": network, "optimizer": optimizer, "schedule": schedule}
    state = _restore(folder, options, len(training), parts)
    weight = weights(training.columns["label"], training.columns["pt"])
    while state["epoch"] < options.epochs and state["epoch"] - state["best"] < options.patience:
        started = time.perf_counter()
        mean_loss = _one_epoch(training, weight, options, state["epoch"], parts)
        measured = validation_loss(network, validation)
        state["epoch"] += 1
        if measured < state["loss"]:
            state |= {"best": state["epoch"], "loss": measured}
            torch.save(network.state_dict(), folder / "best.pt")
        state["time_s"] += time.perf_counter() - started
        torch.save({**state, **{n: p.state_dict() for n, p in parts.items()}}, _checkpoint(folder))
        _show(state, mean_loss, measured, folder)
        if state["time_s"] > options.max_time_s:
            break
    return best(folder)


def best(folder: Path) -> DeepTauNetwork:
    """The network of the best epoch of a training in a folder."""
    first, *_ = (folder / "history.jsonl").read_text(encoding="utf-8").splitlines()
    network = DeepTauNetwork(SIZES[json.loads(first)["sizes"]])
    weights_there = torch.load(folder / "best.pt", weights_only=True, map_location="cpu")
    network.load_state_dict(weights_there)
    network.eval()
    return network


def predict(
    network: DeepTauNetwork, candidates: Candidates, size: int = 512
) -> NDArray[np.float32]:
    """Probabilities of the classes, shape (candidates, 4)."""
    network.eval()
    device = next(network.parameters()).device
    with torch.no_grad():
        parts = [
            network(candidates.batch(indices).to(device)).softmax(1).cpu().numpy()
            for indices in _parts(np.arange(len(candidates)), size)
        ]
    return np.concatenate(parts)


def validation_loss(network: DeepTauNetwork, candidates: Candidates) -> float:
    """The weighted mean of the cross entropy."""
    label = candidates.columns["label"]
    weight = weights(label, candidates.columns["pt"])
    chosen = predict(network, candidates)[np.arange(len(label)), label]
    return float(np.mean(-np.log(np.maximum(chosen, 1e-12)) * weight))


def _device(options: TrainingOptions) -> torch.device:
    has_gpu = torch.cuda.is_available()
    return torch.device(
        ("cuda" if has_gpu else "cpu") if options.device == "auto" else options.device
    )


def _checkpoint(folder: Path) -> Path:
    return folder / "checkpoint.pt"


def _restore(
    folder: Path, options: TrainingOptions, candidates: int, parts: dict[str, Any]
) -> dict[str, Any]:
    """What a former run left, or the beginning."""
    state: dict[str, Any] = {"epoch": 0, "best": 0, "loss": float("inf"), "time_s": 0.0}
    state["candidates"] = candidates
    if _checkpoint(folder).is_file():
        saved = torch.load(_checkpoint(folder), weights_only=True, map_location=_device(options))
        for name, part in parts.items():
            part.load_state_dict(saved[name])
        if saved["candidates"] != candidates:
            raise ValueError(
                f"{_checkpoint(folder)} was trained with {saved['candidates']} candidates, there"
                f" are {candidates} now: remove {folder} to begin anew"
            )
        return {name: saved[name] for name in state}
    folder.mkdir(parents=True, exist_ok=True)
    line = json.dumps({**asdict(options), "max_time_s": None})
    (folder / "history.jsonl").write_text(line + "\n", encoding="utf-8")
    return state


def _one_epoch(
    training: Candidates,
    weight: NDArray[np.float32],
    options: TrainingOptions,
    epoch: int,
    parts: dict[str, Any],
) -> float:
    """Shows the network every candidate once, in an order that depends on seed and epoch only."""
    torch.manual_seed(1_000 * options.seed + epoch)
    order = np.random.default_rng((options.seed, epoch)).permutation(len(training))
    network, device = parts["network"].train(), _device(options)
    mirrors = Mirrors.read(SCALING) if options.mirrors else None
    entropy = nn.CrossEntropyLoss(reduction="none")
    total = 0.0
    for indices in _parts(order, options.batch):
        batch = training.batch(indices)
        if mirrors is not None:
            batch = mirrors(batch, torch.randint(STATES, (len(indices),)))
        batch = batch.to(device)
        label = torch.from_numpy(training.columns["label"][indices].astype(np.int64)).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=options.half):
            answer = network(batch)
        each = entropy(answer.float(), label) * torch.from_numpy(weight[indices]).to(device)
        loss = each.mean()
        parts["optimizer"].zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        parts["optimizer"].step()
        parts["schedule"].step()
        total += loss.item() * len(indices)
    return total / len(training)


def _parts(order: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    """About equal parts, none larger than ``size``: normalisation wants no batch of one."""
    return np.array_split(order, max(1, -(-len(order) // size)))


def _show(state: dict[str, Any], mean_loss: float, measured: float, folder: Path) -> None:
    line = {
        "epoch": state["epoch"],
        "time_s": round(state["time_s"]),
        "training": round(mean_loss, 5),
        "validation": round(measured, 5),
    }
    with (folder / "history.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    mark = " *" if state["best"] == state["epoch"] else ""
    print(", ".join(f"{key} {value}" for key, value in line.items()) + mark, flush=True)
