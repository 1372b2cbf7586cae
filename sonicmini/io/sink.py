"""What the event loop writes to."""

from collections.abc import Mapping
from typing import Any, Protocol

from sonicmini.event import Chunk


class Sink(Protocol):
    """Where processed chunks go. It ends in ``finish`` or in ``abort``."""

    def write(self, chunk: Chunk) -> None:
        """Appends a chunk; chunks come in input order, one at a time."""
        ...

    def finish(self, provenance: Mapping[str, Any]) -> None:
        """Completes the output, with what is to be known of how it was made."""
        ...

    def abort(self) -> None:
        """Removes what was written; does nothing after ``finish``."""
        ...
