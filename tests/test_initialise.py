import re

import pytest

from sonicmini.errors import ConfigError, OutputError
from sonicmini.initialise import initialise
from sonicmini.resources import bundled


def test_layout_is_the_checkouts(tmp_path):
    folder = tmp_path / "new" / "work"
    written = initialise(folder)
    assert written == sorted(path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix() for path in written}
    assert {"configs/miniaod.yaml", "sample_data/ttbar_10.root"} <= names
    models = {path for path in bundled("models").rglob("*") if path.is_file()}
    assert {f"models/{path.relative_to(bundled('models'))}" for path in models} <= names


def test_every_path_in_a_configuration_leads_somewhere(tmp_path):
    initialise(tmp_path)
    configs = list((tmp_path / "configs").rglob("*.yaml"))
    paths = [
        (config.parent / path).resolve()
        for config in configs
        for path in re.findall(r"\.\./(?:models|sample_data)\b[\w./]*", config.read_text())
    ]
    assert paths
    assert [path for path in paths if not path.exists()] == []


def test_a_folder_with_content_is_refused_and_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty: name a folder"):
        initialise(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is a file"):
        initialise(tmp_path / "notes.txt")


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot lay out"):
        initialise(tmp_path / "file" / "folder")
