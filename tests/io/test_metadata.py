from pathlib import Path

import pytest
import uproot

from sonicmini.io.metadata import METADATA_TREE, Metadata, read_metadata

TYPES = {"formatName": "string", "formatVersion": "int32", "provenance": "string"}


def stored(path, entries):
    with uproot.recreate(path) as file:
        branches = entries[0] if entries else TYPES
        tree = file.mktree(METADATA_TREE, {name: TYPES[name] for name in branches})
        for entry in entries:
            tree.extend(entry)
    with uproot.open(path) as file:
        return read_metadata(file)


def test_comes_back_as_it_was(tmp_path):
    provenance = {
        "config": {"chunk_size": 100, "level": None},
        "inputs": [{"file": f"ä{i}.root", "start": 0, "stop": i} for i in range(1000)],
    }
    metadata = Metadata("format", 3, provenance)
    assert stored(tmp_path / "a.root", [metadata.to_branches()]) == metadata


def test_what_json_has_not_is_stored_as_text(tmp_path):
    branches = Metadata("format", 1, {"models": Path("models")}).to_branches()
    found = stored(tmp_path / "a.root", [branches])
    assert found is not None
    assert found.provenance == {"models": "models"}


@pytest.mark.parametrize("text", ["", "no JSON", "[1, 2]"])
def test_a_broken_provenance_does_not_hide_the_format(tmp_path, text):
    branches = Metadata("format", 2).to_branches() | {"provenance": [text]}
    assert stored(tmp_path / "a.root", [branches]) == Metadata("format", 2, {})


def test_a_merged_file_has_the_provenance_of_its_parts(tmp_path):
    parts = [{"seed": 1}, {"seed": 2}]
    entries = [Metadata("format", 1, part).to_branches() for part in parts]
    found = stored(tmp_path / "a.root", entries)
    assert found == Metadata("format", 1, {"merged": parts})


def test_none_where_there_is_none_of_this_form(tmp_path):
    branches = Metadata("format", 1).to_branches()
    assert stored(tmp_path / "a.root", []) is None
    assert stored(tmp_path / "b.root", [branches, Metadata("format", 2).to_branches()]) is None
    del branches["formatVersion"]
    assert stored(tmp_path / "c.root", [branches]) is None
    with uproot.recreate(tmp_path / "d.root") as file:
        assert read_metadata(file) is None
