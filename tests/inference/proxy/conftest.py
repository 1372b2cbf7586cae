"""Small servers behind the proxy: one of KServe's protocol over http, one that echoes bytes."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from sonicmini.inference.proxy.threaded import Proxy

SCORES = np.arange(10, dtype=np.float32).reshape(5, 2)


def infer_answer() -> tuple[bytes, bytes]:
    """JSON header and binary tail of an answer with an integer and a float output."""
    labels = np.arange(5, dtype=np.int64)
    outputs = [
        {
            "name": name,
            "datatype": kind,
            "shape": list(array.shape),
            "parameters": {"binary_data_size": array.nbytes},
        }
        for name, kind, array in (("label", "INT64", labels), ("score", "FP32", SCORES))
    ]
    content = json.dumps({"model_name": "toy", "outputs": outputs})
    return content.encode(), labels.tobytes() + SCORES.tobytes()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        self._answer(b"ready")

    def do_POST(self):
        size = int(self.headers.get("Content-Length", 0))
        self.rfile.read(size)
        start, tail = infer_answer()
        self._answer(start + tail, **{"Inference-Header-Content-Length": str(len(start))})

    def _answer(self, body, **headers):
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class _Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[int]:
    server.daemon_threads = True  # type: ignore[attr-defined]
    setattr(server, "handle_error", lambda *_: None)  # noqa: B010 connections break here
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Http:
    """A client with one connection that stays open, as those of Triton have."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=10)

    def infer(self, body: bytes = b"x" * 1000):
        return self._ask("POST", "/v2/models/toy/infer", body)

    def ready(self):
        return self._ask("GET", "/v2/health/ready", None)

    def hurry(self, timeout_s: float) -> None:
        self._connection.timeout = timeout_s
        if self._connection.sock is not None:
            self._connection.sock.settimeout(timeout_s)

    def close(self) -> None:
        self._connection.close()

    def _ask(self, method, path, body):
        try:
            self._connection.request(method, path, body)
            answer = self._connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        except Exception:
            self._connection.close()
            raise


def scores(answer) -> np.ndarray:
    """The second output of an answer; refuses one whose sizes do not fit together."""
    _, headers, body = answer
    headers = {name.lower(): value for name, value in headers.items()}
    assert int(headers["content-length"]) == len(body)
    size = int(headers["inference-header-content-length"])
    label, score = json.loads(body[:size])["outputs"]
    start = size + label["parameters"]["binary_data_size"]
    part = body[start : start + score["parameters"]["binary_data_size"]]
    return np.frombuffer(part, np.float32).reshape(score["shape"])


@pytest.fixture
def kserve() -> Iterator[int]:
    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), _Handler)) as port:
        yield port


@pytest.fixture
def echo() -> Iterator[int]:
    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo)) as port:
        yield port


@pytest.fixture
def proxy(kserve) -> Iterator[Proxy]:
    with Proxy("127.0.0.1", kserve) as proxy:
        yield proxy


@pytest.fixture
def http(proxy) -> Iterator[Http]:
    client = Http(proxy.port)
    yield client
    client.close()
