"""Servers for the tests of clients: canned bytes over real sockets, certificates, TLS in front."""

import asyncio
import contextlib
import socket
import ssl
import struct
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

Behaviour: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Canned:
    """A running server; remembers what it was asked.

    Attributes:
        requests: heads and bodies of http requests, in order.
        connections: number of them, ever.
    """

    def __init__(self, behaviour: Behaviour | bytes) -> None:
        self.behaviour = behaviour
        self.requests: list[tuple[str, bytes]] = []
        self.connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            if isinstance(self.behaviour, bytes):
                await self._answer(reader, writer, self.behaviour)
            else:
                await self.behaviour(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: bytes
    ) -> None:
        while request := await read_request(reader):
            self.requests.append(request)
            writer.write(answer)
            await writer.drain()
            if b"Connection: close" in answer:
                return


@contextlib.asynccontextmanager
async def canned(
    behaviour: Behaviour | bytes, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Canned]:
    """Runs a server that does this with each connection; bytes are the answer to each request."""
    server = Canned(behaviour)
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(asyncio.CancelledError):
            await server.serve(reader, writer)
        tasks.discard(task)

    listener = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listener.wait_closed()


async def read_request(reader: asyncio.StreamReader) -> tuple[str, bytes] | None:
    """Head and body of the next http request; None at the end."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    except asyncio.IncompleteReadError:
        return None
    size = next((line for line in head.splitlines() if line.startswith("content-length:")), ":0")
    return head, await reader.readexactly(int(size.partition(":")[2]))


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    """An http answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes each connection at once."""


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Resets each connection when something comes."""
    await reader.read(100)
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads and says nothing, until the client goes away."""
    while await reader.read(1 << 16):
        pass


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers a byte at a time, without end."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


def forward_to(port: int) -> Behaviour:
    """Passes everything on to another port: with TLS in front, a proxy that terminates it."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))
        finally:
            inner_writer.close()

    return forward


class Certificates:
    """A certificate authority with a certificate for 127.0.0.1 and localhost, and one for a client.

    Attributes:
        ca: certificate of the authority.
        stranger: certificate of another authority.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ca = self._authority("ca")
        self.stranger = self._authority("stranger")
        names = "subjectAltName=IP:127.0.0.1,DNS:localhost"
        self.server, self.server_key = self._signed("server", names)
        self.elsewhere, self.elsewhere_key = self._signed("elsewhere", "subjectAltName=DNS:other")
        self.client, self.client_key = self._signed("client", "extendedKeyUsage=clientAuth")

    def context(self, *, wants_client: bool = False, elsewhere: bool = False) -> ssl.SSLContext:
        """For a server: one that wants a client's certificate, or one with another host's name."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        if elsewhere:
            context.load_cert_chain(self.elsewhere, self.elsewhere_key)
        else:
            context.load_cert_chain(self.server, self.server_key)
        context.set_alpn_protocols(["h2", "http/1.1"])
        if wants_client:
            context.load_verify_locations(self.ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _authority(self, name: str) -> Path:
        certificate = self._folder / f"{name}.pem"
        self._openssl(
            *("req", "-x509", "-subj", f"/CN={name}", "-days", "2", "-out", str(certificate)),
            *self._new_key(name),
        )
        return certificate

    def _signed(self, name: str, extension: str) -> tuple[Path, Path]:
        request, extensions = self._folder / f"{name}.csr", self._folder / f"{name}.ext"
        certificate = self._folder / f"{name}.pem"
        extensions.write_text(extension)
        self._openssl("req", "-subj", f"/CN={name}", "-out", str(request), *self._new_key(name))
        self._openssl(
            *("x509", "-req", "-in", str(request), "-CA", str(self.ca), "-days", "2"),
            *("-CAkey", str(self._folder / "ca.key"), "-CAcreateserial"),
            *("-extfile", str(extensions), "-out", str(certificate)),
        )
        return certificate, self._folder / f"{name}.key"

    def _new_key(self, name: str) -> tuple[str, ...]:
        key = str(self._folder / f"{name}.key")
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key)

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(
            ["openssl", *arguments],  # noqa: S607 - wherever it is
            check=True,
            capture_output=True,
        )
