from pathlib import Path

import pytest

from sonicmini.compare.sides import CompareOptions, refuse_other_inputs, sides
from sonicmini.errors import ConfigError
from sonicmini.resources import bundled

CONFIG = bundled("configs") / "miniaod.yaml"
PLAIN = CompareOptions()


def refused(first, second, config=None, options=PLAIN):
    with pytest.raises(ConfigError) as error:
        sides(first, second, config, options)
    return str(error.value)


def test_local_and_remote_of_the_bundled_workflow_or_another():
    kind, (a, b) = sides("local", "remote", None, PLAIN)
    assert kind == "inference"
    assert (a.place, a.path) == ("local", str(CONFIG))
    assert (b.place, b.path) == ("remote", str(CONFIG))
    assert b.name == f"remote inference, {CONFIG}"
    _, (a, b) = sides("local", "local", Path("my.yaml"), PLAIN)
    assert a.path == b.path == "my.yaml"


def test_two_workflows_and_two_files():
    kind, (a, b) = sides("a.yaml", "x/b.yml", None, PLAIN)
    assert (kind, a.place, b.path) == ("workflow", None, "x/b.yml")
    kind, (a, b) = sides("a.root", "root://host//b.root", None, PLAIN)
    assert (kind, a.name, b.path) == ("file", "a.root", "root://host//b.root")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("local", "b.yaml"),
        ("a.root", "remote"),
        ("a.yaml", "b.root"),
        ("a.txt", "b.txt"),
        ("locale", "remote"),
    ],
)
def test_mixed_and_unknown_sides_are_refused(first, second):
    message = refused(first, second)
    assert f"{first} and {second} cannot be compared" in message
    assert "two workflows (.yaml)" in message


def test_all_faults_at_once():
    options = CompareOptions(events=3, repetitions=0, tolerance=-1.0, keep=Path("k"))
    lines = refused("a.root", "b.root", Path("c.yaml"), options).splitlines()
    assert lines == [
        "--repetitions 0: at least 1 is needed",
        "--tolerance -1.0: 0 or more is expected, such as 1e-4",
        "c.yaml: only local and remote are followed by a workflow",
        "--events, --repetitions, --keep: of no use where two files are compared",
    ]
    assert "tolerance" in refused("local", "local", None, CompareOptions(tolerance=float("nan")))


def test_servers_are_for_remote_inference():
    servers = CompareOptions(servers=["http://127.0.0.1:1"])
    assert "neither side is remote" in refused("local", "local", None, servers)
    assert sides("remote", "local", None, servers)
    assert sides("a.yaml", "b.yaml", None, servers)


def test_options_that_files_allow():
    assert sides("a.root", "b.root", None, CompareOptions(tolerance=0.1, as_json=True))


def test_the_sides_differ_in_the_place_of_inference(tmp_path):
    options = CompareOptions(
        events=3, assignments=["options.threads=1"], servers=["http://127.0.0.1:1"]
    )
    _, both = sides("local", "remote", None, options)
    a, b = (side.load(tmp_path / "x.root", options) for side in both)
    assert (a.inference.default, b.inference.default) == ("local", "remote")
    assert a.inference.servers == ()
    assert [server.url for server in b.inference.servers] == ["http://127.0.0.1:1"]
    for config in (a, b):
        assert config.input.events == 3
        assert config.options.threads == 1
        assert config.output.file == tmp_path / "x.root"


def test_workflows_with_other_input_are_refused(tmp_path):
    _, both = sides("a.yaml", "b.yaml", None, PLAIN)
    _, (local, _) = sides("local", "local", None, PLAIN)
    config = local.load(tmp_path / "x.root", PLAIN)
    refuse_other_inputs(both, [config, config])
    fewer = config.model_copy(update={"input": config.input.model_copy(update={"events": 5})})
    with pytest.raises(ConfigError) as error:
        refuse_other_inputs(both, [config, fewer])
    (file,) = config.input.files
    assert f"a.yaml: all events of {file}" in str(error.value)
    assert f"b.yaml: 5 events of {file}" in str(error.value)
    assert "--events" in str(error.value)
