import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from sonicmini.inference.http_faults import http_faults
from sonicmini.inference.wire_fault import Fault, WireError

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


async def ask(answer: Answer) -> None:
    """One request to a server that answers with these bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await answer(writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, aiohttp.ClientSession() as session:
        with http_faults():
            async with session.get(f"http://127.0.0.1:{port}/") as response:
                await response.read()


@pytest.mark.parametrize(
    ("sent", "fault", "cause"),
    [
        (b"", Fault.LOST, "the server closed the connection"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: applicati", Fault.LOST, "the server closed"),
        (b"\x93\x07,\xd8\n\n\xbeo" * 50, Fault.DAMAGED, "Bad status line"),
    ],
)
def test_causes_are_one_line_without_what_was_read(sent, fault, cause):
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        await writer.drain()

    with pytest.raises(WireError, match=cause) as caught:
        asyncio.run(ask(answer))
    assert caught.value.fault is fault
    assert len(str(caught.value)) < 60
    assert "\n" not in str(caught.value)
