"""Reading what a server counts after it has answered."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

_READS = 6
_PAUSE_S = 0.01


async def settled(read: Callable[[], Awaitable[T]]) -> T:
    """Reads until two readings in a row are the same, but only a few times.

    Triton counts a request after the answer is out: what is read right after an answer may lack
    it. On a server that others use, too, the numbers never stand still.
    """
    last = await read()
    for _ in range(_READS - 1):
        await asyncio.sleep(_PAUSE_S)
        now = await read()
        if now == last:
            break
        last = now
    return last
