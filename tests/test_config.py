"""The configuration file and the command line's overrides."""

import pickle
from pathlib import Path

import pytest

from sonicmini.config import Overrides, load
from sonicmini.errors import ConfigError

GOOD = """\
input:
  files: [../data/a.root]
output:
  file: out.root
  keep: [PFCand]
model_repository: ../models
modules:
  puppi: Puppi
  jets: {type: AK4PuppiJets, radius: 0.4}
"""


@pytest.fixture
def config_file(tmp_path):
    def write(text=GOOD):
        folder = tmp_path / "configs"
        folder.mkdir(exist_ok=True)
        path = folder / "job.yaml"
        path.write_text(text)
        return path

    return write


def test_relative_paths_are_relative_to_the_file(config_file, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    config = load(config_file())
    assert config.input.files[0].resolve() == tmp_path / "data" / "a.root"
    assert config.output.file.resolve() == tmp_path / "configs" / "out.root"
    assert config.model_repository == (tmp_path / "models",)


def test_the_command_line_wins_and_its_paths_are_relative_to_the_current_folder(
    config_file, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    overrides = Overrides(
        inputs=[Path("b.root")],
        output=Path("c.root"),
        events=7,
        streams=2,
        overwrite=True,
        assignments=["modules.jets.radius=0.8", "modules.puppi.cone=0.3", "options.threads=1"],
    )
    config = load(config_file(), overrides)
    assert config.input.files == (tmp_path / "b.root",)
    assert config.output.file == tmp_path / "c.root"
    assert (config.input.events, config.options.streams, config.options.threads) == (7, 2, 1)
    assert config.output.overwrite
    assert config.modules["jets"].parameters == {"radius": 0.8}
    assert config.modules["puppi"].type == "Puppi"
    assert config.modules["puppi"].parameters == {"cone": 0.3}


def test_models_may_come_from_several_folders(config_file, tmp_path, monkeypatch):
    text = GOOD.replace("model_repository: ../models", "model_repository: [/cms, ../models]")
    assert load(config_file(text)).model_repository == (Path("/cms"), tmp_path / "models")
    monkeypatch.chdir(tmp_path)
    overrides = Overrides(model_repository=[Path("here"), Path("/there")])
    found = load(config_file(text), overrides).model_repository
    assert found == (tmp_path / "here", Path("/there"))
    with pytest.raises(ConfigError, match=r":6: model_repository: .*at least 1 item"):
        load(config_file(text.replace("[/cms, ../models]", "[]")))


def test_former_name_of_a_key_is_none(config_file):
    with pytest.raises(ConfigError) as raised:
        load(config_file(GOOD.replace("model_repository:", "models:")))
    assert ":6: models: unknown key" in str(raised.value)
    assert "model_repository: required and not given" in str(raised.value)


def test_a_config_can_be_sent_to_another_process(config_file):
    config = load(config_file())
    assert pickle.loads(pickle.dumps(config)) == config  # noqa: S301 - our own pickle


def test_all_faults_come_at_once_with_their_line(config_file):
    text = GOOD.replace("keep: [PFCand]", "kepe: [PFCand]\n  compression_level: 12")
    path = config_file(text + "options: {stream: 3, threads: many}\n")
    with pytest.raises(ConfigError) as raised:
        load(path)
    message = str(raised.value)
    assert f"{path}:5: output.kepe: unknown key; did you mean keep?" in message
    assert f"{path}:6: output.compression_level: " in message
    assert "not 12" in message
    assert f"{path}:11: options.stream: unknown key; did you mean streams?" in message
    assert f"{path}:11: options.threads: " in message
    assert "not 'many'" in message


def test_everything_is_kept_if_nothing_else_is_said(config_file):
    config = load(config_file(GOOD.replace("  keep: [PFCand]\n", "")))
    assert config.output.keep == ("*",)
    assert config.output.format == "ttree"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a mapping"),
        ("[1, 2]", "expected a mapping"),
        ("input: [", "not YAML"),
        (GOOD + "model_repository: x\n", r":10: model_repository is given twice"),
        (GOOD.replace("files: [../data/a.root]", "files: []"), "input.files: "),
        (GOOD.replace("out.root", "../data/a.root"), "is one of the inputs"),
        (GOOD.replace("[PFCand]", "[]"), "output.keep: "),
        (GOOD.replace("[PFCand]", "[Jet, forget PV]"), r":5: output.keep.1: expected keep PATTERN"),
        (GOOD.replace("keep: [PFCand]", "format: hdf5"), r":5: output.format: .*'rntuple'.*'hdf5'"),
        (GOOD.replace("jets: {type: AK4PuppiJets,", "jets: {"), "modules.jets.type: required"),
        (GOOD.replace("puppi: Puppi", "puppi: [1]"), "modules.puppi: "),
    ],
)
def test_faults_of_the_file(config_file, text, message):
    with pytest.raises(ConfigError, match=message):
        load(config_file(text))


def test_missing_folder_and_binary_files(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere.yaml: cannot be read: No such file"):
        load(tmp_path / "nowhere.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\x80\x81\xff")
    with pytest.raises(ConfigError, match="not a text file"):
        load(binary)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("options.streams", "expected key.path=value"),
        ("options.streams.x=1", "--set options.streams.x: options.streams is a value"),
        ("options.streams=[", "not YAML"),
        ("options.steams=3", "options.steams: unknown key; did you mean streams?"),
        ("options.streams=0", "options.streams: "),
    ],
)
def test_faults_of_set(config_file, assignment, message):
    text = GOOD + "options: {streams: 2}\n"
    with pytest.raises(ConfigError, match=message):
        load(config_file(text), Overrides(assignments=[assignment]))
