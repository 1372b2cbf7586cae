"""Training: seeds fixed, resumable at any time, stops when validation no longer improves."""

import math
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import torch

from training.particlenet.batch import Batch, Dataset
from training.particlenet.checkpoint import load, save, start_from
from training.particlenet.loss import jet_losses
from training.particlenet.network import ParticleNet
from training.particlenet.options import TrainingOptions
from training.particlenet.state import Training

EVALUATION_BATCH: Final = 256
CLIP: Final = 5.0
"""Longest gradient of a step."""

WARM_UP: Final = 0.5
"""Epochs in which the learning rate grows."""

FLAT: Final = 0.5
"""Part of the epochs after which it falls."""

LAST_RATE: Final = 0.01
"""Learning rate at the end, relative to the highest."""

Measure = Callable[[torch.Tensor, torch.Tensor], str]
"""From answers and labels or targets of the validation sample to what the progress line shows."""


class _OutOfTimeError(Exception):
    """The time for training is over."""


def train(
    network: ParticleNet,
    data: tuple[Dataset, Dataset],
    options: TrainingOptions,
    *,
    folder: Path,
    measure: Measure | None = None,
) -> ParticleNet:
    """Trains, or goes on training, and returns the network of the best epoch so far.

    Args:
        network: as it is made, with random weights.
        data: for training and validation.
        options: all but ``batch`` may be others when a training is continued.
        folder: ``checkpoint.pt`` to go on, ``best.pt`` and ``history.txt``.
        measure: says how good validation's answers are.
    """
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    folder.mkdir(parents=True, exist_ok=True)
    training = _start(network, data[0], options, folder)
    try:
        while _goes_on(training):
            _one_epoch(training, data[0])
            _validate(training, data[1], measure)
    except _OutOfTimeError:
        print(f"stopped after {training.state.time_s:.0f} s; run it again to go on", flush=True)
    best = folder / "best.pt"
    return load(best) if best.is_file() else network.cpu()


def rate(progress: float, epochs: int) -> float:
    """The learning rate over the highest: flat, then half a cosine.

    It depends on nothing but the place in the training, so that one can be continued with another
    number of epochs.

    Args:
        progress: epochs, complete and begun.
        epochs: of the whole training.
    """
    if progress < WARM_UP:
        return LAST_RATE + (1 - LAST_RATE) * progress / WARM_UP
    fall = max(progress / epochs - FLAT, 0.0) / (1 - FLAT)
    return LAST_RATE + (1 - LAST_RATE) * (1 + math.cos(math.pi * fall)) / 2


def steps_of(dataset: Dataset, options: TrainingOptions) -> int:
    """Batches of an epoch."""
    return -(-len(dataset) // options.batch)


def _start(
    network: ParticleNet, dataset: Dataset, options: TrainingOptions, folder: Path
) -> Training:
    device = torch.device(_device(options.device))
    if options.start_from is not None:
        start_from(network, load(options.start_from))
    network.to(device)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
    )
    training = Training(network, optimizer, options, folder, device)
    if training.file.is_file():
        training.restore()
    else:
        (folder / "history.txt").unlink(missing_ok=True)
        training.show(f"{network.sizes}\n{options}\n{len(dataset)} jets an epoch")
    return training


def _device(wanted: str) -> str:
    if wanted != "auto":
        return wanted
    return "cuda" if torch.cuda.is_available() else "cpu"


def _goes_on(training: Training) -> bool:
    state, options = training.state, training.options
    return state.epoch < options.epochs and state.epoch - state.best < options.patience


def _one_epoch(training: Training, dataset: Dataset) -> None:
    """The rest of an epoch; the state is kept now and then."""
    state, options = training.state, training.options
    training.network.train()
    saved = noted = time.perf_counter()
    steps = steps_of(dataset, options)
    batches = dataset.batches(state.epoch, options.batch, options.seed)
    for batch in islice(batches, state.step, None):
        progress = state.epoch + state.step / steps
        for group in training.optimizer.param_groups:
            group["lr"] = options.learning_rate * rate(progress, options.epochs)
        _step(training, batch.to(training.device))
        state.step += 1
        now = time.perf_counter()
        state.time_s += now - noted
        noted = now
        is_over = now - training.started > options.max_time_s
        if is_over or now - saved > options.save_every_s:
            training.save()
            saved = now
            _note(training, dataset)
        if is_over:
            raise _OutOfTimeError


def _step(training: Training, batch: Batch) -> None:
    network, state = training.network, training.state
    training.optimizer.zero_grad()
    logits = _logits(training, batch)
    losses = jet_losses(network.interface, logits, batch)
    total = (losses * batch.weight).sum()
    weight = batch.weight.sum().clamp(min=1e-6)
    (total / weight).backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
    training.optimizer.step()
    state.total += total.item()
    state.weight += weight.item()


def _logits(training: Training, batch: Batch) -> torch.Tensor:
    """What the loss works with; validation is computed as training, whose speed it shares."""
    with torch.autocast(training.device.type, torch.bfloat16, enabled=training.options.half):
        return training.network.logits(batch)


def _note(training: Training, dataset: Dataset) -> None:
    state = training.state
    steps = steps_of(dataset, training.options)
    seen = (state.epoch * steps + state.step) * training.options.batch
    print(
        f"epoch {state.epoch + 1} step {state.step} of {steps}  {state.time_s:.0f} s"
        f"  {seen / state.time_s:.0f} jets/s  loss {state.total / state.weight:.4f}",
        flush=True,
    )


def _validate(training: Training, dataset: Dataset, measure: Measure | None) -> None:
    """Measures after an epoch, and keeps the network if it is the best."""
    state, started = training.state, time.perf_counter()
    rate = state.total / max(state.weight, 1e-6)
    loss, shown = _measured(training, dataset, measure)
    state.epoch, state.step = state.epoch + 1, 0
    state.total = state.weight = 0.0
    if loss < state.score:
        state.best, state.score = state.epoch, loss
        save(training.network, training.folder / "best.pt")
    state.time_s += time.perf_counter() - started
    training.save()
    mark = "*" if state.best == state.epoch else " "
    training.show(
        f"epoch {state.epoch:3d}{mark} {state.time_s:6.0f} s  loss {rate:.4f}"
        f"  validation {loss:.4f}  {shown}"
    )


def _measured(training: Training, dataset: Dataset, measure: Measure | None) -> tuple[float, str]:
    """Weighted loss of the validation sample, and what else is said of it."""
    network = training.network
    network.eval()
    total = weight = 0.0
    answers, truths = [], []
    with torch.no_grad():
        for batch in _batches(training, dataset):
            logits = _logits(training, batch)
            losses = jet_losses(network.interface, logits, batch)
            total += float((losses * batch.weight).sum())
            weight += float(batch.weight.sum())
            answers.append(network.activation(logits).cpu())
            truths.append((batch.label if network.interface.labels else batch.target).cpu())
    if measure is None:
        return total / weight, ""
    return total / weight, measure(torch.cat(answers), torch.cat(truths))


def _batches(training: Training, dataset: Dataset) -> Iterator[Batch]:
    batches = dataset.batches(0, EVALUATION_BATCH, training.options.seed)
    return (batch.to(training.device) for batch in batches)
