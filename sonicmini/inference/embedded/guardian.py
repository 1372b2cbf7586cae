"""Starts a server for a parent process and ends it when the parent is gone, for whatever reason.

Run as a program of its own, ``python guardian.py FOLDER``, with a pipe from the parent as standard
input: its end of file is the parent's end, or its wish to stop; the byte ``d`` detaches the server
from the parent. ``FOLDER/launch.json`` says what to start. Standard library only, so that it is
small and starts at once; :func:`clear` is used by the package as well.
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any

_TICK_S = 0.2
_KILLED_S = 10.0
_PR_SET_PDEATHSIG = 1
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where Linux keeps it
_PROGRAMS = ("tritonserver", "triton_python_b")  # as the kernel cuts names
_LIBC = ctypes.CDLL(None)


def clear(folder: Path) -> None:
    """Ends what is left of a server whose guardian is gone, and removes its files."""
    try:
        launch = read_json(folder / "launch.json")
    except (OSError, ValueError):
        launch = {}
    if launch:
        for pid in _leftovers(launch["token"].encode()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _clean_up(launch)
    shutil.rmtree(folder, ignore_errors=True)


def read_json(path: Path) -> dict[str, Any]:
    """Reads what :func:`write_json` wrote."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Writes a file that is never seen half written."""
    fresh = path.with_suffix(".tmp")
    fresh.write_text(json.dumps(content), encoding="utf-8")
    fresh.replace(path)


def _leftovers(token: bytes) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):  # not a process, gone, or somebody else's
            if (entry / "comm").read_text().strip() in _PROGRAMS and token in (
                entry / "cmdline"
            ).read_bytes():
                found.append(int(entry.name))
    return found


def _clean_up(launch: dict[str, Any]) -> None:
    """Removes what a server leaves outside its folder."""
    if launch["end_command"]:
        subprocess.run(  # noqa: S603 - of our own making
            launch["end_command"], check=False, capture_output=True, stdin=subprocess.DEVNULL
        )
    for path in _SHARED_MEMORY.glob(f"{launch['token']}*"):
        path.unlink(missing_ok=True)


class _Guardian:
    """One server process from its start to its end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._launch = launch = read_json(folder / "launch.json")
        self._grace_s: float = launch["grace_s"]
        self._attached = True
        self._owner: int = launch["owner"]
        self._told_to_stop = False
        signal.signal(signal.SIGTERM, self._on_sigterm)
        # Ours would lead the server's own Python astray.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        with (folder / "log").open("ab") as log:
            self._server = subprocess.Popen(  # noqa: S603 - of our own making
                launch["command"],
                env=kept | launch["environment"],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - no other threads here
            )
        self._tell(None)

    def run(self) -> None:
        """Watches until the end, then leaves nothing (the log and state of a crashed one)."""
        crashed = False
        while not self._should_end():
            if not crashed and self._server.poll() is not None:
                crashed = True
                self._end_processes()
                self._tell(self._server.returncode)
            if crashed and not self._attached:
                for name in ("models", "backends", "tmp"):
                    shutil.rmtree(self._folder / name, ignore_errors=True)
                return
        self._end_processes()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _should_end(self) -> bool:
        if self._told_to_stop:
            return True
        if not self._attached:
            select.select([], [], [], _TICK_S)
            return False
        if os.getppid() != self._owner:  # another child of it may hold the pipe open
            return True
        if not select.select([0], [], [], _TICK_S)[0]:
            return False
        self._attached = os.read(0, 1) != b"d"
        return self._attached

    def _end_processes(self) -> None:
        grace_s = 0 if self._attached else self._grace_s  # the owner knows that it is done
        if grace_s and self._server.poll() is None:
            self._server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._server.wait(grace_s)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._server.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._server.wait(_KILLED_S)
        _clean_up(self._launch)

    def _tell(self, ended: int | None) -> None:
        content = {"guardian": os.getpid(), "server": self._server.pid, "ended": ended}
        write_json(self._folder / "processes.json", content)

    def _on_sigterm(self, _signal: int, _frame: FrameType | None) -> None:
        self._told_to_stop = True


def _die_with_parent() -> None:
    parent = os.getppid()
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _Guardian(Path(sys.argv[1])).run()
