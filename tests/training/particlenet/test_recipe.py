"""From files of jets to a model in the repository and its card, for each network."""

import argparse
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sonicmini.inference.repository import ModelRepository
from tests.training.particlenet.feature_files import write_files
from training.particlenet.__main__ import main, options_of
from training.particlenet.comparisons import NETWORK, Comparison
from training.particlenet.evaluate import LEAST_JETS, Report, binned, separations
from training.particlenet.fit import measure
from training.particlenet.jets import Jets
from training.particlenet.recipes import LARGE, RECIPES, SMALL
from training.particlenet.results import results
from training.particlenet.scores import scores

NETWORKS = list(RECIPES)


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> tuple[Path, Path]:
    """Data and models after all steps but simulation, for all networks."""
    data, models = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("models")
    for family in (SMALL, LARGE):
        write_files(family, data)
    common = ["--data", str(data), "--models", str(models)]
    for network in NETWORKS:
        main([network, "train", *common, "--jets", "256", "--epochs", "1", "--threads", "1"])
        main([network, "export", *common])
    for network in NETWORKS:
        main([network, "evaluate", *common])
    return data, models


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_model_is_whole(folders, network):
    recipe, (_, models) = RECIPES[network], folders
    spec = ModelRepository(models).spec(recipe.model)
    dims = {tensor.name: tensor.dims for tensor in (*spec.inputs, *spec.outputs)}
    assert dims["pf_features"] == (len(recipe.pf), -1)
    assert dims["output" if recipe.is_regression else "softmax"] == (len(recipe.classes),)


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_card_says_what_was_measured(folders, network):
    recipe, (_, models) = RECIPES[network], folders
    card = (models / recipe.model / "README.md").read_text(encoding="utf-8")
    assert ModelRepository(models).spec(recipe.model).sha256 in card
    assert "{" not in card
    assert not re.search(r"\bnan\b", card)
    for line in card.splitlines():
        if line.startswith("!["):
            assert (models / recipe.model / line.partition("(")[2].rstrip(")")).is_file()
    measured = {"ak4": "b against light", "ak8": "top against QCD"}
    measured |= {"ak8_md": "Ratio of this network", "ak8_mass": "soft drop"}
    assert measured[network] in card
    assert f"epochs=1, batch={recipe.training.batch}, " in card
    assert f"start_from={recipe.starts_from})" in card
    for one in (recipe.starts_from or network, network):
        assert f"    python -m training.particlenet {one} all --data FOLDER\n" in card


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_scores_are_the_networks(folders, network):
    recipe, (data, models) = RECIPES[network], folders
    jets = Jets.load(recipe, "test", data)
    found = scores(recipe, jets, models)
    assert found.answers.shape == (len(jets), len(recipe.classes))
    if recipe.is_regression:
        assert np.array_equal(found.columns["particleNet_mass"], found.answers[:, 0])
        return
    assert found.answers.sum(axis=1) == pytest.approx(np.ones(len(jets)), abs=1e-4)
    first, rest = recipe.classes[:1], recipe.classes[1:]
    assert found.among(first, rest) == pytest.approx(found.answers[:, 0], abs=1e-4)


@pytest.mark.slow
def test_column_of_the_module_is_the_discriminator_of_the_card(folders):
    data, models = folders
    jets = Jets.load(RECIPES["ak8"], "test", data)
    found = scores(RECIPES["ak8"], jets, models)
    others = ("QCDbb", "QCDcc", "QCDb", "QCDc", "QCDothers")
    expected = found.among(("Tbcq", "Tbqq"), others)
    assert found.columns["particleNet_TvsQCD"] == pytest.approx(expected, abs=1e-5)


def test_training_has_the_recipes_options_unless_others_are_given():
    given = argparse.Namespace(recipe=RECIPES["ak4"], epochs=3, half=False, data=Path())
    assert options_of(given) == replace(RECIPES["ak4"].training, epochs=3, half=False)


@pytest.mark.parametrize("network", ["ak8_md", "ak8_mass"])
def test_training_that_starts_from_another_network_says_so(network, tmp_path):
    with pytest.raises(SystemExit, match="train ak8 first"):
        main([network, "train", "--data", str(tmp_path)])


@pytest.mark.parametrize("network", NETWORKS)
def test_progress_shows_what_counts(network):
    recipe = RECIPES[network]
    if recipe.is_regression:
        true = torch.tensor([10.0] * 5 + [100.0, 120.0] * 20)
        shown = measure(recipe)(1.1 * true[:, None], true)
        assert "response 1.100" in shown
        assert "resolution 0.0000" in shown
    else:
        labels = torch.arange(len(recipe.classes)).repeat(3)
        answers = torch.nn.functional.one_hot(labels).float()
        shown = measure(recipe)(answers, labels)
        assert " 1.0000" in shown
        assert " 0." not in shown


def comparison(bins):
    signal = np.arange(400) % 2 == 0
    return Comparison(
        title="even against odd",
        where="all",
        signal=signal,
        background=~signal,
        event=np.arange(400),
        discriminators={NETWORK: signal.astype(float), "nothing": np.zeros(400)},
        target=0.9,
        bins=bins,
    )


def test_separations_count_the_jets():
    best, worst = separations(comparison({}))
    assert (best.signal, best.background, best.area.value, best.target) == (200, 200, 1, 0.9)
    assert (worst.area.value, worst.target) == (0.5, None)


def test_bins_with_few_jets_are_left_out():
    few = np.arange(400) < 2 * LEAST_JETS - 2
    found = binned(comparison({"few": few, "many": ~few}))
    assert {one.where for one in found} == {"many"}
    assert found[0].signal == 200 - LEAST_JETS + 1


def test_target_that_is_missed_is_called_missed():
    best, worst = separations(comparison({}))
    worst = type(worst)(**{**vars(worst), "target": 0.9})
    text = results(Report(separations=[best, worst]))
    assert "0.90: reached" in text
    assert "0.90: missed" in text
