"""Chunks in flight, output in input order."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from sonicmini.event import Chunk
from sonicmini.report import Report
from sonicmini.workers import Workers


class ChunkSource(Protocol):
    """Where chunks come from."""

    def chunks(self) -> Iterator[Chunk]:
        """Yields the chunks in input order."""
        ...


class ChunkSink(Protocol):
    """Where processed chunks go."""

    def write(self, chunk: Chunk) -> None:
        """Appends one chunk."""
        ...


class ChunkSelection(Protocol):
    """Which events are wanted."""

    def __call__(self, chunk: Chunk) -> Chunk:
        """The chunk without the others, with the products that are written."""
        ...


class ChunkSchedule(Protocol):
    """What is done with a chunk."""

    async def process(self, chunk: Chunk, report: Report) -> Chunk:
        """Adds products to the chunk."""
        ...


@dataclass(frozen=True, kw_only=True)
class EventProcessor:
    """The event loop: reads, processes up to ``streams`` chunks at a time, writes in order.

    Memory is bounded by ``streams``: a chunk is read only when one of the earlier ones is written.

    Attributes:
        skim: leaves events out before they are written; None writes all.
    """

    source: ChunkSource
    schedule: ChunkSchedule
    sink: ChunkSink
    workers: Workers
    streams: int
    skim: ChunkSelection | None = None

    async def warm_up(self) -> None:
        """Sends the first event through the modules, so that compilation is not timed as work."""
        chunk = await self.workers.run(partial(next, self.source.chunks(), None))
        if chunk is not None and chunk.size:
            products = {name: array[:1] for name, array in chunk.products.items()}
            first = Chunk(chunk.file, chunk.start, chunk.start + 1, products)
            processed = await self.schedule.process(first, Report())
            if self.skim is not None:
                await self.workers.run(partial(self.skim, processed))

    async def run(self, report: Report, advance: Callable[[int], None]) -> None:
        """Processes all chunks.

        Args:
            report: filled as chunks are written.
            advance: called with the number of events of each chunk written.

        Raises:
            SonicminiError: the first fault of any chunk; everything under way is stopped.
        """
        chunks = self.source.chunks()
        pending: deque[asyncio.Task[Chunk]] = deque()
        async with asyncio.TaskGroup() as group:
            while (chunk := await self._read(chunks, report)) is not None:
                pending.append(group.create_task(self.schedule.process(chunk, report)))
                del chunk  # or it would stay in memory while the next one is awaited
                if len(pending) == self.streams:
                    advance(await self._write(await pending.popleft(), report))
            while pending:
                advance(await self._write(await pending.popleft(), report))

    async def _read(self, chunks: Iterator[Chunk], report: Report) -> Chunk | None:
        with report.phase("source", "read"):
            return await self.workers.run(partial(next, chunks, None))

    async def _write(self, chunk: Chunk, report: Report) -> int:
        processed = chunk.size
        if self.skim is not None:
            with report.phase("skim", "select"):
                chunk = await self.workers.run(partial(self.skim, chunk))
        with report.phase("sink", "write"):
            await self.workers.run(partial(self.sink.write, chunk))
        report.events += processed
        report.events_written += chunk.size
        report.chunks += 1
        report.add_input(chunk.file, chunk.start, chunk.stop)
        return processed
