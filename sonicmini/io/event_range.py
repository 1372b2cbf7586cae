"""Which events of which file."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EventRange:
    """Events ``[start, stop)`` of a file; a stop of None is the file's last event."""

    file: str
    start: int = 0
    stop: int | None = None

    def __str__(self) -> str:
        return f"{self.file}[{self.start}:{'' if self.stop is None else self.stop}]"
