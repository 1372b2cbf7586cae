import io
import os
import signal
import tempfile

import pytest
from rich.console import Console

from sonicmini.inference.embedded import registry
from sonicmini.inference.embedded.container import ContainerOptions
from sonicmini.inference.embedded.folders import is_locked, servers_folder
from sonicmini.inference.embedded.options import ServerOptions
from sonicmini.inference.repository import ModelRepository
from sonicmini.resources import bundled
from sonicmini.server_view import (
    container_command,
    install_server,
    server_log,
    server_status,
    server_status_dict,
    start_server,
    stop_server,
)

MODELS = bundled("models")
NAMES = ModelRepository(MODELS).names()
ONE = ServerOptions(instances=1, name="mine")


@pytest.fixture(autouse=True)
def servers(tmp_path, monkeypatch):
    """The folder of running servers, apart from the user's."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield servers_folder()
    for state in registry.running():
        registry.stop(state.name)


def text(renderable):
    file = io.StringIO()
    Console(file=file, width=200).print(renderable)
    return file.getvalue()


def test_status_without_installation_and_servers(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    shown = text(server_status())
    assert shown.splitlines() == [
        "Triton: not installed: run `sonicmini server install`",
        "no server runs",
    ]
    assert server_status_dict() == {"installed": None, "servers": []}


def test_container_s_command_is_for_a_shell(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "my cache"))
    command = container_command(MODELS, ONE, ContainerOptions(program="docker", gpu=False))
    assert command.startswith("docker run --rm --name sonicmini-mine ")
    assert "\n" not in command
    assert f"'--model-repository={tmp_path}/my cache/" in command


@pytest.mark.triton
def test_installed_server_is_shown():
    assert "Triton is installed in" in text(install_server(force=False, progress=print))


@pytest.mark.triton
def test_server_from_start_to_stop():
    install_server(force=False, progress=print)
    shown = text(start_server(MODELS, ONE))
    assert "server mine: ready" in shown
    (server,) = server_status_dict()["servers"]
    assert server["condition"] == "ready"
    assert server["models"] == {name: str(MODELS / name) for name in NAMES}
    for part in (server["http"], server["grpc"], server["metrics"], server["log"]):
        assert part in shown
    assert shown in text(server_status())
    assert "Started Metrics Service" in server_log(None, 1)
    assert len(server_log("mine").splitlines()) > 5
    assert text(stop_server(None)) == "server mine: stopped\n"


@pytest.mark.triton
def test_server_that_freezes_or_crashes_is_shown(monkeypatch):
    monkeypatch.setattr("sonicmini.server_view._ASK_S", 0.2)
    install_server(force=False, progress=print)
    start_server(MODELS, ONE)
    (state,) = registry.running()
    os.kill(state.pid, signal.SIGSTOP)
    assert "server mine: does not answer" in text(server_status())
    os.kill(state.pid, signal.SIGKILL)
    while is_locked(state.log.with_name("lock")):
        pass
    assert "server mine: ended, signal 9" in text(server_status())
    assert text(stop_server("mine")) == "server mine: had ended before (signal 9), removed\n"
