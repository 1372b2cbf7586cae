"""Starts real Triton servers on this machine that never outlive who started them.

::

    with start(Path("models")) as server:
        ...  # server.http_url, server.grpc_url
"""

import contextlib
import datetime as dt
import functools
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

from sonicmini.errors import ServerError
from sonicmini.inference.embedded import guardian
from sonicmini.inference.embedded.install import installed
from sonicmini.inference.embedded.launch import (
    EXIT_S,
    LOOPBACK,
    Launch,
    Ports,
    Task,
    embedded_launch,
    pick_ports,
)
from sonicmini.inference.embedded.options import ServerOptions
from sonicmini.inference.embedded.ready import PortTakenError, await_ready
from sonicmini.inference.embedded.registry import discard, new_folder
from sonicmini.inference.embedded.stage import served_models
from sonicmini.inference.repository import Folders

Launcher: TypeAlias = Callable[[Task], Launch]
"""Prepares a server in its folder."""

_START_S = 120.0
_TRIES = 5
_GRACE_S = EXIT_S + 5.0
_STOP_S = 60.0


class EmbeddedServer:
    """A server that is ready, until :meth:`stop`.

    Attributes:
        name: among the running servers.
        http_url: ``http://127.0.0.1:PORT``, as ``grpc_url`` and ``metrics_url``.
        pid: of tritonserver.
        guardian_pid: of the process that ends it when this one is gone.
        log: what the server says; gone after the stop.
    """

    def __init__(self, task: Task, process: subprocess.Popen[bytes]) -> None:
        """Made by :func:`start`."""
        self.name = task.folder.name
        self.http_url, self.grpc_url, self.metrics_url = _urls(task.ports)
        self.log = task.folder / "log"
        self.guardian_pid = process.pid
        self.pid: int = guardian.read_json(task.folder / "processes.json")["server"]
        self._process = process
        self._folder = task.folder

    def alive(self) -> bool:
        """Whether the server still runs."""
        try:
            return guardian.read_json(self._folder / "processes.json")["ended"] is None
        except (OSError, ValueError):
            return False

    def stop(self) -> None:
        """Ends the server at once and removes its files; no requests should be under way."""
        _stop(self._process, self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start(
    repository: Folders,
    options: ServerOptions | None = None,
    *,
    attached: bool = True,
    cancel: threading.Event | None = None,
) -> EmbeddedServer:
    """Starts the server from the package index on a model repository; returns when it is ready.

    Args:
        repository: of the models; only read.
        options: how.
        attached: the server ends when this process ends, however that happens. Otherwise it goes
            on until ``registry.stop``.
        cancel: set by another thread to give up meanwhile.

    Raises:
        ModelError: if a model is missing, damaged or not one for onnxruntime.
        ServerError: if the server is not installed, cannot start or fails its self-test.
    """
    installation = installed()
    if installation is None:
        raise ServerError("Triton is not installed here: run `sonicmini server install`")
    launcher = functools.partial(embedded_launch, installation)
    return start_by(launcher, repository, options, attached=attached, cancel=cancel)


def start_by(
    launcher: Launcher,
    repository: Folders,
    options: ServerOptions | None = None,
    *,
    attached: bool = True,
    cancel: threading.Event | None = None,
) -> EmbeddedServer:
    """Starts a server in the given way; see :func:`start`."""
    options = options or ServerOptions()
    models = served_models(repository, options.models)
    for _ in range(_TRIES):
        ports = pick_ports(options)
        with new_folder(options.name) as (folder, lock):
            identity = f"sonicmini-{folder.name}-{secrets.token_hex(4)}-"
            limit_s = options.start_limit_s or _START_S
            task = Task(folder, models, options, ports, identity, limit_s)
            try:
                process = _launch(task, launcher(task), lock, attached=attached)
            except BaseException:
                guardian.clear(folder)
                raise
        try:
            await_ready(task, process, cancel or threading.Event())
            server = EmbeddedServer(task, process)
            if not attached:
                _detach(process)
        except PortTakenError:
            _stop(process, folder)
            if not options.has_free_ports:
                raise
        except BaseException:
            _stop(process, folder)
            raise
        else:
            return server
    raise ServerError(f"no free ports in {_TRIES} tries: give some")


def _launch(task: Task, launch: Launch, lock: int, *, attached: bool) -> subprocess.Popen[bytes]:
    http_url, grpc_url, metrics_url = _urls(task.ports)
    state = {
        "name": task.folder.name,
        "owner_pid": os.getpid(),
        "attached": attached,
        "http_url": http_url,
        "grpc_url": grpc_url,
        "metrics_url": metrics_url,
        "models": list(map(str, task.models)),
        "started": dt.datetime.now(dt.UTC).isoformat(),
    }
    guardian.write_json(task.folder / "state.json", state)
    content = {
        "command": launch.command,
        "environment": launch.environment,
        "end_command": launch.end_command,
        "token": task.identity,
        "owner": os.getpid(),
        "grace_s": _GRACE_S,
    }
    guardian.write_json(task.folder / "launch.json", content)
    with (task.folder / "log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, "-I", guardian.__file__, str(task.folder)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=[lock],
            start_new_session=True,  # Ctrl-C is for the owner, which then stops the server
        )


def _urls(ports: Ports) -> tuple[str, str, str]:
    return (
        f"http://{LOOPBACK}:{ports.http}",
        f"grpc://{LOOPBACK}:{ports.grpc}",
        f"http://{LOOPBACK}:{ports.metrics}/metrics",
    )


def _detach(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.write(b"d")
        process.stdin.close()
    process.returncode = 0  # no longer ours to wait for


def _stop(process: subprocess.Popen[bytes], folder: Path) -> None:
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    discard(folder)
