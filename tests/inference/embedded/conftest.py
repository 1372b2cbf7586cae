"""Servers of their own folder, none of which outlives its test."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sonicmini.inference.embedded import guardian, registry
from sonicmini.inference.embedded.folders import servers_folder
from sonicmini.inference.embedded.install import install

_BOUND_S = 30.0


@pytest.fixture(scope="session")
def triton() -> Path:
    """The installation in the user's cache, made if it is missing."""
    return install()


@pytest.fixture
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of running servers, apart from the user's, also for programs started here."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield servers_folder()
    for state in registry.running():
        registry.stop(state.name)


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], None]:
    """Waits until something holds; fails after a bound that no busy machine reaches."""

    def wait(holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + _BOUND_S
        while not holds():
            assert time.monotonic() < deadline, "never happened"
            time.sleep(0.02)

    return wait


@pytest.fixture
def traces() -> Callable[[str], list[str]]:
    """Lists what is there of a server by its token: processes and shared memory."""

    def find(token: str) -> list[str]:
        found = [str(path) for path in guardian._SHARED_MEMORY.glob(f"{token}*")]
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and int(entry.name) != os.getpid():
                try:
                    command = (entry / "cmdline").read_bytes().decode(errors="replace")
                except OSError:
                    continue
                if token in command:
                    found.append(command.replace("\0", " "))
        return found

    return find
