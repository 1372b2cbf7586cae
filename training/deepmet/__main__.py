"""``python -m training.deepmet STEP --data FOLDER``: each step of the training, or all of them."""

import argparse
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Final, get_args

import torch

from sonicmini.inference.repository import ModelRepository
from training.deepmet.card import render
from training.deepmet.evaluate import evaluate
from training.deepmet.export import export, verify
from training.deepmet.features import Features
from training.deepmet.network import DeepMETNetwork
from training.deepmet.recipe import Sample, Split, samples
from training.deepmet.sampling import feature_file, make_samples
from training.deepmet.train import TrainingOptions, train

TOLERANCE: Final = 1e-5
REPOSITORY: Final = Path(__file__).parents[2] / "models"


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the step that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m training.deepmet", description=__doc__)
    parser.add_argument("step", choices=[*STEPS, "all"])
    parser.add_argument("--data", type=Path, required=True, help="folder for samples and networks")
    parser.add_argument("--models", type=Path, default=REPOSITORY, help="model repository")
    parser.add_argument("--workers", type=int, default=2, help="processes that make samples")
    for item in fields(TrainingOptions):
        kind = type(item.default)
        parser.add_argument(f"--{item.name.replace('_', '-')}", type=kind, default=item.default)
    given = parser.parse_args(arguments)
    given.data.mkdir(parents=True, exist_ok=True)
    for name, step in STEPS.items():
        if given.step in (name, "all"):
            step(given)


def sample(given: argparse.Namespace) -> None:
    """Simulates what is missing and extracts its features, block by block."""
    make_samples(
        [*samples("validation"), *samples("train"), *samples("test")],
        given.data,
        workers=given.workers,
    )


def fit(given: argparse.Namespace) -> None:
    """Trains, or goes on training, with the samples that are there."""
    train(_load("train", given.data), _load("validation", given.data), _options(given), given.data)


def write(given: argparse.Namespace) -> None:
    """Exports the best network as ONNX and verifies it against torch."""
    network = DeepMETNetwork(given.sums)
    network.load_state_dict(torch.load(given.data / "best.pt", weights_only=True))
    export(network, given.models / "deepmet" / "1" / "model.onnx")
    difference = verify(network, given.models, _load("validation", given.data))
    print(f"largest difference between torch and onnxruntime: {difference:.1e}")
    if difference > TOLERANCE:
        raise SystemExit(f"the exported network differs by more than {TOLERANCE}")


def measure(given: argparse.Namespace) -> None:
    """Measures the exported network on the test samples and writes its card."""
    found: dict[tuple[str, int], list[Features]] = defaultdict(list)
    for one in _present("test", given.data):
        found[one.process, one.pileup].append(Features.load(feature_file(one, given.data)))
    folder = given.models / "deepmet"
    tests = {key: Features.concatenate(parts) for key, parts in found.items()}
    rows = evaluate(tests, given.models, folder)
    history = (given.data / "history.txt").read_text(encoding="utf-8")
    used = [one for split in get_args(Split) for one in _present(split, given.data)]
    card = render(rows, used, ModelRepository(given.models).spec("deepmet"), history)
    (folder / "README.md").write_text(card, encoding="utf-8")


def _present(split: Split, data: Path) -> list[Sample]:
    return [one for one in samples(split) if feature_file(one, data).is_file()]


def _load(split: Split, data: Path) -> Features:
    return Features.concatenate(
        Features.load(feature_file(one, data)) for one in _present(split, data)
    )


def _options(given: argparse.Namespace) -> TrainingOptions:
    return TrainingOptions(
        **{item.name: getattr(given, item.name) for item in fields(TrainingOptions)}
    )


STEPS: Final[dict[str, Callable[[argparse.Namespace], None]]] = {
    "sample": sample,
    "train": fit,
    "export": write,
    "evaluate": measure,
}

if __name__ == "__main__":
    main()
