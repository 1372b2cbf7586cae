"""Both sides run and compared, on the bundled sample."""

import json
from pathlib import Path

import pytest
import yaml

from sonicmini.compare import run as compare_run
from sonicmini.compare.run import compare, compare_and_print
from sonicmini.compare.sides import CompareOptions
from sonicmini.errors import ConfigError, InputError, ModelError, OutputError
from sonicmini.job import run_job
from sonicmini.resources import bundled
from tests.outputs import CONFIG, MODEL, WORKFLOW, altered_models, networks

SAMPLE = bundled("sample_data") / "ttbar_10.root"
INPUT = [f"input.files=[{SAMPLE}]"]
SHORT = CompareOptions(assignments=INPUT, events=4)


@pytest.fixture
def here(monkeypatch):
    """The runs in this process, which has compiled the kernels once; gives their descriptions."""
    descriptions = []

    def run_here(config, description):
        descriptions.append((description, config.output.file))
        return run_job(config).to_dict()

    monkeypatch.setattr(compare_run, "run_apart", run_here)
    return descriptions


@pytest.fixture
def workflow(tmp_path):
    """Writes a copy of the small workflow, perhaps with a network whose weights are scaled."""

    def workflow(name, scale=None, **changes):
        tree = yaml.safe_load(WORKFLOW.read_text()) | {
            "input": {"files": [str(SAMPLE)]},
            "model_repository": str(bundled("models")),
        }
        if scale is not None:
            tree["model_repository"] = str(altered_models(tmp_path / f"models_{name}", scale))
        (path := tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(tree | changes))
        return str(path)

    return workflow


def test_local_agrees_with_local_and_is_kept(tmp_path, capsys):
    keep = tmp_path / "new" / "kept"
    options = CompareOptions(assignments=INPUT, events=4, keep=keep)
    assert compare_and_print("local", "local", WORKFLOW, options)
    text = capsys.readouterr().out
    assert "The outputs agree: 4 events" in text
    assert "deepMET infer" in text
    assert sorted(path.name for path in keep.iterdir()) == ["A.root", "B.root", "comparison.json"]
    content = json.loads((keep / "comparison.json").read_text())
    assert content["verdict"] == "agree"
    assert content["files"]["products"] == ["DeepMETResolutionTune"]
    assert content["reports"]["a"][0]["events"] == 4
    assert compare_and_print(str(keep / "A.root"), str(keep / "B.root"), None, CompareOptions())
    with pytest.raises(OutputError, match=r"has A\.root, B\.root, comparison\.json already"):
        compare("local", "local", WORKFLOW, options)


def test_an_altered_network_is_caught_with_its_branches(workflow, here, capsys):
    a, b = workflow("a"), workflow("b", scale=1.001)
    assert not compare_and_print(a, b, None, CompareOptions())
    text = capsys.readouterr().out
    assert text.splitlines()[-1] == (
        "The outputs differ: DeepMETResolutionTune_pt, DeepMETResolutionTune_phi"
    )
    assert f"models.{MODEL}.sha256" in text


def test_a_network_that_is_nearly_the_same_agrees_within_tolerance(workflow, here, capsys):
    a, b = workflow("a"), workflow("b", scale=1 + 3e-7)
    comparison = compare(a, b, None, CompareOptions())
    assert comparison.agrees
    assert comparison.files.verdict == "agree within tolerance"
    assert not compare(a, b, None, CompareOptions(tolerance=0.0)).agrees


def test_json_is_all_that_is_printed(here, capsys):
    assert compare_and_print(
        "local", "local", WORKFLOW, CompareOptions(assignments=INPUT, events=2, as_json=True)
    )
    content = json.loads(capsys.readouterr().out)
    assert (content["version"], content["agrees"]) == (1, True)
    assert {phase["module"] for phase in content["timing"]["phases"]} >= {"puppi", "deepMET"}


def test_runs_take_turns_and_the_first_outputs_stay(tmp_path, here):
    options = CompareOptions(
        assignments=INPUT, events=2, repetitions=3, keep=tmp_path, picture=tmp_path / "p.png"
    )
    pytest.importorskip("matplotlib")
    comparison = compare("local", "local", WORKFLOW, options)
    assert [description for description, _ in here] == [
        f"{side} {turn}/3" for turn in (1, 2, 3) for side in "AB"
    ]
    assert comparison.timing is not None
    assert comparison.timing.a.repetitions == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "A.root",
        "B.root",
        "comparison.json",
        "p.png",
    ]


