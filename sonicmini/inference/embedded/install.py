"""The server's own environment: the wheel of Triton, with the numpy that its parts were built for.

In the user's cache, made by pip from the package index; nothing of it is imported here.
"""

import importlib.metadata
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from sonicmini.errors import ServerError
from sonicmini.inference.embedded.folders import cache_folder, locked
from sonicmini.inference.embedded.machine import check_machine

VERSION = "0.7.0"
"""Of the package nvidia-pytriton, which carries Triton 2.51.0."""

_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_TAIL = 8
# These would send packages elsewhere, or take those of elsewhere for installed.
_FOREIGN = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_CONSTRAINT", "PYTHONHOME")


def install(*, force: bool = False, progress: Callable[[str], None] | None = None) -> Path:
    """Makes the server's environment in the user's cache, about 330 MB, unless it is there.

    Args:
        force: makes it again.
        progress: is told what is being done.

    Returns:
        Its folder.

    Raises:
        ServerError: if the server cannot run here or pip fails.
    """
    tell = progress or (lambda _: None)
    check_machine()
    folder = _folder()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with locked(folder.with_name(f".{folder.name}.lock")):
            found = installed()
            if found is None or force:
                _replace(folder, tell)
    except OSError as error:
        raise ServerError(f"{folder} cannot be made: {error}; set XDG_CACHE_HOME") from error
    return folder


def installed() -> Path | None:
    """Folder of the server's environment for this Python, None if it is not installed."""
    folder = _folder()
    parts = (server_program(folder), folder / "bin" / "python3", backend_folder(folder))
    return folder if all(part.exists() for part in parts) else None


def site_packages(folder: Path) -> Path:
    """Packages of the server's environment."""
    return folder / "lib" / f"python{_PYTHON}" / "site-packages"


def server_program(folder: Path) -> Path:
    """The tritonserver program."""
    return site_packages(folder) / "pytriton" / "tritonserver" / "bin" / "tritonserver"


def backend_folder(folder: Path) -> Path:
    """Triton's Python backend, with the stub of this Python."""
    return folder / "backends" / "python"


def _folder() -> Path:
    return cache_folder() / f"triton-{VERSION}-py{_PYTHON}"


def _replace(folder: Path, tell: Callable[[str], None]) -> None:
    """Makes it under a temporary name, so that half of it is never taken for the whole."""
    for stale in folder.parent.glob(f".{folder.name}-*"):  # of an installation that was killed
        shutil.rmtree(stale, ignore_errors=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        fresh = scratch / "new"
        _make(fresh, tell)
        if folder.exists():
            folder.rename(scratch / "old")
        fresh.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    tell(f"installed in {folder}")


def _make(folder: Path, tell: Callable[[str], None]) -> None:
    tell(f"making a Python {_PYTHON} environment")
    _run([sys.executable, "-m", "venv", str(folder)], "its package venv (Debian: python3-venv)")
    pip = [str(folder / "bin" / "python3"), "-I", "-m", "pip", "install", "--no-input", "--quiet"]
    tell("installing numpy and onnxruntime")
    _run([*pip, *_requirements()], "a package index that pip can reach")
    tell(f"installing Triton (nvidia-pytriton {VERSION}, 55 MB)")
    _run([*pip, "--no-deps", f"nvidia-pytriton=={VERSION}"], "a package index that pip can reach")
    triton = site_packages(folder) / "pytriton" / "tritonserver"
    backend = backend_folder(folder)
    shutil.copytree(triton / "backends" / "python", backend)
    stub = triton / "python_backend_stubs" / _PYTHON / "triton_python_backend_stub"
    shutil.copy(stub, backend)
    for program in (backend / stub.name, server_program(folder)):
        program.chmod(program.stat().st_mode | stat.S_IXUSR)


def _requirements() -> list[str]:
    # Python 3.13 has no numpy 1; the backend then avoids what goes wrong with numpy 2.
    numpy = "numpy<2" if sys.version_info < (3, 13) else "numpy>=2"
    try:
        # The same version as here, so that both give the same scores.
        return [numpy, f"onnxruntime=={importlib.metadata.version('onnxruntime')}"]
    except importlib.metadata.PackageNotFoundError:
        return [numpy, "onnxruntime"]


def _run(command: list[str], needs: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    environment["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    done = subprocess.run(  # noqa: S603 - of our own making
        command,
        env=environment,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode:
        lines = [line for line in done.stdout.splitlines() if line.strip()][-_TAIL:]
        raise ServerError(
            "\n".join([f"installing Triton failed, it needs {needs}; the last words were:", *lines])
        )
