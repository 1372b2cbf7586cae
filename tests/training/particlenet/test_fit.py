from dataclasses import replace

import pytest

from tests.training.particlenet.feature_files import write_files
from training.particlenet.fit import datasets, started
from training.particlenet.recipes import RECIPES, SMALL

MASS = RECIPES["ak8_mass"]


def test_network_starts_from_that_of_the_recipe(tmp_path):
    with pytest.raises(SystemExit, match="ak8_mass starts from the weights of ak8"):
        started(MASS, tmp_path, MASS.training)
    path = tmp_path / "networks" / "ak8" / "best.pt"
    path.parent.mkdir(parents=True)
    path.touch()
    assert started(MASS, tmp_path, MASS.training) == replace(MASS.training, start_from=path)


def test_another_file_comes_first(tmp_path):
    options = replace(MASS.training, start_from=tmp_path / "other.pt")
    assert started(MASS, tmp_path, options) == options


def test_network_of_its_own_starts_from_nothing(tmp_path):
    recipe = RECIPES["ak8"]
    assert started(recipe, tmp_path, recipe.training).start_from is None


def test_epochs_have_the_jets_of_the_command_or_the_recipe_or_all(tmp_path):
    write_files(SMALL, tmp_path)
    every = replace(RECIPES["ak4"], jets=None)
    some = replace(every, jets=50)
    found = [
        len(datasets(recipe, tmp_path, tmp_path, number)[0])
        for recipe, number in ((every, None), (some, None), (some, 70))
    ]
    assert found[0] > 100
    assert found[1:] == [50, 70]
