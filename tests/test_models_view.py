"""``sonicmini models`` lists networks, ``sonicmini models verify`` tells every fault."""

import json
import shutil

import pytest

from sonicmini.cli import main
from sonicmini.inference.repository import ModelRepository
from sonicmini.model_facts import all_versions
from sonicmini.resources import bundled
from tests.model_folders import one_version

MODELS = bundled("models")


@pytest.fixture
def call(capsys):
    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["models", *map(str, arguments)])
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return run


@pytest.fixture
def broken(tmp_path):
    """Two copies of DeepMET, one without its network."""
    one_version(tmp_path, "good")
    shutil.rmtree(one_version(tmp_path, "deepmet") / "1")
    return tmp_path


def test_bundled_networks_are_listed_and_sound(call):
    models = all_versions(ModelRepository(MODELS))
    code, out, _ = call()
    assert code == 0
    for model in models:
        assert model in out
    code, out, _ = call("--json")
    listed = {f"{entry['name']}/{entry['version']}": entry for entry in json.loads(out)}
    assert (code, list(listed)) == (0, models)
    deepmet = listed["deepmet/1"]
    assert deepmet["inputs"][0] == {"name": "input", "type": "float32", "dims": [4500, 8]}
    assert deepmet["preferred_batch_size"] == [8, 16]
    assert deepmet["multiply_adds"]["full"] > 1e6
    code, out, _ = call("verify", *models)
    assert (code, out.splitlines()) == (0, [f"{model}: sound" for model in models])


def test_sound_ones_are_shown_beside_broken_ones(call, broken):
    code, out, err = call("--model-repository", broken)
    assert code == 5
    assert "good/1" in out
    assert "model deepmet in" in err


def test_verdicts_and_faults(call, broken):
    code, out, err = call("verify", "--model-repository", broken)
    assert (code, out.splitlines()) == (5, ["deepmet: FAULTY", "good/1: sound"])
    assert err.startswith("error: deepmet: model deepmet in")
    assert "no version is served" in err
    code, out, _ = call("verify", "--json", "--model-repository", broken, "good", "deepmet")
    first, second = json.loads(out)
    assert (code, first) == (5, {"model": "good", "faults": []})
    assert second["model"] == "deepmet"
    assert len(second["faults"]) == 1


def test_options_are_not_lost_before_the_command(call, broken):
    code, _, err = call("--model-repository", broken, "verify")
    assert (code, err) == (2, "error: models: options belong behind verify\n")


def test_first_folder_counts(call, broken):
    code, out, _ = call(
        "verify", "--model-repository", MODELS, "--model-repository", broken, "good", "deepmet"
    )
    assert (code, out.splitlines()) == (0, ["good: sound", "deepmet: sound"])


@pytest.mark.parametrize("command", [(), ("verify",)])
def test_a_folder_without_models_is_told(call, tmp_path, command):
    code, out, err = call(*command, "--model-repository", tmp_path)
    assert (code, out) == (5, "")
    assert err == f"error: model repository {tmp_path}: no folder in it has a config.pbtxt\n"
