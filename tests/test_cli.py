"""The command line on the bundled sample: outputs, messages and exit codes as a user meets them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import uproot
import yaml

from sonicmini.cli import main
from sonicmini.resources import bundled
from tests.outputs import CONFIG, MODEL, WORKFLOW, networks, scores

SAMPLE = bundled("sample_data") / "ttbar_10.root"


def sonicmini(*arguments, capsys):
    """Runs a command in this process; returns exit code, standard output and standard error."""
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return stop.value.code, captured.out, captured.err


def run(*arguments, capsys):
    return sonicmini("run", WORKFLOW, *arguments, capsys=capsys)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_run_writes_the_file_and_the_report(tmp_path, capsys):
    out, report = tmp_path / "mini.root", tmp_path / "report.json"
    code, text, _ = run(SAMPLE, "-o", out, "--report", report, "--events", 7, capsys=capsys)
    assert code == 0
    assert "7 events in" in text
    assert MODEL in text
    with uproot.open(out) as file:
        assert file["Events"].num_entries == 7
        met = file["Events"].arrays(["RawMET_pt", "DeepMETResolutionTune_pt"], library="np")
        provenance = json.loads(file["Runs/provenance"].array()[0])
    assert all(np.ptp(values) > 0 for values in met.values())
    assert provenance["inputs"] == [{"file": str(SAMPLE), "start": 0, "stop": 7}]
    assert provenance["config"]["input"]["events"] == 7
    assert len(provenance["models"][MODEL]["sha256"]) == 64
    content = json.loads(report.read_text())
    assert content["events"] == 7
    assert {phase["module"] for phase in content["phases"]} >= {"puppi", "deepMET", "sink"}
    assert content["networks"][0]["rows"] == 7
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mini.root", "report.json"]


def test_an_existing_output_is_kept_unless_overwritten(tmp_path, capsys):
    out = tmp_path / "mini.root"
    out.write_text("precious")
    code, _, error = run(SAMPLE, "-o", out, "--events", 1, capsys=capsys)
    assert code == 4
    assert "--overwrite" in error
    assert out.read_text() == "precious"
    assert run(SAMPLE, "-o", out, "--events", 1, "--overwrite", capsys=capsys)[0] == 0
    with uproot.open(out) as file:
        assert file["Events"].num_entries == 1


def test_several_inputs_and_a_limit_over_all(tmp_path, capsys):
    out = tmp_path / "mini.root"
    copy = tmp_path / "copy.root"
    shutil.copy(SAMPLE, copy)
    assert run(SAMPLE, copy, "-o", out, "--events", 13, "--chunk-size", 4, capsys=capsys)[0] == 0
    with uproot.open(out) as file:
        events = file["Events/event"].array(library="np")
        candidates = file["Events/PFCand_pt"].array(library="np")
    assert events.tolist()[10:] == events.tolist()[:3]
    assert all(np.array_equal(candidates[i + 10], candidates[i]) for i in range(3))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", "nowhere.yaml"], 2, "nowhere.yaml: cannot be read"),
        (["run", WORKFLOW, "nowhere.root"], 3, "nowhere.root"),
        (["run", WORKFLOW, SAMPLE, "--set", "options.stream=2"], 2, "did you mean streams?"),
        (
            ["run", WORKFLOW, SAMPLE, "--set", "modules.puppi.con=1"],
            2,
            "modules.puppi: con: no such",
        ),
        (["run", WORKFLOW, SAMPLE, "--set", "modules.puppi=Pupy"], 2, "did you mean Puppi?"),
        (["run", WORKFLOW, SAMPLE, "--set", "output.keep=[PFCandd]"], 2, "did you mean PFCand?"),
        (["run", WORKFLOW, SAMPLE, "--set", "modules.deepMET.model=dipmet"], 5, "deepmet"),
        (["run", WORKFLOW, SAMPLE, "--set", "model_repository=nowhere"], 5, "nowhere"),
        (["run", WORKFLOW, SAMPLE, "-o", "/proc/x/y.root"], 4, "/proc/x"),
        (["run", WORKFLOW, SAMPLE, "--report", "no/such/folder/r.json"], 4, "r.json"),
        (["inspect", "nowhere.root"], 3, "nowhere.root"),
        (["modules", "Pupi"], 2, "did you mean Puppi?"),
        (["simulate", "tbar", "-o", "x.root"], 2, "did you mean ttbar?"),
        (["init", SAMPLE], 2, "is a file"),
    ],
)
def test_errors_are_one_message_and_an_exit_code(arguments, code, message, here, capsys):
    if arguments[0] == "run" and "-o" not in arguments:
        arguments = [*arguments, "-o", here / "out.root"]
    actual, _, error = sonicmini(*arguments, capsys=capsys)
    assert (actual, message in error) == (code, True), error
    assert "Traceback" not in error
    assert list(here.iterdir()) == []


def test_usage_errors_are_typers(capsys):
    assert sonicmini("run", capsys=capsys)[0] == 2
    assert sonicmini("run", WORKFLOW, "--nonsense", capsys=capsys)[0] == 2


def test_debug_shows_the_traceback_wherever_it_stands(capsys):
    code, _, error = sonicmini("run", "nowhere.yaml", "--debug", capsys=capsys)
    assert code == 2
    assert "Traceback" in error


def test_check_prints_the_graph_and_writes_nothing(here, capsys):
    code, text, _ = sonicmini("check", WORKFLOW, SAMPLE, capsys=capsys)
    assert code == 0
    assert "packedPFCandidates" in text
    assert "10 events" in text
    assert list(here.iterdir()) == []


def test_modules_lists_parameters_and_products(capsys):
    code, text, _ = sonicmini("modules", "AK4PuppiJets", capsys=capsys)
    assert code == 0
    assert "radius: float = 0.4" in text
    assert "produces: AK4PuppiJet" in text


def test_inspect_shows_collections_and_provenance(tmp_path, capsys):
    code, text, _ = sonicmini("inspect", SAMPLE, capsys=capsys)
    assert code == 0
    assert "PFCand" in text
    code, text, _ = sonicmini("inspect", SAMPLE, "--json", capsys=capsys)
    assert json.loads(text)["events"] == 10


def test_init_lays_out_what_runs_with_all_networks(tmp_path, capsys):
    folder = tmp_path / "work"
    assert sonicmini("init", folder, capsys=capsys)[0] == 0
    config = folder / "configs" / "miniaod.yaml"
    code, text, _ = sonicmini("run", config, "--events", 10, capsys=capsys)
    assert code == 0
    with uproot.open(config.parent / yaml.safe_load(config.read_text())["output"]["file"]) as file:
        assert file["Events"].num_entries == 10
        assert scores().keys() <= set(file["Events"].keys())
        provenance = json.loads(file["Runs/provenance"].array()[0])
    models = {network.model for network in networks(CONFIG).values()}
    assert provenance["models"].keys() == models
    assert all(model in text for model in models)


def test_a_module_of_the_users_own(tmp_path, capsys, monkeypatch):
    (tmp_path / "my_tags.py").write_text(
        "from dataclasses import dataclass\n"
        "import awkward as ak\n"
        "from sonicmini.module import Producer\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Ht(Producer):\n"
        "    consumes = ('PackedPFCand',)\n"
        "    produces = ('Ht',)\n"
        "    pt_min: float = 3.0\n"
        "    def produce(self, inputs):\n"
        "        pt = inputs['PackedPFCand'].pt\n"
        "        return {'Ht': ak.sum(pt[pt > self.pt_min], axis=1)}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    out = tmp_path / "out.root"
    settings = [
        "--set",
        "modules.ht={type: my_tags:Ht, pt_min: 4}",
        "--set",
        "output.keep=[PFCand_pt, Ht]",
    ]
    assert run(SAMPLE, "-o", out, *settings, capsys=capsys)[0] == 0
    with uproot.open(out) as file:
        ht, candidates = (file["Events"][name].array() for name in ("Ht", "PFCand_pt"))
    assert ht.tolist() == pytest.approx(
        [sum(p for p in event if p > 4) for event in candidates], rel=1e-4
    )
    assert "made by ht" in uproot.open(out)["Events/Ht"].title


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_leave_nothing_that_looks_finished(number, code, tmp_path, reap):
    inputs = [tmp_path / f"{i}.root" for i in range(60)]
    for path in inputs:
        path.symlink_to(SAMPLE)
    out = tmp_path / "out"
    out.mkdir()
    command = [sys.executable, "-m", "sonicmini", "run", WORKFLOW, *inputs, "-o", out / "mini.root"]
    process = subprocess.Popen(
        list(map(str, command)), stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    reap(process)
    deadline = time.monotonic() + 600
    while not any(out.iterdir()) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(number)
    _, error = process.communicate(timeout=120)
    assert process.returncode == code, error
    assert "Traceback" not in error
    assert list(out.iterdir()) == []


def test_the_command_is_installed():
    script = Path(sys.executable).with_name("sonicmini")
    answer = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert answer.stdout.startswith("sonicmini ")
    assert os.access(script, os.X_OK)
