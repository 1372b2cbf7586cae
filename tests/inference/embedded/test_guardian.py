import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sonicmini.inference.embedded import registry
from sonicmini.inference.embedded.options import ServerOptions
from sonicmini.inference.embedded.server import start

OWNER = """
import json, os, sys, time
from pathlib import Path
from sonicmini.inference.embedded.options import ServerOptions
from sonicmini.inference.embedded.server import start

server = start(Path(sys.argv[1]), ServerOptions(instances=2))
if sys.argv[2] == "forks" and os.fork() == 0:
    os.close(1)
    os.read(0, 1)  # holds the pipe to the guardian open until the test ends
    os._exit(0)
print(json.dumps([server.pid, server.guardian_pid, str(server.log.parent)]), flush=True)
time.sleep(600)
"""


def token_of(folder: Path) -> str:
    token = json.loads((folder / "launch.json").read_text())["token"]
    assert isinstance(token, str)
    return token


@pytest.fixture
def own(triton, servers, repository):
    """Runs a program that owns a server; gives it, the server's two processes and folder."""
    started = []

    def run(how="simply"):
        owner = subprocess.Popen(
            [sys.executable, "-c", OWNER, str(repository), how],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(owner)
        assert owner.stdout is not None
        pid, guardian_pid, folder = json.loads(owner.stdout.readline())
        return owner, pid, guardian_pid, Path(folder)

    yield run
    for owner in started:
        owner.kill()
        owner.communicate()


@pytest.mark.triton
@pytest.mark.parametrize("how", ["simply", "forks"])
@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_the_owner(own, traces, eventually, how, signal_number):
    owner, _, _, folder = own(how)
    token = token_of(folder)
    assert len(traces(token)) == 1 + 5 + 5  # server; stubs and their memory
    owner.send_signal(signal_number)
    eventually(lambda: not traces(token) and not folder.exists())


@pytest.mark.triton
def test_nothing_outlives_a_frozen_server_s_owner(own, traces, eventually):
    owner, pid, _, folder = own()
    token = token_of(folder)
    os.kill(pid, signal.SIGSTOP)
    owner.kill()
    eventually(lambda: not traces(token) and not folder.exists())


@pytest.mark.triton
def test_server_dies_with_its_guardian_and_the_next_look_removes_the_rest(own, traces, eventually):
    _, _, guardian_pid, folder = own()
    token = token_of(folder)
    os.kill(guardian_pid, signal.SIGKILL)
    eventually(lambda: not any("tritonserver" in trace for trace in traces(token)))
    assert registry.running() == []
    assert not folder.exists()
    eventually(lambda: traces(token) == [])


@pytest.mark.triton
def test_owner_removes_what_a_killed_guardian_left(triton, servers, repository, traces, eventually):
    with start(repository, ServerOptions(instances=1)) as server:
        folder = server.log.parent
        token = token_of(folder)
        os.kill(server.guardian_pid, signal.SIGKILL)
    assert not folder.exists()
    eventually(lambda: traces(token) == [])


@pytest.mark.triton
def test_crash_of_the_server_leaves_no_stubs(triton, servers, repository, traces, eventually):
    with start(repository, ServerOptions(instances=1)) as server:
        assert server.alive()
        token = token_of(server.log.parent)
        os.kill(server.pid, signal.SIGKILL)
        eventually(lambda: not server.alive() and traces(token) == [])
        assert server.log.exists()
    assert list(servers.glob("*")) == [servers / ".lock"]
