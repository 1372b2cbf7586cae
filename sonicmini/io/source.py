"""What the event loop reads from."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from sonicmini.event import Chunk


@dataclass(frozen=True)
class EventRange:
    """Events ``[start, stop)`` of a file; a stop of None is the file's last event."""

    file: str
    start: int = 0
    stop: int | None = None

    def __str__(self) -> str:
        return f"{self.file}[{self.start}:{'' if self.stop is None else self.stop}]"


class Source(Protocol):
    """Where chunks come from.

    Attributes:
        produces: the products of each chunk.
        entries: number of events in all chunks together.
        ranges: the events that are read, by file, in input order.
    """

    @property
    def produces(self) -> Collection[str]: ...  # noqa: D102

    @property
    def entries(self) -> int: ...  # noqa: D102

    @property
    def ranges(self) -> Sequence[EventRange]: ...  # noqa: D102

    def chunks(self) -> Iterator[Chunk]:
        """Yields the chunks in input order; may be called again to start anew."""
        ...
