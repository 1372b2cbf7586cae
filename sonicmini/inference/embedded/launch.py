"""What is run: the command line and environment of the server from the package index."""

import contextlib
import os
import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sonicmini.errors import ServerError
from sonicmini.inference.embedded.install import backend_folder, server_program, site_packages
from sonicmini.inference.embedded.machine import libpython_folder
from sonicmini.inference.embedded.options import ServerOptions, usable_cores
from sonicmini.inference.embedded.selftest import SELF_TEST_MODEL
from sonicmini.inference.embedded.stage import SELF_TEST, stage

LOOPBACK = "127.0.0.1"
_MODEL = Path(__file__).with_name("model.py")
EXIT_S = 3
"""Seconds that the server gives requests under way when it is told to stop."""


@dataclass(frozen=True)
class Ports:
    """Where a server listens, on loopback."""

    http: int
    grpc: int
    metrics: int


@dataclass(frozen=True)
class Task:
    """A server to be started.

    Attributes:
        folder: of its own, empty.
        models: their folders, checked.
        identity: unique to it, what it says that it is; names of its shared memory begin so.
        limit_s: to be ready.
    """

    folder: Path
    models: tuple[Path, ...]
    options: ServerOptions
    ports: Ports
    identity: str
    limit_s: float = 120.0

    @property
    def repositories(self) -> list[Path]:
        """Of the models, each once."""
        return list(dict.fromkeys(folder.parent for folder in self.models))

    @property
    def loaded(self) -> list[str]:
        """Names of all models that the server loads at its start."""
        return [*(folder.name for folder in self.models), SELF_TEST]


@dataclass(frozen=True)
class Launch:
    """What a guardian is to run.

    Attributes:
        environment: what differs from this process's.
        end_command: ends and removes what killing the command does not; empty for nothing.
    """

    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    end_command: list[str] = field(default_factory=list)


def pick_ports(options: ServerOptions) -> Ports:
    """Takes the given ports and free ones for the others.

    Raises:
        ServerError: if a given port is in use.
    """
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(_bound(port)).getsockname()[1] for port in options.ports]
    return Ports(*found)


def _bound(port: int | None) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # A connection of a former server that has not quite ended yet is no obstacle.
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((LOOPBACK, port or 0))
    except OSError as error:
        opened.close()
        raise ServerError(
            f"port {port} of {LOOPBACK} cannot be had: {error.strerror}; choose another, or none"
        ) from error
    return opened


def server_arguments(
    options: ServerOptions, models: Sequence[str], *, identity: str, repository: Path | str
) -> list[str]:
    """Arguments that the server takes wherever it runs.

    Args:
        options: what the user chose.
        models: to load at the start.
        identity: what the server says that it is, to tell it from another at the same port.
        repository: the staged models, as the server sees them.
    """
    arguments = [f"--id={identity}", f"--model-repository={repository}"]
    arguments.append(f"--exit-timeout-secs={EXIT_S}")
    if options.model_control == "explicit":
        arguments += ["--model-control-mode=explicit", *(f"--load-model={m}" for m in models)]
    return arguments


def embedded_launch(installation: Path, task: Task) -> Launch:
    """Prepares the server from the package index in the task's folder."""
    options, folder, ports = task.options, task.folder, task.ports
    models = folder / "models"
    stage(
        task.models,
        models,
        instances=options.instances or usable_cores(),
        threads=options.threads,
    )
    stage([SELF_TEST_MODEL], models, instances=1, threads=1)
    _prepare_backends(installation, folder / "backends")
    (folder / "tmp").mkdir()
    command = [
        str(server_program(installation)),
        *server_arguments(options, task.loaded, identity=task.identity, repository=models),
        f"--http-address={LOOPBACK}",
        f"--grpc-address={LOOPBACK}",
        f"--metrics-address={LOOPBACK}",
        f"--http-port={ports.http}",
        f"--grpc-port={ports.grpc}",
        f"--metrics-port={ports.metrics}",
        f"--backend-directory={folder / 'backends'}",
        f"--backend-config=python,shm-region-prefix-name={task.identity}",
        "--disable-auto-complete-config",
        "--allow-gpu-metrics=false",
        "--pinned-memory-pool-byte-size=0",
    ]
    return Launch(command, _environment(installation, folder))


def _prepare_backends(installation: Path, target: Path) -> None:
    """Lays out Triton's own backend for Python, and ours that runs onnxruntime in it."""
    (target / "onnxruntime").mkdir(parents=True)
    (target / "python").symlink_to(backend_folder(installation))
    shutil.copy(_MODEL, target / "onnxruntime" / "model.py")


def _environment(installation: Path, folder: Path) -> dict[str, str]:
    """The first ``python3`` of the path is the one that runs our backend."""
    libraries = [str(site_packages(installation).joinpath("nvidia_pytriton.libs"))]
    if libpython := libpython_folder():
        libraries.append(str(libpython))
    if inherited := os.environ.get("LD_LIBRARY_PATH"):
        libraries.append(inherited)
    return {
        "PATH": f"{installation / 'bin'}:{os.environ.get('PATH', os.defpath)}",
        "LD_LIBRARY_PATH": ":".join(libraries),
        "TMPDIR": str(folder / "tmp"),
        "CUDA_VISIBLE_DEVICES": "",  # it runs on the CPU: no use for a part of a GPU's memory
    }
