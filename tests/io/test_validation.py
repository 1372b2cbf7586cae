import os
import shutil

import numpy as np
import pytest
import uproot

from sonicmini.errors import InputError
from sonicmini.io.metadata import Metadata
from sonicmini.io.root_source import RootSource
from sonicmini.io.schema import AOD, FORMAT_NAME, FORMAT_VERSION
from sonicmini.io.validation import count_events, root_type

ALL = tuple(AOD.values())
SOME = (AOD["run"], AOD["PV"])


def write(path, events, metadata=None):
    """A file with any branches; jagged ones as a list of a counter, a type and empty content."""
    metadata = metadata or Metadata(FORMAT_NAME, FORMAT_VERSION)
    with uproot.recreate(path) as file:
        if events:
            file.mktree("Events", events, counter_name=lambda name: f"n{name.split('_')[0]}")
        types = {"formatName": "string", "formatVersion": "int32", "provenance": "string"}
        file.mktree("Runs", types).extend(metadata.to_branches())
    return path


def types_of(collections):
    return {
        collection.branch_name(branch): f"{'var * ' if collection.counter else ''}{branch.dtype}"
        for collection in collections
        for branch in collection.branches
    }


def test_counts_the_events_of_a_good_file(aod_file):
    assert count_events(str(aod_file), ALL) == 60


def test_a_tree_without_events_is_good(tmp_path):
    assert count_events(str(write(tmp_path / "a.root", types_of(ALL))), ALL) == 0


def test_types_are_those_of_the_library(aod_file):
    with uproot.open(aod_file) as file:
        found = {branch.name: branch.typename for branch in file["Events"].branches}
    for collection in ALL:
        for branch in collection.branches:
            expected = root_type(branch.dtype, collection.kind)
            assert found[collection.branch_name(branch)] == expected


NO_FILES = {
    "missing": (lambda path: None, "there is no such file"),
    "dangling": (lambda path: path.symlink_to("nowhere"), "there is no such file"),
    "folder": (lambda path: path.mkdir(), "is a folder"),
    "pipe": (os.mkfifo, "is not a regular file"),
    "empty": (lambda path: path.touch(), "is empty"),
    "text": (lambda path: path.write_text("event,pt\n1,20\n"), "is not a ROOT file"),
    "magic only": (lambda path: path.write_bytes(b"root"), "is not a ROOT file"),
    "zeros": (lambda path: path.write_bytes(b"root" + bytes(100)), "2 faults\n.* it has no tree"),
}


@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_file_of_the_format_is_refused(tmp_path, kind):
    make, message = NO_FILES[kind]
    file = tmp_path / "input.root"
    make(file)
    with pytest.raises(InputError, match=f"{file}: {message}"):
        count_events(str(file), SOME)


def test_a_name_that_leads_through_a_file_is_refused(aod_file):
    with pytest.raises(InputError, match="cannot be read: Not a directory"):
        count_events(f"{aod_file}/input.root", SOME)


@pytest.mark.parametrize("percent", [0.001, 0.1, 1, 5, 20, 50, 80, 99, 99.99])
def test_a_truncated_file_is_refused(aod_file, tmp_path, percent):
    content = aod_file.read_bytes()
    file = tmp_path / "short.root"
    size = max(1, int(len(content) * percent / 100))
    file.write_bytes(content[:size])
    expected = "is not a ROOT file" if size < 20 else f"has {size} of {len(content)} bytes"
    with pytest.raises(InputError, match=expected):
        count_events(str(file), SOME)


@pytest.mark.parametrize("seed", range(60))
def test_damaged_bytes_are_an_input_error_or_harmless(aod_file, tmp_path, seed):
    rng = np.random.default_rng(seed)
    content = bytearray(aod_file.read_bytes())
    for _ in range(rng.choice([1, 10])):
        content[rng.integers(len(content))] ^= 1 << rng.integers(8)
    file = tmp_path / "damaged.root"
    file.write_bytes(content)
    try:
        outcome = str(sum(chunk.size for chunk in RootSource([file]).chunks()))
    except InputError as error:
        outcome = str(error)
    assert outcome == "60" or outcome.startswith(str(file))


def test_a_zeroed_block_is_found_where_the_events_are_read(aod_file, tmp_path):
    with uproot.open(aod_file) as file:
        seek = file["Events"]["Track_pt"].basket_key(1).data_cursor.index
    damaged = tmp_path / "damaged.root"
    shutil.copy(aod_file, damaged)
    with damaged.open("r+b") as stream:
        stream.seek(seek)
        stream.write(bytes(100))
    chunks = RootSource([damaged], chunk_size=16).chunks()
    assert next(chunks).stop == 16
    with pytest.raises(InputError, match=r"damaged.root: reading events \[16:32\] failed"):
        next(chunks)


def test_a_file_without_events_tree_is_refused(tmp_path):
    file = write(tmp_path / "a.root", {})
    with pytest.raises(InputError, match="it has no tree Events"):
        count_events(str(file), SOME)


def test_another_object_of_the_name_is_refused(tmp_path):
    with uproot.recreate(tmp_path / "a.root") as file:
        file["Events"] = np.histogram([1.0, 2.0])
        file["Runs"] = "text"
    with pytest.raises(InputError, match="it has no tree Events") as error:
        count_events(str(tmp_path / "a.root"), SOME)
    assert "no tree Runs that names its format" in str(error.value)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (Metadata("other", 1), "its format is other, expected sonicmini-aod"),
        (Metadata(FORMAT_NAME, 99), "has version 99, expected 1"),
    ],
)
def test_another_format_is_refused(tmp_path, metadata, message):
    file = write(tmp_path / "a.root", types_of(SOME), metadata)
    with pytest.raises(InputError, match=message):
        count_events(str(file), SOME)


def test_all_missing_and_mistyped_branches_are_told(tmp_path):
    types = types_of([*SOME, AOD["BeamSpot"], AOD["Muon"]])
    del types["PV_chi2"]
    types |= {
        "PV_z": "var * float64",
        "PV_isFake": "var * uint8",
        "BeamSpot_x": "var * float32",
        "run": "int32",
        "Muon_pt": "float32",
    }
    file = write(tmp_path / "a.root", types, Metadata("other", 1))
    with pytest.raises(InputError) as error:
        count_events(str(file), [*SOME, AOD["BeamSpot"], AOD["Muon"], AOD["V0"]])
    assert str(error.value).splitlines() == [
        f"{file}: 8 faults",
        "  its format is other, expected sonicmini-aod",
        "  branch run has type int32_t, expected uint32_t",
        "  branch PV_z has type double[], expected float[]",
        "  branch PV_chi2 (float[]) is missing",
        "  branch PV_isFake has type uint8_t[], expected bool[]",
        "  branch BeamSpot_x has type float[], expected float",
        "  branch Muon_pt has type float, expected float[]",
        "  collection V0 is missing, all 11 branches of it",
    ]


def test_a_missing_counter_is_told(tmp_path):
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("Events", types_of([AOD["PV"]]), counter_name=lambda name: f"count_{name}")
    with pytest.raises(InputError, match=r"branch nPV \(int32_t\) is missing"):
        count_events(str(tmp_path / "a.root"), [AOD["PV"]])
