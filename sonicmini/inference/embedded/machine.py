"""Whether this machine and this Python can run the server of the package index."""

import ctypes
import os
import platform
import sys
import sysconfig
from pathlib import Path

from sonicmini.errors import ServerError

_GLIBC = (2, 35)
_OLDEST, _NEWEST = (3, 11), (3, 13)
_BUNDLED = (3, 13)  # the wheel carries libpython of this version only
_CONTAINER = "or use `sonicmini server start --container`, or a server elsewhere"


def check_machine() -> None:
    """Checks that the server can run here.

    Raises:
        ServerError: lists what is missing and what to do about it.
    """
    faults = [*_platform_faults(), *_python_faults()]
    if faults:
        raise ServerError(
            "\n- ".join(["the embedded Triton server cannot run here:", *faults, _CONTAINER])
        )


def libpython_folder() -> Path | None:
    """Folder of the shared library of this Python; None if the system finds it by itself.

    Raises:
        ServerError: if there is none.
    """
    if sys.version_info[:2] == _BUNDLED:
        return None
    name = f"libpython3.{sys.version_info.minor}.so.1.0"
    libdir = Path(sysconfig.get_config_var("LIBDIR") or "/usr/lib")
    multiarch = sysconfig.get_config_var("MULTIARCH") or ""
    for folder in (libdir, libdir / multiarch, Path(sys.base_prefix) / "lib"):
        if (folder / name).is_file():
            return folder
    try:
        ctypes.CDLL(name)
    except OSError:
        raise ServerError(
            f"{name} is missing, the shared library of {sys.executable}: install it (Debian and "
            f"Ubuntu: apt install libpython3.{sys.version_info.minor}; pyenv: build with "
            "PYTHON_CONFIGURE_OPTS=--enable-shared; conda: has it)"
        ) from None
    return None


def _platform_faults() -> list[str]:
    system = f"{platform.system()} {platform.machine()}"
    if system != "Linux x86_64":
        return [f"this is {system}, it needs Linux x86_64"]
    library, version = platform.libc_ver()
    wanted = ".".join(map(str, _GLIBC))
    if library != "glibc" or tuple(map(int, version.split(".")[:2])) < _GLIBC:
        found = f"{library} {version}".strip() or "another C library"
        return [f"this is {found}, it needs glibc {wanted} or newer (Debian 12, Ubuntu 22.04)"]
    if not os.access("/dev/shm", os.W_OK):  # noqa: S108 - where Linux keeps it
        return ["the folder for shared memory cannot be written, it needs some"]
    return []


def _python_faults() -> list[str]:
    version = sys.version_info[:2]
    if not _OLDEST <= version <= _NEWEST:
        here = ".".join(map(str, version))
        return [f"this is Python {here}, it has parts for 3.11 to 3.13: install one of these"]
    try:
        libpython_folder()
    except ServerError as error:
        return [str(error)]
    return []
