"""From exported networks to their card, pictures included."""

import numpy as np
import pytest

from sonicmini.inference.repository import ModelRepository
from tests.training.deepmet.synthetic import features, network
from training.deepmet.card import render
from training.deepmet.data import PARTS, files
from training.deepmet.evaluate import BINNED, evaluate
from training.deepmet.export import export
from training.deepmet.features import Features
from training.deepmet.pictures import draw
from training.deepmet.publish import SERVING, infer
from training.deepmet.tunes import TUNES
from training.repository import write_config


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for tune in TUNES.values():
        export(network(seed=tune.version), folder / tune.model / "model.onnx")
    write_config(folder / "deepmet", SERVING)
    return folder


@pytest.fixture(scope="module")
def samples() -> dict[tuple[str, int], Features]:
    keys = [*BINNED, ("ttbar", 60), ("qcd", 35)]
    return {key: features(300, seed=index, pileup=key[1]) for index, key in enumerate(keys)}


@pytest.fixture(scope="module")
def report(repository, samples):
    return evaluate(samples, repository)


def test_both_tunes_are_measured_beside_puppi_and_pf(report, repository, samples):
    names = ["DeepMET resolution", "DeepMET response", "PUPPI", "PF"]
    assert [(row.process, row.pileup) for row in report.samples] == list(samples)
    for row, events in zip(report.samples, samples.values(), strict=True):
        assert list(row.resolutions) == names
        met = 50 * infer(repository, "deepmet/2", events)
        rms = np.sqrt(np.mean((met - events.gen_met) ** 2))
        assert row.resolutions["DeepMET response"].rms == pytest.approx(rms, rel=1e-4)
        puppi = row.resolutions["PUPPI"].rms
        assert row.gains["DeepMET response"][0] == pytest.approx(1 - rms / puppi, abs=1e-4)


def test_bins_hold_the_events_of_their_range(report, samples):
    for key, found in report.bins.items():
        size = np.hypot(*samples[key].gen_met.T)
        for name, row in found.items():
            low, _, high = name.removeprefix("above ").partition(" to ")
            inside = (size >= float(low)) & (size < float(high or "inf"))
            assert row.events == np.count_nonzero(inside) >= 50


def test_card_shows_what_was_measured_and_names_the_files(report, repository, tmp_path):
    draw(report, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"response.png", "pileup.png"}
    specs = {name: ModelRepository(repository).spec(tune.model) for name, tune in TUNES.items()}
    used = [sample for part in PARTS for sample in files(part)]
    histories = {name: f"history of {name}" for name in ("candidates", *TUNES)}
    card = render(report, used, specs, histories)
    for row in report.samples:
        for name, one in row.resolutions.items():
            assert f"{name} | {one.rms:.2f} ± {one.rms_error:.2f} |" in card
    for text in (*histories.values(), *(spec.sha256 for spec in specs.values())):
        assert text in card
    assert "{" not in card