def test_nothing_is_kept_unasked(here):
    compare("local", "local", WORKFLOW, SHORT)
    folders = {output.parent for _, output in here}
    assert len(folders) == 1
    assert not folders.pop().exists()


def test_nothing_is_kept_of_a_comparison_that_failed(workflow, tmp_path, here):
    b = workflow("b", model_repository=str(tmp_path / "nowhere"))
    options = CompareOptions(events=1, keep=tmp_path / "kept")
    with pytest.raises(ModelError, match="nowhere"):
        compare(workflow("a"), b, None, options)
    assert len(here) == 2
    assert list((tmp_path / "kept").iterdir()) == []


def test_other_cuts_of_the_work_agree(workflow, here):
    a = workflow("a", options={"chunk_size": 3, "streams": 1})
    assert compare(a, workflow("b"), None, CompareOptions()).agrees


def test_a_module_that_differs_is_caught(workflow, here):
    modules = yaml.safe_load(WORKFLOW.read_text())["modules"]
    modules["rho"] = {"type": "FixedGridRho", "spacing": 0.7}
    comparison = compare(
        workflow("a"), workflow("b", modules=modules), None, CompareOptions(events=2)
    )
    assert not comparison.agrees
    assert comparison.files.differing
    assert all(name.startswith("Rho_") for name in comparison.files.differing)
    assert "modules.rho.spacing" in [one.name for one in comparison.files.provenance]


def test_faults_are_found_before_the_first_run(workflow, tmp_path, here):
    b = workflow("b", modules={"puppi": "Pupi"})
    with pytest.raises(ConfigError, match="did you mean Puppi") as error:
        compare(workflow("a"), b, None, CompareOptions())
    assert error.value.__notes__ == [f"in {b}"]
    with pytest.raises(ConfigError, match="which nobody makes"):
        compare(workflow("a"), workflow("c", modules={"m": "RawPuppiMET"}), None, CompareOptions())
    with pytest.raises(ConfigError, match="different input"):
        compare(workflow("a"), str(CONFIG), None, CompareOptions())
    with pytest.raises(ConfigError, match=r"\.gif"):
        compare("local", "local", WORKFLOW, CompareOptions(picture=tmp_path / "p.gif"))
    with pytest.raises(OutputError, match="cannot be written"):
        compare("local", "local", WORKFLOW, CompareOptions(keep=SAMPLE / "folder"))
    assert here == []


def test_faults_of_a_run_are_those_of_the_run_command(workflow, here):
    config = workflow("a", input={"files": ["nowhere.root"]})
    with pytest.raises(InputError, match=r"nowhere\.root"):
        compare("local", "local", Path(config), CompareOptions())
    with pytest.raises(ModelError, match="nowhere"):
        compare(
            "local", "local", WORKFLOW, CompareOptions(assignments=["model_repository=/nowhere"])
        )
    with pytest.raises(InputError, match="there is no such file"):
        compare("nowhere.root", "nowhere.root", None, CompareOptions())


@pytest.mark.triton
def test_all_networks_agree_between_local_and_remote():
    comparison = compare("local", "remote", None, CompareOptions(assignments=INPUT))
    assert comparison.agrees
    assert comparison.files.events.common == 10
    used = networks(CONFIG).values()
    made = {product for network in used for product in network.produces}
    assert set(comparison.files.products or ()) == made
    assert comparison.timing is not None
    here = {one.model: one for one in comparison.timing.a.networks}
    there = {one.model: one for one in comparison.timing.b.networks}
    assert here.keys() == there.keys() == {network.model for network in used}
    for model, local in here.items():
        remote = there[model]
        assert (local.backend, remote.backend) == ("local", "embedded")
        assert local.inferences == remote.inferences > 0


@pytest.mark.triton
def test_an_altered_network_is_caught_remotely(workflow):
    a = workflow("a", inference={"default": "local"})
    b = workflow("b", scale=1.001, inference={"default": "remote"})
    comparison = compare(a, b, None, CompareOptions())
    assert set(comparison.files.differing) == {
        "DeepMETResolutionTune_pt",
        "DeepMETResolutionTune_phi",
    }
