from dataclasses import replace

import pytest

from training.particlenet.fit import started
from training.particlenet.recipes import RECIPES

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
