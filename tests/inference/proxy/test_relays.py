"""What goes through the proxy stays as it is, whatever the protocol, until a fault is wanted."""

import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from sonicmini.inference.proxy.faults import (
    BlackHole,
    Cut,
    Freeze,
    Garbage,
    GoAway,
    NanScores,
    Refuse,
    Reset,
    Script,
    ShortTensor,
    Status,
    WrongShape,
)
from sonicmini.inference.proxy.line import Cable
from sonicmini.inference.proxy.threaded import Proxy

LARGE = bytes(range(256)) * 12_000


class _Anything(grpc.GenericRpcHandler):  # type: ignore[misc]
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda request, _: request)


@pytest.fixture(scope="module")
def grpc_echo() -> Iterator[int]:
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((_Anything(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(None).wait()


class Grpc:
    def __init__(self, port):
        self.channel = grpc.insecure_channel(
            f"127.0.0.1:{port}",
            options=[
                ("grpc.use_local_subchannel_pool", 1),
                ("grpc.initial_reconnect_backoff_ms", 20),
                ("grpc.min_reconnect_backoff_ms", 20),
                ("grpc.max_reconnect_backoff_ms", 20),
                ("grpc.enable_retries", 0),
            ],
        )

    def ask(self, data, timeout_s=10.0):
        return self.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")(
            data, timeout=timeout_s
        )


@pytest.fixture
def grpc_proxy(grpc_echo) -> Iterator[tuple[Proxy, Grpc]]:
    with Proxy("127.0.0.1", grpc_echo) as proxy:
        client = Grpc(proxy.port)
        yield proxy, client
        client.channel.close()


def test_grpc_passes(grpc_proxy):
    proxy, client = grpc_proxy
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(client.ask, [LARGE] * 8)) == [LARGE] * 8
    assert client.ask(b"health") == b"health"
    counters = proxy.counters()
    assert (counters.connections, counters.requests, counters.infer_requests) == (1, 9, 8)


def test_grpc_waits_for_a_long_cable(grpc_proxy):
    proxy, client = grpc_proxy
    proxy.set_cable(Cable(delay_s=0.05))
    assert client.ask(LARGE) == LARGE


BREAKS = [
    (Refuse(), "UNAVAILABLE"),
    (Refuse(for_s=0.01), "UNAVAILABLE"),
    (Reset(), "UNAVAILABLE"),
    (Reset(20_000), "UNAVAILABLE"),
    (Reset(100, of="request"), "UNAVAILABLE"),
    (Cut(), "UNAVAILABLE"),
    (Cut(20_000), "UNAVAILABLE"),
    (Cut(10**9), "UNAVAILABLE"),
    (Garbage(), "UNKNOWN"),
    (GoAway(), "UNAVAILABLE"),
    (BlackHole(), "DEADLINE_EXCEEDED"),
    (Freeze(), "DEADLINE_EXCEEDED"),
    (Freeze(for_s=60), "DEADLINE_EXCEEDED"),
]


@pytest.mark.parametrize(("fault", "code"), BREAKS, ids=str)
def test_grpc_breaks_and_heals(grpc_echo, fault, code):
    with Proxy("127.0.0.1", grpc_echo) as proxy:
        client = Grpc(proxy.port)
        assert client.ask(LARGE) == LARGE
        proxy.set(fault)
        assert isinstance(fault, Refuse | Freeze) or client.ask(b"health") == b"health"
        with pytest.raises(grpc.RpcError) as caught:
            client.ask(LARGE, 0.5 if code == "DEADLINE_EXCEEDED" else 10)
        assert caught.value.code().name == code
        assert proxy.counters().injected[fault.name] > 0
        client.channel.close()
        proxy.set(None)
        client = Grpc(proxy.port)
        assert client.ask(LARGE) == LARGE
        client.channel.close()


def test_grpc_is_refused_without_harm_to_the_connection(grpc_proxy):
    """More bytes than HTTP/2 lets a client send on credit."""
    proxy, client = grpc_proxy
    proxy.set(Script((Status(429), Status(503), *[Status(500)] * 20)))
    codes = []
    for _ in range(22):
        with pytest.raises(grpc.RpcError) as caught:
            client.ask(LARGE)
        codes.append(caught.value.code().name)
    assert codes == ["RESOURCE_EXHAUSTED", "UNAVAILABLE", *["INTERNAL"] * 20]
    assert client.ask(LARGE) == LARGE
    counters = proxy.counters()
    assert (counters.connections, counters.injected) == (1, {"Status": 22})


def test_grpc_answers_that_are_none_of_kserves_stay_as_they_are(grpc_proxy):
    proxy, client = grpc_proxy
    for fault in (NanScores(), WrongShape(), ShortTensor()):
        proxy.set(fault, only_infer=False)
        for data in (b"", b"hello", bytes(range(256)) * 100):
            assert client.ask(data) == data
    assert proxy.counters().faults == 0


def test_bytes_of_an_unknown_protocol_pass_and_break(echo):
    with (
        Proxy("127.0.0.1", echo) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as connection,
    ):
        for _ in range(3):
            connection.sendall(b"\x16hello")
            assert connection.recv(100) == b"\x16hello"
        assert proxy.counters().requests == 3
        proxy.set(Script((None, Cut(2))))
        connection.sendall(b"fine")
        assert connection.recv(100) == b"fine"
        connection.sendall(b"broken")
        assert connection.recv(100) == b"br"
        assert connection.recv(100) == b""
        assert proxy.counters().injected == {"Cut": 1}


def test_half_closed_connections_are_answered(echo):
    with (
        Proxy("127.0.0.1", echo, cable=Cable(delay_s=0.05)) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as connection,
    ):
        connection.sendall(b"last words")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b"last words"
        assert connection.recv(100) == b""


REQUEST = b"POST /v2/models/toy/infer HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
CONVERSATIONS = {
    "chunked answer": (
        REQUEST,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ),
    "until closed": (REQUEST, b"HTTP/1.1 200 OK\r\n\r\nabc"),
    "no content": (REQUEST, b"HTTP/1.1 204 No Content\r\n\r\n"),
    "in between": (
        REQUEST,
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
    ),
    "head": (b"HEAD / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"),
    "pipelined": (2 * REQUEST, 2 * b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"),
    "chunked request": (
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
    ),
    "unasked": (b"GET / HTTP/1.1\r\n\r\n", 3 * b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"),
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_http_passes_as_it_is(name):
    request, answer = CONVERSATIONS[name]
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            connection, _ = listener.accept()
            with connection:
                while len(b"".join(received)) < len(request):
                    received.append(connection.recv(1000))
                connection.sendall(answer)

        server = threading.Thread(target=serve)
        server.start()
        with (
            Proxy("127.0.0.1", listener.getsockname()[1]) as proxy,
            socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as connection,
        ):
            connection.sendall(request)
            parts = []
            while part := connection.recv(1000):
                parts.append(part)
        server.join()
    assert b"".join(received) == request
    assert b"".join(parts) == answer


def test_tls_passes(tmp_path):
    """The proxy cannot read it, and still carries it."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_server(("127.0.0.1", 0)) as listener:
        heard = []

        def serve():
            connection, _ = listener.accept()
            with connection:
                heard.append(connection.recv(1000))
                connection.sendall(heard[0])

        server = threading.Thread(target=serve)
        server.start()
        with (
            Proxy("127.0.0.1", listener.getsockname()[1]) as proxy,
            socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as connection,
            pytest.raises(ssl.SSLError),  # its own greeting comes back
        ):
            context.wrap_socket(connection)
        server.join()
    assert heard[0][:1] == b"\x16"
