"""Every fault of a model folder is found, and all of them at once."""

import hashlib
import json
import shutil

import pytest

from sonicmini.errors import InferenceError
from sonicmini.inference.repository import ModelRepository
from sonicmini.model_facts import all_versions, facts, faults
from tests.model_folders import DEEPMET, one_version


@pytest.fixture
def repository(tmp_path):
    """A copy of DeepMET in a repository of its own."""
    one_version(tmp_path, "deepmet")
    return ModelRepository(tmp_path)


def replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_facts_are_those_of_the_files():
    found = facts(ModelRepository(DEEPMET.parent), "deepmet/1")
    content = (DEEPMET / "1" / "model.onnx").read_bytes()
    assert found.size_bytes == len(content)
    assert found.spec.sha256 == hashlib.sha256(content).hexdigest()
    assert found.card == DEEPMET / "README.md"
    assert found.title == (DEEPMET / "README.md").read_text().splitlines()[0].removeprefix("# ")


def test_what_deepmet_takes_grows_with_the_candidates():
    found = facts(ModelRepository(DEEPMET.parent), "deepmet/1")
    # Dense layers of 64, 32 and 16 for each of the 4500 candidates, as the card says.
    assert found.full.multiply_adds > 4500 * (64 * 32 + 32 * 16)
    assert found.empty.multiply_adds < 0.1 * found.full.multiply_adds
    assert found.full.uncounted == ()


def test_card_may_be_missing(repository):
    (repository.folders[0] / "deepmet" / "README.md").unlink()
    found = facts(repository, "deepmet")
    assert (found.card, found.title) == (None, "")


def test_every_served_version_is_listed_and_unreadable_models_by_their_name(repository):
    (folder,) = repository.folders
    shutil.copytree(folder / "deepmet" / "1", folder / "deepmet" / "2")
    with (folder / "deepmet" / "config.pbtxt").open("a") as config:
        config.write("version_policy { all {} }")
    for name in ("broken", "without"):
        (folder / name).mkdir()
        (folder / name / "config.pbtxt").write_text("" if name == "without" else "{")
    assert all_versions(repository) == ["broken", "deepmet/1", "deepmet/2", "without"]
    assert faults(repository, "deepmet/2") == []
    assert "is unreadable" in faults(repository, "broken")[0]
    assert "no version is served" in faults(repository, "without")[0]
    with pytest.raises(InferenceError, match="is unreadable"):
        facts(repository, "broken")


def test_labels_are_as_many_as_the_numbers_of_the_output(repository):
    folder = repository.folders[0] / "deepmet"
    replace(folder / "config.pbtxt", "dims: 2\n", 'dims: 2\nlabel_filename: "labels.txt"\n')
    assert ["are missing" in fault for fault in faults(repository, "deepmet")] == [True]
    (folder / "labels.txt").write_text("x\ny\nz\n")
    assert ["has 3 labels, dims are [2]" in fault for fault in faults(repository, "deepmet")] == [
        True
    ]
    (folder / "labels.txt").write_text("x\ny\n")
    assert faults(repository, "deepmet") == []


def test_preprocess_json_agrees_with_the_interface(repository):
    content = {
        "input_names": ["input", "input_cat0", "input_cat1", "other"],
        "output_names": ["x"],
        "input": {"var_names": ["pt"] * 4499},
        "input_cat0": {"var_names": ["charge"] * 4500},
        "input_cat1": {"var_names": ["pdgId"] * 4500},
    }
    (repository.folders[0] / "deepmet" / "preprocess.json").write_text(json.dumps(content))
    found = faults(repository, "deepmet")
    assert len(found) == 4
    assert "no group for input input_cat2" in found[0]
    assert "4499 features of input input float32[4500, 8]" in found[1]
    assert "the network has no input other" in found[2]
    assert "1 output_names of 2 outputs" in found[3]


def test_a_damaged_file_and_a_wrong_interface_are_found(repository):
    folder = repository.folders[0] / "deepmet"
    replace(folder / "config.pbtxt", "dims: 2\n", "dims: 3\n")
    assert ["has dims [2] there" in fault for fault in faults(repository, "deepmet")] == [True]
    with (folder / "config.pbtxt").open("a") as config:
        config.write(
            'model_repository_agents { agents { name: "checksum"'
            f' parameters {{ key: "MD5:1/model.onnx" value: "{"0" * 32}" }} }} }}'
        )
    assert ["has MD5" in fault for fault in faults(repository, "deepmet")] == [True]
