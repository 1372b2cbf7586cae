"""Where the server is installed, and where running servers keep what they need."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sonicmini.errors import ServerError


def cache_folder() -> Path:
    """The user's cache of this package: ``$XDG_CACHE_HOME`` or ``~/.cache``, ``/sonicmini``."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(given) if given.startswith("/") else Path.home() / ".cache"
    return base / "sonicmini"


def servers_folder() -> Path:
    """The user's folder of running servers, on this machine only, readable by nobody else.

    Raises:
        ServerError: if it belongs to somebody else or cannot be made.
    """
    folder = Path(tempfile.gettempdir()) / f"sonicmini-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        owner = folder.lstat()
        if folder.is_symlink() or owner.st_uid != os.getuid() or owner.st_mode & 0o077:
            raise ServerError(f"{folder} is not yours alone: remove it or set TMPDIR")
        servers = folder / "servers"
        servers.mkdir(exist_ok=True)
    except OSError as error:
        raise ServerError(f"{folder} cannot be made: {error}; set TMPDIR") from error
    return servers


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keeps other processes out meanwhile; the kernel opens the lock of one that dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock; False if there is none."""
    try:
        with path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
