"""The same models in NVIDIA's container, for GPUs: apptainer, docker or podman run it."""

import functools
import hashlib
import os
import shutil
import tempfile
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from sonicmini.errors import ServerError
from sonicmini.inference.embedded.folders import cache_folder
from sonicmini.inference.embedded.launch import (
    LOOPBACK,
    Launch,
    Task,
    pick_ports,
    server_arguments,
)
from sonicmini.inference.embedded.options import ServerOptions
from sonicmini.inference.embedded.selftest import SELF_TEST_MODEL
from sonicmini.inference.embedded.server import EmbeddedServer, start_by
from sonicmini.inference.embedded.stage import served_models, stage
from sonicmini.inference.repository import Folders

_START_S = 1800.0
_DRIVER = Path("/dev/nvidiactl")
_GPU_FLAGS = {
    "apptainer": ["--nv"],
    "docker": ["--gpus", "all"],
    "podman": ["--device", "nvidia.com/gpu=all"],
}


@dataclass(frozen=True, kw_only=True)
class ContainerOptions:
    """How NVIDIA's container is run.

    Attributes:
        program: that runs it.
        image: with tritonserver and its onnxruntime backend; for apptainer also a file or folder.
        gpu: lets the models run on GPUs as their config.pbtxt says; None if a driver is here.
    """

    program: Literal["apptainer", "docker", "podman"]
    image: str = "nvcr.io/nvidia/tritonserver:24.10-py3"
    gpu: bool | None = None

    @property
    def uses_gpu(self) -> bool:
        """Whether GPUs are handed to the container."""
        return _DRIVER.exists() if self.gpu is None else self.gpu


def start_container(
    container: ContainerOptions,
    repository: Folders,
    options: ServerOptions | None = None,
    *,
    attached: bool = True,
    cancel: threading.Event | None = None,
) -> EmbeddedServer:
    """Starts NVIDIA's container on a model repository; see :func:`server.start`.

    Raises:
        ModelError: if a model is missing, damaged or not one for onnxruntime.
        ServerError: if the program is missing, or the server cannot start.
    """
    if shutil.which(container.program) is None:
        raise ServerError(
            f"{container.program} is not on the PATH: install it, or choose another of "
            f"{', '.join(_GPU_FLAGS)}"
        )
    options = options or ServerOptions()
    patient = replace(options, start_limit_s=options.start_limit_s or _START_S)
    launcher = functools.partial(_launch, container)
    return start_by(launcher, repository, patient, attached=attached, cancel=cancel)


def dry_run(
    container: ContainerOptions, repository: Folders, options: ServerOptions | None = None
) -> list[str]:
    """The command that :func:`start_container` would run, to be run by hand.

    The rewritten configurations that it mounts are kept in the user's cache.

    Raises:
        ModelError: if a model is missing, damaged or not one for onnxruntime.
        ServerError: if a given port is in use.
    """
    options = options or ServerOptions()
    models = served_models(repository, options.models)
    key = repr((models, options.instances, options.threads, container.uses_gpu))
    staged = cache_folder() / "staged" / hashlib.sha256(key.encode()).hexdigest()[:12]
    name = options.name or staged.name
    task = Task(staged, models, options, pick_ports(options), f"sonicmini-{name}")
    staged.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=staged.parent) as scratch:
        _stage(container, task, Path(scratch) / "models")
        shutil.rmtree(staged, ignore_errors=True)
        (Path(scratch) / "models").rename(staged)
    return _command(container, task, staged)


def _launch(container: ContainerOptions, task: Task) -> Launch:
    staged = task.folder / "models"
    _stage(container, task, staged)
    # Killing the client program does not end a container that a daemon or a monitor runs.
    ends = [] if container.program == "apptainer" else ["rm", "--force", _name(task)]
    end_command = [container.program, *ends] if ends else []
    return Launch(_command(container, task, staged), end_command=end_command)


def _stage(container: ContainerOptions, task: Task, target: Path) -> None:
    stage(
        task.models,
        target,
        instances=task.options.instances,
        threads=task.options.threads,
        gpu=container.uses_gpu,
    )
    stage([SELF_TEST_MODEL], target, instances=1, threads=1)


def _command(container: ContainerOptions, task: Task, staged: Path) -> list[str]:
    # At their own paths, so that the links in the staged folder hold inside as well.
    folders = (*task.repositories, SELF_TEST_MODEL, staged)
    mounts = [f"{folder}:{folder}:ro" for folder in folders]
    arguments = server_arguments(
        task.options, task.loaded, identity=task.identity, repository=staged
    )
    gpu = _GPU_FLAGS[container.program] if container.uses_gpu else []
    if container.program == "apptainer":
        return [
            *("apptainer", "exec", "--cleanenv", *gpu),
            *(word for mount in mounts for word in ("--bind", mount)),
            *(_apptainer_image(container.image), "tritonserver", *arguments),
            *(f"--{kind}-address={LOOPBACK}" for kind in ("http", "grpc", "metrics")),
            f"--http-port={task.ports.http}",
            f"--grpc-port={task.ports.grpc}",
            f"--metrics-port={task.ports.metrics}",
        ]
    published = zip(
        (task.ports.http, task.ports.grpc, task.ports.metrics), (8000, 8001, 8002), strict=True
    )
    return [
        *(container.program, "run", "--rm", "--name", _name(task), *gpu),
        *("--security-opt", "label=disable"),  # SELinux would hide the user's files
        *(word for out, into in published for word in ("--publish", f"{LOOPBACK}:{out}:{into}")),
        *(word for mount in mounts for word in ("--volume", mount)),
        *(container.image, "tritonserver", *arguments),
    ]


def _name(task: Task) -> str:
    return task.identity.strip("-")


def _apptainer_image(image: str) -> str:
    is_reference = "://" not in image and not os.path.lexists(image)
    return f"docker://{image}" if is_reference else image
