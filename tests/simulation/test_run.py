import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
import uproot

from sonicmini.errors import ConfigError, OutputError
from sonicmini.io.metadata import read_metadata
from sonicmini.io.schema import AOD, FORMAT_NAME, FORMAT_VERSION
from sonicmini.simulation import run
from sonicmini.simulation.run import SimulationOptions, simulate

LIBRARY_EVENTS = 100


@pytest.fixture
def options(tmp_path, cached_library):
    assert cached_library.is_file()
    return SimulationOptions(
        "ttbar", 12, 5.0, 1, tmp_path / "out.root", library_events=LIBRARY_EVENTS
    )


def read(path):
    with uproot.open(path) as file:
        return file["Events"].arrays(library="ak"), read_metadata(file)


def test_all_branches_with_their_types(options):
    simulate(options)
    with uproot.open(options.output) as file:
        tree = file["Events"]
        assert tree.num_entries == 12
        for collection in AOD.values():
            for branch in collection.branches:
                found = tree[collection.branch_name(branch)]
                content = ak.to_numpy(ak.flatten(found.array(), axis=None))
                assert content.dtype == branch.dtype
                assert found.title.startswith(branch.title)
            assert collection.counter is None or collection.counter in tree
        assert tree["event"].array().to_list() == list(range(1, 13))
        assert ak.all(ak.num(tree["PFCand_pt"].array()) > 50)


def test_metadata(options):
    simulate(options)
    metadata = read(options.output)[1]
    assert (metadata.format_name, metadata.format_version) == (FORMAT_NAME, FORMAT_VERSION)
    provenance = metadata.provenance
    assert provenance["process"] == "ttbar"
    assert provenance["seed"] == 1
    assert provenance["pileupLibrary"]["events"] == LIBRARY_EVENTS
    assert "Top:gg2ttbar = on" in provenance["generator"]["settings"]
    assert {"sonicmini", "pythia8mc", "numpy"} <= set(provenance["versions"])


def test_content_does_not_depend_on_workers_and_blocks(options, tmp_path, monkeypatch):
    whole, split, few = (tmp_path / name for name in ("whole.root", "split.root", "few.root"))
    simulate(replace(options, output=whole))
    monkeypatch.setattr(run, "BLOCK_EVENTS", 5)
    simulate(replace(options, output=split, workers=2))
    simulate(replace(options, output=few, events=3))
    expected = read(whole)[0]
    for path, events in ((split, 12), (few, 3)):
        found = read(path)[0]
        assert found.fields == expected.fields
        for field in expected.fields:
            assert ak.array_equal(found[field], expected[field][:events]), field


def test_seeds_give_different_events(options, tmp_path):
    simulate(options)
    simulate(replace(options, seed=2, output=tmp_path / "other.root"))
    first, second = read(options.output)[0], read(tmp_path / "other.root")[0]
    assert not np.any(first.Generator_vz == second.Generator_vz)


def test_without_pileup_there_is_no_library(options, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "nowhere"))
    simulate(replace(options, pileup=0.0))
    events, metadata = read(options.output)
    assert ak.all(events.Pileup_nPU == 0)
    assert metadata.provenance["pileupLibrary"] is None
    assert not (tmp_path / "nowhere").exists()


def test_no_events(options):
    simulate(replace(options, events=0))
    assert len(read(options.output)[0]) == 0


def test_progress(options, monkeypatch):
    monkeypatch.setattr(run, "BLOCK_EVENTS", 5)
    told = []

    @contextlib.contextmanager
    def progress(description, total):
        told.append((description, total))
        yield told.append

    simulate(options, progress)
    assert told == [("simulating ttbar", 12), 5, 5, 2]


def test_all_faults_in_one_message(options):
    wrong = replace(options, process="ttbra", events=-1, pileup=-2.0, seed=-3, workers=0)
    with pytest.raises(ConfigError) as caught:
        simulate(wrong)
    for words in ("did you mean ttbar", "events is -1", "pileup is -2", "seed is -3", "0 workers"):
        assert words in str(caught.value)


@pytest.mark.parametrize("pileup", [float("nan"), float("inf"), 1e6])
def test_impossible_pileup(options, pileup):
    with pytest.raises(ConfigError, match="possible are 0 to 300"):
        simulate(replace(options, pileup=pileup))


def test_existing_output_is_kept(options):
    options.output.write_text("precious")
    with pytest.raises(OutputError, match="exists already"):
        simulate(options)
    assert options.output.read_text() == "precious"
    simulate(replace(options, overwrite=True, events=1))
    assert len(read(options.output)[0]) == 1


def test_missing_folder(options, tmp_path):
    with pytest.raises(OutputError, match="does not exist"):
        simulate(replace(options, output=tmp_path / "missing" / "out.root"))


def test_interrupt_leaves_nothing(options, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "BLOCK_EVENTS", 5)

    @contextlib.contextmanager
    def interrupting(_description, _total):
        def interrupt(_):
            raise KeyboardInterrupt

        yield interrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(options, interrupting)
    assert list(tmp_path.glob("*.root")) == []
    assert list(tmp_path.glob(".*.partial")) == []


def test_without_pythia(options, monkeypatch):
    monkeypatch.setitem(sys.modules, "pythia8mc", None)
    with pytest.raises(ConfigError, match=r"pip install 'sonicmini\[sim\]'"):
        simulate(options)
    assert not options.output.exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_command_leaves_nothing(number, tmp_path, reap):
    arguments = ["simulate", "ttbar", "--events", "100000", "--pileup", "0", "-o", "out.root"]
    command = subprocess.Popen(
        [sys.executable, "-m", "sonicmini", *arguments, "--workers", "2"],
        cwd=tmp_path,
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )
    reap(command)
    deadline = time.monotonic() + 600
    while not any(path.stat().st_size > 100_000 for path in tmp_path.iterdir()):
        assert time.monotonic() < deadline
        assert command.poll() is None
        time.sleep(0.2)
    if number == signal.SIGINT:  # from a terminal, all processes get it
        os.killpg(command.pid, number)
    else:
        command.send_signal(number)
    _, message = command.communicate(timeout=120)
    assert command.returncode == 128 + number
    assert "nothing unfinished was left behind" in message
    assert list(tmp_path.iterdir()) == []
