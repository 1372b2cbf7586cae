"""Training, export and evaluation one after the other, on random candidates."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mplhep")

from sonicmini.inference.repository import ModelRepository
from sonicmini.modules.networks.deeptau.producer import DeepTau
from tests.training.deeptau.synthetic import synthetic
from training.answers import answer
from training.deeptau.__main__ import main
from training.deeptau.dataset import MODEL, feature_file, files
from training.deeptau.evaluate import Answered, evaluate
from training.deeptau.layout import CLASSES
from training.deeptau.metrics import score, threshold
from training.deeptau.network import SIZES, Sizes
from training.deeptau.train import best, predict
from training.deeptau.working_points import EFFICIENCIES

MODELS = Path(__file__).parents[3] / "models"
PROCESSES = ("ttbar", "qcd", "ztautau")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A folder of data and a model repository after all steps but those of simulated files."""
    folder = tmp_path_factory.mktemp("deeptau")
    models = folder / "models"
    (models / MODEL).mkdir(parents=True)
    shutil.copy(MODELS / MODEL / "scaling.json", models / MODEL)
    (folder / "features" / "deeptau").mkdir(parents=True)
    for split in ("train", "validation", "test"):
        for process in PROCESSES:
            sample = next(one for one in files(split) if one.process == process)
            synthetic(120, seed=sample.seed).save(feature_file(sample, folder))
    with pytest.MonkeyPatch.context() as patch:
        sizes = Sizes(
            egamma=(6,), muon=(4,), hadrons=(6,), joint=(8,), channels=4, tau=(12,), dense=(12, 8)
        )
        patch.setitem(SIZES, "tiny", sizes)
        options = [
            "--sizes",
            "tiny",
            "--epochs",
            "2",
            "--batch",
            "40",
            "--threads",
            "1",
            "--half",
            "no",
        ]
        for step in ("train", "export", "evaluate"):
            main([step, "--data", str(folder), "--models", str(models), *options])
        network = best(folder / "networks" / "deeptau")
    return folder, models, network


def test_repository_is_whole(done):
    _, models, _ = done
    spec = ModelRepository(models).spec(MODEL)
    assert [(one.name, one.dims) for one in spec.inputs] == [
        ("input_tau", (43,)),
        ("input_inner_egamma", (11, 11, 86)),
        ("input_inner_muon", (11, 11, 64)),
        ("input_inner_hadrons", (11, 11, 38)),
        ("input_outer_egamma", (21, 21, 86)),
        ("input_outer_muon", (21, 21, 64)),
        ("input_outer_hadrons", (21, 21, 38)),
    ]
    assert (spec.max_batch_size, spec.preferred_batch_size) == (1000, (16, 32))
    assert (models / MODEL / "deeptau_labels.txt").read_text().split() == list(CLASSES)


def test_module_reads_what_was_written(done):
    _, models, _ = done
    module = DeepTau().configured(models / MODEL)
    points = json.loads((models / MODEL / "working_points.json").read_text())
    assert {name: list(one) for name, one in points.items()} == {
        name: list(one) for name, one in EFFICIENCIES.items()
    }
    assert module._points is not None


def test_service_answers_as_the_network(done):
    _, models, network = done
    candidates = synthetic(70, seed=4)
    found = answer(models, MODEL, candidates.tensors, count=len(candidates))
    np.testing.assert_allclose(found, predict(network, candidates), rtol=0, atol=1e-5)


def test_card_has_the_numbers(done):
    folder, models, _ = done
    card = (models / MODEL / "README.md").read_text(encoding="utf-8")
    assert ModelRepository(models).spec(MODEL).sha256 in card
    assert "| ttbar |" in card
    assert "| VSmu | Tight |" in card
    assert "{" not in card
    assert " ms a tau on one core" in card
    history = (folder / "networks" / "deeptau" / "history.jsonl").read_text().splitlines()
    assert f"validation {json.loads(history[-1])['validation']}" in card
    for picture in ("jets", "leptons", "training"):
        assert f"({picture}.png)" in card
        assert (models / MODEL / f"{picture}.png").stat().st_size > 1000


def test_jets_are_counted_at_the_cut_of_all_taus():
    samples = {process: synthetic(900, seed=place) for place, process in enumerate(PROCESSES)}
    rng = np.random.default_rng(3)
    answers = {}
    for process, one in samples.items():
        share = np.where(one.columns["label"] == 2, 6, 1)
        drawn = rng.gamma(np.stack([np.ones(900), np.ones(900), share, np.ones(900)], axis=1))
        answers[process] = (drawn / drawn.sum(axis=1, keepdims=True)).astype(np.float32)
    points = {name: dict.fromkeys(one, 0.5) for name, one in EFFICIENCIES.items()}
    measured = evaluate(Answered.of(samples, answers), points)
    signal, jets = [], []
    for process, one in samples.items():
        for place in range(900):
            column = {name: values[place] for name, values in one.columns.items()}
            if column["pt"] <= 20 or abs(column["eta"]) >= 2.3:
                continue
            value = float(score(answers[process][place : place + 1], "jet")[0])
            if column["label"] == 2:
                signal.append(value)
            elif column["label"] == 3 and process == "qcd":
                jets.append(value)
    cut = threshold(np.array(signal, np.float32), 0.7)
    row = next(row for row in measured.jets if row.process == "qcd")
    assert row.jets == len(jets)
    assert row.network.value == pytest.approx(np.mean(np.array(jets) > cut))
    assert row.network.value < row.isolation.value
    whole = [one for one in measured.bins if one.name.startswith("pT")]
    assert sum(one.taus for one in whole) == len(signal)
    assert sum(one.taus * one.network[0].value for one in whole) == pytest.approx(
        0.7 * len(signal), abs=1
    )
    assert {point.signal.value for point in measured.points if point.name == "Loose"}
