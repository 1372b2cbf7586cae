import shutil
from pathlib import Path

import numpy as np
import pytest

from sonicmini.inference.repository import ModelRepository
from tests.training.deepmet.synthetic import features, network
from training.deepmet.export import export
from training.deepmet.publish import SERVING, infer, verify
from training.repository import write_config

MODELS = Path(__file__).parents[3] / "models"


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for version in (1, 2):
        export(network(seed=version), folder / "deepmet" / str(version) / "model.onnx")
    write_config(folder / "deepmet", SERVING)
    return folder


def test_both_versions_are_served_with_their_checksums(repository):
    models = ModelRepository(repository)
    assert models.versions("deepmet") == (1, 2)
    specs = models.specs(["deepmet/1", "deepmet/2"])
    assert len({spec.sha256 for spec in specs.values()}) == 2
    spec = specs["deepmet/2"]
    assert {tensor.name: tensor.dims for tensor in spec.inputs} == {
        "input": (4500, 8),
        **{f"input_cat{index}": (4500, 1) for index in range(3)},
    }
    assert (spec.max_batch_size, spec.preferred_batch_size) == (100, (8, 16))


@pytest.mark.parametrize("version", [1, 2])
def test_file_answers_as_the_network_does(repository, version):
    model = f"deepmet/{version}"
    assert verify(network(seed=version), repository, model, features()) < 1e-5
    assert verify(network(seed=version + 2), repository, model, features()) > 1e-2


def test_event_without_candidates(repository):
    answers = infer(repository, "deepmet/1", features())
    assert answers[0].tolist() == [0, 0]
    assert np.abs(answers[1:]).min() > 0


def test_config_of_the_bundled_networks_is_what_is_written(tmp_path):
    shutil.copytree(MODELS / "deepmet", tmp_path / "deepmet")
    config = tmp_path / "deepmet" / "config.pbtxt"
    config.unlink()
    write_config(tmp_path / "deepmet", SERVING)
    assert config.read_text() == (MODELS / "deepmet" / "config.pbtxt").read_text()
