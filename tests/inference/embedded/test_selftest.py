import http.server
import socket
import threading

import numpy as np
import onnxruntime as ort
import pytest

from sonicmini.errors import ServerError, UnavailableError
from sonicmini.inference.embedded.selftest import (
    SELF_TEST_MODEL,
    compare,
    known_tensors,
    self_test,
)
from sonicmini.inference.repository import ModelRepository

LOOPBACK = "127.0.0.1"


@pytest.fixture
def serve():
    """Starts an http server that gives one answer to all; returns its port."""
    started = []

    def start(status, body=b"", headers=()):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        server = http.server.HTTPServer((LOOPBACK, 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        started.append((server, thread))
        return server.server_port

    yield start
    for server, thread in started:
        server.shutdown()
        thread.join()
        server.server_close()


def test_model_is_what_its_config_says_and_returns_all_types_unchanged():
    spec = ModelRepository(SELF_TEST_MODEL.parent).spec(SELF_TEST_MODEL.name)
    sent = known_tensors(5)
    assert {f"in_{name}": array.dtype for name, array in sent.items()} == {
        tensor.name: tensor.dtype for tensor in spec.inputs
    }
    session = ort.InferenceSession(spec.path, providers=["CPUExecutionProvider"])
    outputs = session.run(
        [f"out_{name}" for name in sent], {f"in_{name}": array for name, array in sent.items()}
    )
    assert compare(sent, dict(zip(sent, outputs, strict=True))) == []


def test_known_tensors_are_unlike_each_other():
    tensors = known_tensors(5)
    del tensors["BOOL"]
    assert len({tuple(array.ravel().tolist()) for array in tensors.values()}) == len(tensors)


def test_every_difference_is_named():
    sent = known_tensors(1)
    received = dict(sent)
    del received["INT8"]
    received["FP32"] = np.zeros_like(sent["FP32"])
    received["INT64"] = sent["INT64"].astype(np.int32)
    received["FP64"] = sent["FP64"].reshape(1, 2, 3)
    faults = "; ".join(compare(sent, received))
    assert faults == (
        "INT8 is missing; INT64 came back as int32[2, 1, 3]; "
        "FP32 5.5 came back as 0.0; FP64 came back as float64[1, 2, 3]"
    )


def test_refusal_is_told(serve):
    with pytest.raises(ServerError, match="the server answers 400: no such model"):
        self_test(LOOPBACK, serve(400, b"no such model"), 5)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"no json", [("Inference-Header-Content-Length", "7")]),
        (b"{}", [("Inference-Header-Content-Length", "2")]),
        (b"{}", []),
    ],
)
def test_unusable_answer_is_told(serve, body, headers):
    with pytest.raises(ServerError, match="unusable answer"):
        self_test(LOOPBACK, serve(200, body, headers), 5)


def test_no_answer_is_told():
    with socket.socket() as silent:
        silent.bind((LOOPBACK, 0))  # and does not listen
        port = silent.getsockname()[1]
        with pytest.raises(UnavailableError, match=f"self-test of the server at 127.0.0.1:{port}"):
            self_test(LOOPBACK, port, 5)
