"""What carries requests up and answers down, of one connection."""

from abc import ABC, abstractmethod

from sonicmini.inference.proxy.connection import Connection


class Relay(ABC):
    """A protocol: knows where a request begins, and carries both directions."""

    def __init__(self, connection: Connection, first: bytes) -> None:
        """Takes the bytes of the client that told the protocol."""
        self._connection = connection
        self._first = first

    @abstractmethod
    async def requests(self) -> None:
        """Carries up all requests."""

    @abstractmethod
    async def answers(self) -> None:
        """Carries down all answers."""
