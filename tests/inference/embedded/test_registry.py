import os
import signal
import subprocess
import sys
import threading

import pytest

from sonicmini.errors import ConfigError
from sonicmini.inference.embedded import registry
from sonicmini.inference.embedded.folders import is_locked
from sonicmini.inference.embedded.options import ServerOptions
from sonicmini.inference.embedded.server import start

ONE = ServerOptions(instances=1, models=["metsum"])


def test_no_server_runs_at_first(servers):
    assert registry.running() == []
    with pytest.raises(ConfigError, match=r"^no server runs$"):
        registry.stop()
    with pytest.raises(ConfigError, match="no server is named x; none runs"):
        registry.log_path("x")


def test_folder_of_a_start_that_was_killed_is_removed(servers):
    (servers / "halfway").mkdir()
    (servers / "halfway" / "lock").write_text("")
    assert registry.running() == []
    assert not (servers / "halfway").exists()


def test_folder_of_a_start_under_way_is_left_alone(servers):
    with registry.new_folder("mine") as (folder, _):
        assert registry.running() == []
        assert is_locked(folder / "lock")
        taken = pytest.raises(ConfigError, match="a server named mine runs already")
        with taken, registry.new_folder("mine"):
            pass
    assert registry.running() == []
    assert not folder.exists()


@pytest.mark.triton
def test_detached_server_outlives_its_owner_until_it_is_stopped(triton, servers, repository):
    code = """
import sys
from pathlib import Path
from sonicmini.inference.embedded.options import ServerOptions
from sonicmini.inference.embedded.server import start

start(Path(sys.argv[1]), ServerOptions(instances=1, name="lasting"), attached=False)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code, str(repository)], check=True)
    (state,) = registry.running()
    assert (state.name, state.alive, state.attached) == ("lasting", True, False)
    assert state.models == (repository / "jetsum", repository / "metsum")
    assert "Started HTTPService" in registry.log_path().read_text()
    assert registry.stop() == state
    assert registry.running() == []
    with pytest.raises(ProcessLookupError):
        os.kill(state.pid, 0)


@pytest.mark.triton
def test_servers_are_told_apart_by_name(triton, servers, repository):
    first = start(repository, ONE, attached=False)
    second = start(repository, ONE, attached=False)
    with pytest.raises(ConfigError, match="several servers run: name one of"):
        registry.stop()
    registry.stop(first.name)
    (left,) = registry.running()
    assert left.name == second.name
    with pytest.raises(
        ConfigError, match=f"no server is named {first.name}; there are {left.name}"
    ):
        registry.stop(first.name)


@pytest.mark.triton
def test_crashed_server_keeps_its_log_until_another_starts(triton, servers, repository, eventually):
    server = start(repository, ONE, attached=False)
    os.kill(server.pid, signal.SIGABRT)
    eventually(lambda: not is_locked(server.log.with_name("lock")))
    (state,) = registry.running()
    assert (state.alive, state.ended) == (False, -signal.SIGABRT)
    assert "Started HTTPService" in registry.log_path().read_text()
    with start(repository, ONE) as other:
        assert [state.name for state in registry.running()] == [other.name]


@pytest.mark.triton
def test_frozen_server_and_guardian_are_stopped_all_the_same(
    triton, servers, repository, monkeypatch
):
    monkeypatch.setattr(registry, "_STOP_S", 1.0)
    server = start(repository, ONE, attached=False)
    os.kill(server.pid, signal.SIGSTOP)
    os.kill(server.guardian_pid, signal.SIGSTOP)
    registry.stop()
    assert list(servers.glob("*")) == [servers / ".lock"]


@pytest.mark.triton
def test_two_starts_at_once_do_not_clash(triton, servers, repository):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(start(repository, ONE))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({server.http_url for server in found}) == 2
    for server in found:
        server.stop()
