"""``python -m training.deepmet STEP --data FOLDER``: each step of the training, or all of them."""

import argparse
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Final

import numpy as np
import torch

from sonicmini.inference.repository import ModelRepository
from training.deepmet.card import render
from training.deepmet.data import PARTS, Part, files
from training.deepmet.evaluate import evaluate
from training.deepmet.export import export
from training.deepmet.features import Features, feature_file, load, make_features
from training.deepmet.network import DeepMETNetwork
from training.deepmet.pictures import draw
from training.deepmet.publish import SERVING, verify
from training.deepmet.train import TrainingOptions, train
from training.deepmet.tune import Sums, tune_network
from training.deepmet.tunes import TUNES
from training.repository import write_config
from training.samples import Sample, make_samples

TOLERANCE: Final = 1e-5
VERIFIED: Final = 1000
"""Events with which an exported network is verified."""
REPOSITORY: Final = Path(__file__).parents[2] / "models"


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the step that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m training.deepmet", description=__doc__)
    parser.add_argument("step", choices=[*STEPS, "all"])
    parser.add_argument("--data", type=Path, required=True, help="folder for files and networks")
    parser.add_argument("--tune", choices=list(TUNES), help="the only one to make")
    parser.add_argument("--models", type=Path, default=REPOSITORY, help="model repository")
    parser.add_argument("--workers", type=int, default=2, help="processes that make files")
    for item in fields(TrainingOptions):
        kind = type(item.default)
        parser.add_argument(f"--{item.name.replace('_', '-')}", type=kind, default=item.default)
    given = parser.parse_args(arguments)
    for name, step in STEPS.items():
        if given.step in (name, "all"):
            step(given)


def simulate(given: argparse.Namespace) -> None:
    """Simulates what is missing of the files that the networks are trained and tested with."""
    make_samples([one for part in PARTS for one in files(part)], given.data, given.workers)


def extract(given: argparse.Namespace) -> None:
    """Makes features of the files that are there."""
    there = [one for part in PARTS for one in files(part) if one.file(given.data).is_file()]
    make_features(there, given.data, given.workers)


def fit(given: argparse.Namespace) -> None:
    """Trains the weights of candidates, or goes on, with the features that are there."""
    training, validation = (_load(part, given.data) for part in ("train", "validation"))
    (given.data / "deepmet").mkdir(exist_ok=True)
    train(training, validation, _options(given), given.data / "deepmet")


def tune(given: argparse.Namespace) -> None:
    """Trains how each tune combines the weighted sums."""
    torch.set_num_threads(given.threads)
    network = _network(given.data / "deepmet", given.sums)
    training, validation = (
        Sums.of(network, _load(part, given.data)) for part in ("train", "validation")
    )
    for name in _tunes(given):
        network = _network(given.data / "deepmet", given.sums)
        tune_network(network, training, validation, tune=TUNES[name], folder=_made(name, given))


def write(given: argparse.Namespace) -> None:
    """Exports the best networks as ONNX and verifies them against torch."""
    validation = _load("validation", given.data).events(np.arange(VERIFIED))
    for name in _tunes(given):
        network = _network(_folder(name, given.data), given.sums)
        export(network, given.models / TUNES[name].model / "model.onnx")
        write_config(given.models / "deepmet", SERVING)
        difference = verify(network, given.models, TUNES[name].model, validation)
        print(f"{name}: largest difference between torch and onnxruntime: {difference:.1e}")
        if difference > TOLERANCE:
            raise SystemExit(f"the exported network differs by more than {TOLERANCE}")


def measure(given: argparse.Namespace) -> None:
    """Measures the exported networks on the test samples and writes their card."""
    found: dict[tuple[str, int], list[Sample]] = defaultdict(list)
    for one in (*_present("test", given.data), *_present("pileup", given.data)):
        found[one.process, one.pileup].append(one)
    tests = {key: load(samples, given.data) for key, samples in found.items()}
    report = evaluate(tests, given.models)
    folder = given.models / "deepmet"
    draw(report, folder)
    repository = ModelRepository(given.models)
    state = given.data / "deepmet"
    kept = {"candidates": state, **{name: state / name for name in TUNES}}
    card = render(
        report,
        [one for part in PARTS for one in _present(part, given.data)],
        {name: repository.spec(tune.model) for name, tune in TUNES.items()},
        {name: (path / "history.txt").read_text(encoding="utf-8") for name, path in kept.items()},
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


def _tunes(given: argparse.Namespace) -> list[str]:
    return [given.tune] if given.tune else list(TUNES)


def _folder(tune: str, data: Path) -> Path:
    """Where the training of a tune keeps its state."""
    return data / "deepmet" / tune


def _made(tune: str, given: argparse.Namespace) -> Path:
    folder = _folder(tune, given.data)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _network(folder: Path, sums: int) -> DeepMETNetwork:
    network = DeepMETNetwork(sums)
    network.load_state_dict(torch.load(folder / "best.pt", weights_only=True))
    return network


def _present(part: Part, data: Path) -> list[Sample]:
    return [one for one in files(part) if feature_file(one, data).is_file()]


def _load(part: Part, data: Path) -> Features:
    return load(_present(part, data), data)


def _options(given: argparse.Namespace) -> TrainingOptions:
    return TrainingOptions(
        **{item.name: getattr(given, item.name) for item in fields(TrainingOptions)}
    )


STEPS: Final[dict[str, Callable[[argparse.Namespace], None]]] = {
    "simulate": simulate,
    "features": extract,
    "train": fit,
    "tune": tune,
    "export": write,
    "evaluate": measure,
}

if __name__ == "__main__":
    main()
