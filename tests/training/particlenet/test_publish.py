from pathlib import Path

import pytest

from sonicmini.inference.repository import ModelRepository
from tests.training.particlenet.synthetic import SIZES, random_network
from training.particlenet.export import export
from training.particlenet.fit import interface
from training.particlenet.publish import serving
from training.particlenet.recipes import RECIPES
from training.repository import NETWORK, write_config

BATCHES = {"ak4": (500, 200), "ak8": (160, 80), "ak8_md": (160, 128), "ak8_mass": (200, 200)}


@pytest.mark.parametrize("network", list(RECIPES))
def test_the_repository_reads_what_is_written(network: str, tmp_path: Path) -> None:
    recipe = RECIPES[network]
    folder = tmp_path / recipe.model
    export(random_network(interface(recipe), SIZES), folder / NETWORK)
    write_config(folder, serving(recipe))
    spec = ModelRepository(tmp_path).spec(recipe.model)
    assert [str(tensor) for tensor in spec.inputs] == [
        "pf_points float32[2, -1]",
        f"pf_features float32[{len(recipe.pf)}, -1]",
        "pf_mask float32[1, -1]",
        "sv_points float32[2, -1]",
        "sv_features float32[11, -1]",
        "sv_mask float32[1, -1]",
    ]
    output = "output" if recipe.is_regression else "softmax"
    assert [str(tensor) for tensor in spec.outputs] == [f"{output} float32[{len(recipe.classes)}]"]
    assert (spec.max_batch_size, *spec.preferred_batch_size) == BATCHES[network]
    labels = folder / "particlenet_labels.txt"
    assert labels.is_file() != recipe.is_regression
    if labels.is_file():
        assert labels.read_text(encoding="utf-8").split() == list(recipe.classes)
