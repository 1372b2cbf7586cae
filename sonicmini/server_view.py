"""What ``sonicmini server install|start|stop|status|logs`` do and show."""

import http.client
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sonicmini.inference.embedded.container import ContainerOptions, dry_run, start_container
from sonicmini.inference.embedded.install import install, installed
from sonicmini.inference.embedded.options import ServerOptions
from sonicmini.inference.embedded.registry import ServerState, log_path, running, stop
from sonicmini.inference.embedded.server import start
from sonicmini.inference.repository import Folders

_ASK_S = 2.0


def install_server(*, force: bool, progress: Callable[[str], None]) -> RenderableType:
    """Installs the server in the user's cache.

    Args:
        force: again, if it is there.
        progress: is told what is being done.

    Raises:
        ServerError: it cannot run here, or pip fails.
    """
    return Text(f"Triton is installed in {install(force=force, progress=progress)}")


def start_server(
    repository: Folders,
    options: ServerOptions,
    *,
    container: ContainerOptions | None = None,
) -> RenderableType:
    """Starts a server that goes on until it is stopped, and shows it.

    Args:
        repository: of the models.
        options: of the server.
        container: to run NVIDIA's; None runs the one from the package index.

    Raises:
        ModelError: a model is missing, damaged or not one for onnxruntime.
        ServerError: the server cannot start.
    """
    if container is not None:
        server = start_container(container, repository, options, attached=False)
    else:
        server = start(repository, options, attached=False)
    return Group(*(_server(state) for state in running() if state.name == server.name))


def container_command(
    repository: Folders, options: ServerOptions, container: ContainerOptions
) -> str:
    """The command line that :func:`start_server` would run for a container, for a shell.

    Raises:
        ModelError: a model is missing, damaged or not one for onnxruntime.
    """
    return shlex.join(dry_run(container, repository, options))


def stop_server(name: str | None) -> RenderableType:
    """Stops a server by its name, or the only one.

    Raises:
        ConfigError: there is no such server, or more than one and no name.
    """
    state = stop(name)
    what = "stopped" if state.alive else f"had ended before ({_how_ended(state)}), removed"
    return Text(f"server {state.name}: {what}")


def server_status() -> RenderableType:
    """Shows the installation and the user's servers on this machine."""
    folder = installed()
    where = f"in {folder}" if folder else "not installed: run `sonicmini server install`"
    states = running()
    servers = [_server(state) for state in states] or [Text("no server runs")]
    return Group(Text(f"Triton: {where}"), *servers)


def server_status_dict() -> dict[str, Any]:
    """The same for programs."""
    folder = installed()
    return {
        "installed": None if folder is None else str(folder),
        "servers": [
            {
                "name": state.name,
                "condition": _condition(state),
                "pid": state.pid,
                "http": state.http_url,
                "grpc": state.grpc_url,
                "metrics": state.metrics_url,
                "models": {folder.name: str(folder) for folder in state.models},
                "started": state.started.isoformat(timespec="seconds"),
                "attached": state.attached,
                "log": str(state.log),
            }
            for state in running()
        ],
    }


def server_log(name: str | None, lines: int | None = None) -> str:
    """What a server has logged: its last lines, or all.

    Raises:
        ConfigError: there is no such server, or more than one and no name.
    """
    content = log_path(name).read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(content if lines is None else content[max(0, len(content) - lines) :])


def _server(state: ServerState) -> RenderableType:
    since = state.started.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    rows = {
        "http": state.http_url,
        "grpc": state.grpc_url,
        "metrics": state.metrics_url,
        "models": "\n".join(
            f"{', '.join(names)} of {repository}" for repository, names in _models(state).items()
        ),
        "process": f"{state.pid}, started {since}",
        "log": str(state.log),
    }
    if state.attached:
        rows["ends with"] = f"process {state.owner_pid}"
    for heading, value in rows.items():
        table.add_row(Text(f"  {heading}"), Text(value))
    return Group(Text(f"server {state.name}: {_condition(state)}", style="bold"), table)


def _models(state: ServerState) -> dict[Path, list[str]]:
    """Names of the models by the repository that each is of."""
    names: dict[Path, list[str]] = {}
    for folder in state.models:
        names.setdefault(folder.parent, []).append(folder.name)
    return names


def _condition(state: ServerState) -> str:
    if not state.alive:
        return f"ended, {_how_ended(state)}"
    connection = http.client.HTTPConnection(urlsplit(state.http_url).netloc, timeout=_ASK_S)
    try:
        connection.request("GET", "/v2/health/ready")
        ready = connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException) as error:
        return f"does not answer ({error!r})"
    finally:
        connection.close()
    return "ready" if ready else "not ready"


def _how_ended(state: ServerState) -> str:
    status = state.ended or 0
    return f"signal {-status}" if status < 0 else f"exit status {status}"
