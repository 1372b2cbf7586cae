"""``python -m training.deeptau STEP --data FOLDER``: each step of the training, or all of them."""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Final

import numpy as np

from sonicmini.inference.repository import ModelRepository
from training.answers import answer
from training.datasets import SPLITS
from training.deeptau.candidates import Candidates
from training.deeptau.card import Trained, render
from training.deeptau.dataset import MODEL, REPOSITORY, files, load, make_features, present
from training.deeptau.evaluate import Answered, evaluate
from training.deeptau.export import export
from training.deeptau.layout import CLASSES
from training.deeptau.pictures import draw, read_history
from training.deeptau.speed import measure_speed
from training.deeptau.train import TrainingOptions, best, predict, train
from training.deeptau.working_points import FILE, working_points
from training.deeptau.working_points import write as write_points
from training.repository import NETWORK, Serving, write_config
from training.samples import make_samples
from training.samples import present as simulated

TOLERANCE: Final = 1e-5
SERVING: Final = Serving(
    max_batch_size=1000,
    preferred_batch_size=(16, 32),
    labels=CLASSES,
    label_filename="deeptau_labels.txt",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the step that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m training.deeptau", description=__doc__)
    parser.add_argument("step", choices=[*STEPS, "all"])
    parser.add_argument("--data", type=Path, required=True, help="folder for samples and networks")
    parser.add_argument("--models", type=Path, default=REPOSITORY, help="model repository")
    parser.add_argument("--workers", type=int, default=2, help="processes that make samples")
    for item in fields(TrainingOptions):
        kind = _truth if isinstance(item.default, bool) else type(item.default)
        parser.add_argument(f"--{item.name.replace('_', '-')}", type=kind, default=item.default)
    given = parser.parse_args(arguments)
    for name, step in STEPS.items():
        if given.step in (name, "all"):
            step(given)


def simulate(given: argparse.Namespace) -> None:
    """Simulates what is missing of the data sets."""
    for split in SPLITS:
        make_samples(files(split), given.data, given.workers)


def features(given: argparse.Namespace) -> None:
    """Makes candidates of the files that are simulated, the smaller splits first."""
    chosen = [one for split in SPLITS for one in simulated(files(split), given.data)]
    make_features(chosen, given.data, given.workers)


def fit(given: argparse.Namespace) -> None:
    """Trains, or goes on training, with the candidates that are there."""
    names = [item.name for item in fields(TrainingOptions)]
    options = TrainingOptions(**{name: getattr(given, name) for name in names})
    samples = [load(present(split, given.data), given.data) for split in ("train", "validation")]
    print(", ".join(f"{count} {name}" for name, count in _counts(samples[0]).items()), flush=True)
    train(samples[0], samples[1], options, _folder(given))


def write(given: argparse.Namespace) -> None:
    """Exports the best network, verifies it against torch and chooses the working points."""
    network, folder = best(_folder(given)), given.models / MODEL
    export(network, folder / NETWORK)
    write_config(folder, SERVING)
    validation = load(present("validation", given.data), given.data)
    answers = answer(given.models, MODEL, validation.tensors, count=len(validation))
    difference = float(np.max(np.abs(answers - predict(network, validation))))
    print(f"largest difference between torch and onnxruntime: {difference:.1e}")
    if difference > TOLERANCE:
        raise SystemExit(f"the exported network differs by more than {TOLERANCE}")
    write_points(working_points(answers, validation), folder)


def measure(given: argparse.Namespace) -> None:
    """Measures the exported network on the test files and writes its card."""
    folder = given.models / MODEL
    used = [one for split in SPLITS for one in present(split, given.data)]
    tests = [one for one in used if one.split == "test"]
    samples = {
        process: load([one for one in tests if one.process == process], given.data)
        for process in dict.fromkeys(one.process for one in tests)
    }
    answers = {
        process: answer(given.models, MODEL, one.tensors, count=len(one))
        for process, one in samples.items()
    }
    answered = Answered.of(samples, answers)
    points = json.loads((folder / FILE).read_text(encoding="utf-8"))
    options, epochs = read_history(_folder(given) / "history.jsonl")
    draw(answered, epochs, folder)
    training = load([one for one in used if one.split == "train"], given.data)
    occupied = {name: float(grid.counts.mean()) for name, grid in training.grids.items()}
    speed = measure_speed(best(_folder(given)), training)
    trained = Trained(options, epochs, _counts(training), occupied, speed, used)
    card = render(evaluate(answered, points), trained, ModelRepository(given.models).spec(MODEL))
    (folder / "README.md").write_text(card, encoding="utf-8")


def _folder(given: argparse.Namespace) -> Path:
    return Path(given.data) / "networks" / "deeptau"


def _counts(candidates: Candidates) -> dict[str, int]:
    counts = np.bincount(candidates.columns["label"], minlength=len(CLASSES))
    return dict(zip(CLASSES, map(int, counts), strict=True))


def _truth(word: str) -> bool:
    return word.lower() in ("1", "true", "yes")


STEPS: Final[dict[str, Callable[[argparse.Namespace], None]]] = {
    "simulate": simulate,
    "features": features,
    "train": fit,
    "export": write,
    "evaluate": measure,
}

if __name__ == "__main__":
    main()
