"""How the simulation tells how far it is; it shows nothing itself."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

Progress: TypeAlias = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Opens a bar with a description and a total; gives the function that advances it."""


@contextmanager
def no_progress(description: str, total: int) -> Iterator[Callable[[int], None]]:  # noqa: ARG001
    """Shows nothing."""
    yield lambda _: None
