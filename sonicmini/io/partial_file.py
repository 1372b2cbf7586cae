"""A file that appears under its name only when it is whole."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from sonicmini.errors import OutputError


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turns what the operating system refuses into an error that names the output.

    Raises:
        OutputError: instead of any ``OSError`` of the body.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise OutputError(f"{path}: cannot be written: {reason}; nothing is left behind") from error


class PartialFile:
    """A file under construction, in the folder where it will stand.

    Its temporary name starts with a dot and ends in ``.partial``, so that no pattern of finished
    files matches what a killed process leaves.

    Args:
        path: where the file appears when it is published.
        overwrite: whether a file that stands there already is replaced, at the very end.

    Raises:
        OutputError: the folder is missing or not writable, or the path is taken.
    """

    def __init__(self, path: Path, *, overwrite: bool = False) -> None:
        self.path = path
        self._overwrite = overwrite
        self._refuse_taken()
        if not path.parent.is_dir():
            raise OutputError(f"{path}: the folder {path.parent} does not exist; create it first")
        self.partial = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(3)}.partial")
        with output_errors(path):
            self.handle: BinaryIO = self.partial.open("x+b")

    def publish(self) -> None:
        """Brings the content to disk and gives the file its name.

        Raises:
            OutputError: the disk is full, or somebody else made the file in the meantime.
        """
        try:
            with output_errors(self.path):
                self.handle.flush()
                os.fsync(self.handle.fileno())
                self.handle.close()
                self._rename()
                self._sync_folder()
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Removes the unfinished file; does nothing once it is published."""
        with suppress(OSError):  # what could not be written cannot be flushed either
            self.handle.close()
        with suppress(OSError):
            self.partial.unlink(missing_ok=True)

    def _refuse_taken(self) -> None:
        if self.path.is_dir():
            raise OutputError(f"{self.path} is a folder; give the name of a file")
        if not self._overwrite and (self.path.exists() or self.path.is_symlink()):
            raise OutputError(f"{self.path} exists already; choose another name or use --overwrite")

    def _rename(self) -> None:
        if not self._overwrite:
            try:
                # Unlike a rename this fails if the name was taken in the meantime.
                self.path.hardlink_to(self.partial)
            except FileExistsError:
                self._refuse_taken()
                raise
            except OSError:  # file systems without hard links
                self._refuse_taken()
            else:
                self.partial.unlink()
                return
        self.partial.replace(self.path)

    def _sync_folder(self) -> None:
        with suppress(OSError):  # some network file systems refuse it; the file itself is safe
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
