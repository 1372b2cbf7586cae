"""What an altered answer looks like, for tensors in binary and in JSON, packed or not."""

import gzip
import json
import zlib

import numpy as np
import pytest

from sonicmini.inference.proxy.faults import NanScores, ShortTensor, Status, WrongShape
from sonicmini.inference.proxy.http1 import edited, parse, refusal
from tests.inference.proxy.conftest import SCORES, infer_answer, scores


def in_json():
    output = {"name": "score", "datatype": "FP32", "shape": [5, 2], "data": SCORES.ravel().tolist()}
    return json.dumps({"outputs": [output]}).encode()


def answer(body, **headers):
    lines = [f"{name}: {value}" for name, value in headers.items()]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode(), body


def split(message):
    head, _, body = message.partition(b"\r\n\r\n")
    return 200, parse(head).headers, body


def test_head_of_a_request():
    head = parse(
        b"POST /v2/models/toy/versions/1/infer?a=b HTTP/1.1\r\nContent-LENGTH:  12 \r\n\r\n"
    )
    assert (head.method, head.is_infer, head.length, head.is_chunked) == ("POST", True, 12, False)
    assert not parse(b"POST /v2/models/infer/load HTTP/1.1\r\n\r\n").is_infer
    assert not parse(b"GET /infer HTTP/1.1\r\n\r\n").is_infer
    chunked = parse(
        b"POST /infer HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
    )
    assert chunked.length is None


@pytest.mark.parametrize("line", [b"", b"\r\n", b"nonsense\r\n\r\n", b"HTTP/1.1\r\nx\r\n:\r\n\r\n"])
def test_nonsense_is_no_error(line):
    head = parse(line)
    assert (head.is_infer, head.length, head.status) == (False, None, 0)


@pytest.mark.parametrize("code", [429, 500, 503])
def test_refusal_is_an_answer_of_triton(code):
    head, _, body = refusal(Status(code, 7)).partition(b"\r\n\r\n")
    parsed = parse(head)
    assert (parsed.status, parsed.length, parsed.headers["retry-after"]) == (code, len(body), "7")
    assert "error" in json.loads(body)
    assert "retry-after" not in parse(refusal(Status(code)).partition(b"\r\n\r\n")[0]).headers


@pytest.mark.parametrize(
    ("name", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("", bytes)]
)
def test_packed_answers_are_altered_too(name, pack):
    start, tail = infer_answer()
    headers = {"Inference-Header-Content-Length": len(start)}
    if name:
        headers["Content-Encoding"] = name
    message = edited(NanScores(), *answer(pack(start + tail), **headers))
    assert message is not None
    assert np.isnan(scores(split(message))).all()


@pytest.mark.parametrize(
    ("fault", "shape", "values"),
    [
        (WrongShape(), [1, 5, 2], SCORES.ravel()),
        (ShortTensor(8), [5, 2], SCORES.ravel()[:8]),
        (NanScores(), [5, 2], np.full(10, np.nan)),
    ],
)
def test_tensors_in_json(fault, shape, values):
    message = edited(fault, *answer(in_json()))
    assert message is not None
    _, headers, body = split(message)
    (output,) = json.loads(body)["outputs"]
    assert int(headers["content-length"]) == len(body)
    assert "inference-header-content-length" not in headers
    assert output["shape"] == shape
    np.testing.assert_array_equal(output["data"], values)


@pytest.mark.parametrize("body", [b"", b"ready", b"{}", b"[1]", b'{"outputs": []}', b"\xff\x00"])
def test_answers_without_tensors_stay_as_they_are(body):
    for fault in (NanScores(), WrongShape(), ShortTensor()):
        assert edited(fault, *answer(body)) is None
