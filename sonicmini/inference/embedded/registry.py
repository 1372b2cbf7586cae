"""The user's servers on this machine: each has a folder, locked while its guardian lives."""

import contextlib
import datetime as dt
import fcntl
import os
import secrets
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sonicmini.errors import ConfigError, ServerError, nearest
from sonicmini.inference.embedded import guardian
from sonicmini.inference.embedded.folders import is_locked, locked, servers_folder

_STOP_S = 30.0
_POLL_S = 0.05


@dataclass(frozen=True, kw_only=True)
class ServerState:
    """A server that was started here.

    Attributes:
        pid: of tritonserver, or of the program that runs its container.
        guardian_pid: of the process that ends it.
        owner_pid: of the process that started it.
        attached: whether it ends together with its owner.
        models: their folders.
        started: when, with time zone.
        alive: whether it runs; a detached server that has crashed keeps its log until it is
            stopped by name or another one starts.
        ended: exit status of one that does not; negative for a signal.
    """

    name: str
    pid: int
    guardian_pid: int
    owner_pid: int
    attached: bool
    http_url: str
    grpc_url: str
    metrics_url: str
    models: tuple[Path, ...]
    started: dt.datetime
    alive: bool
    ended: int | None
    log: Path


def running() -> list[ServerState]:
    """Servers of this user on this machine, oldest first; leftovers of dead ones are removed."""
    with _exclusive() as folder:
        _sweep(folder, keep_crashed=True)
        states = [_state(path) for path in folder.iterdir() if path.is_dir()]
    return sorted((state for state in states if state), key=lambda state: state.started)


def stop(name: str | None = None) -> ServerState:
    """Stops a server and waits for its end.

    Args:
        name: None for the only detached one.

    Raises:
        ConfigError: if there is no such server, or more than one and no name.
        ServerError: if it does not end.
    """
    state = _find(name)
    lock = state.log.with_name("lock")
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        if is_locked(lock):
            with contextlib.suppress(ProcessLookupError):
                os.kill(state.guardian_pid, signal_number)
            _wait_until_unlocked(lock)
    with _exclusive():
        if is_locked(lock):
            raise ServerError(f"server {state.name} does not end: look at process {state.pid}")
        guardian.clear(lock.parent)
    return state


def log_path(name: str | None = None) -> Path:
    """Log of a server, by default of the only detached one.

    Raises:
        ConfigError: if there is no such server, or more than one and no name.
    """
    return _find(name).log


@contextlib.contextmanager
def new_folder(name: str | None) -> Iterator[tuple[Path, int]]:
    """Makes the folder of a new server; gives it and its locked file, which a guardian inherits.

    Raises:
        ConfigError: if the name is taken.
    """
    with _exclusive() as servers:
        _sweep(servers, keep_crashed=False)
        folder = servers / (name or secrets.token_hex(3))
        try:
            folder.mkdir()
        except FileExistsError:
            raise ConfigError(
                f"a server named {folder.name} runs already: stop it or choose another name"
            ) from None
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield folder, lock
    finally:
        os.close(lock)


def discard(folder: Path) -> None:
    """Removes a server whose guardian has ended, or was killed."""
    with _exclusive():
        if not is_locked(folder / "lock"):
            guardian.clear(folder)


@contextlib.contextmanager
def _exclusive() -> Iterator[Path]:
    folder = servers_folder()
    with locked(folder / ".lock"):
        yield folder


def _sweep(servers: Path, *, keep_crashed: bool) -> None:
    """Removes what guardians that were killed could not; and crashed servers, if told to."""
    for folder in servers.iterdir():
        if folder.is_dir() and not is_locked(folder / "lock"):
            state = _state(folder)
            crashed = state is not None and state.ended is not None and not state.attached
            if not (crashed and keep_crashed):
                guardian.clear(folder)


def _state(folder: Path) -> ServerState | None:
    """None for one that is just being started, or was when it was killed."""
    try:
        given = guardian.read_json(folder / "state.json")
        processes = guardian.read_json(folder / "processes.json")
        return ServerState(
            pid=processes["server"],
            guardian_pid=processes["guardian"],
            alive=processes["ended"] is None,
            ended=processes["ended"],
            models=tuple(map(Path, given.pop("models"))),
            started=dt.datetime.fromisoformat(given.pop("started")),
            log=folder / "log",
            **given,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _find(name: str | None) -> ServerState:
    states = running()
    if name is None:
        detached = [state for state in states if not state.attached]
        if len(detached) == 1:
            return detached[0]
        names = ", ".join(state.name for state in detached)
        raise ConfigError(
            f"several servers run: name one of {names}" if detached else "no server runs"
        )
    for state in states:
        if state.name == name:
            return state
    known = [state.name for state in states]
    listed = f"; there are {', '.join(known)}" if known else "; none runs"
    raise ConfigError(f"no server is named {name}{nearest(name, known) or listed}")


def _wait_until_unlocked(lock: Path) -> None:
    deadline = time.monotonic() + _STOP_S
    while is_locked(lock) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
