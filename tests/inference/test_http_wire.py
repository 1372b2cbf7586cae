"""Over http: whatever a server or the line does ends in a fault that says what it was."""

import asyncio
import gzip
import json
import zlib

import numpy as np
import pytest

from sonicmini.inference.access import Access
from sonicmini.inference.address import ServerAddress
from sonicmini.inference.http_wire import HttpWire
from sonicmini.inference.wire import Slot, WireOptions, WireRequest
from sonicmini.inference.wire_fault import Fault, WireError
from tests.inference.servers import (
    answer,
    canned,
    closed_port,
    drip,
    hang_up,
    read_request,
    reset,
    stay_silent,
)

INPUTS = {"x": np.arange(6, dtype="f4").reshape(3, 2)}
REQUEST = WireRequest(model="met", version="", inputs=INPUTS, outputs=["y"])
JSON_ANSWER = json.dumps(
    {"outputs": [{"name": "y", "datatype": "FP32", "shape": [3, 1], "data": [1, 2, 3]}]}
).encode()


def binary_answer(size=12, datatype="FP32", shape=(3, 1), head_size=None, data=None):
    """A good answer with binary data, and whatever differs from it."""
    output = {"name": "y", "datatype": datatype, "shape": shape}
    head = json.dumps({"outputs": [{**output, "parameters": {"binary_data_size": size}}]}).encode()
    body = head + (np.arange(3, dtype="f4").tobytes() if data is None else data)
    length = f"Inference-Header-Content-Length: {len(head) if head_size is None else head_size}"
    return answer("200 OK", body, length)


def wire_to(port, access=None, **options):
    address = ServerAddress.parse(f"http://127.0.0.1:{port}")
    return HttpWire(address, access or Access(), WireOptions(**options))


def ask(behaviour, call=lambda wire: wire.infer(REQUEST), **options):
    """What a call to such a server gives, and the server."""

    async def run():
        async with canned(behaviour) as server:
            wire = wire_to(server.port, **options)
            try:
                return await call(wire), server
            finally:
                await wire.close()

    return asyncio.run(run())


def fault(behaviour, call=lambda wire: wire.infer(REQUEST), **options):
    with pytest.raises(WireError) as raised:
        ask(behaviour, call, **options)
    return raised.value


def test_binary_and_json_answers_are_understood():
    outputs, _ = ask(binary_answer())
    assert outputs["y"].tolist() == [[0], [1], [2]]
    outputs, _ = ask(answer("200 OK", JSON_ANSWER))
    assert outputs["y"].tolist() == [[1], [2], [3]]
    assert outputs["y"].dtype == np.float32


def test_outputs_that_are_not_there_are_left_out():
    outputs, _ = ask(answer("200 OK", JSON_ANSWER.replace(b'"y"', b'"z"')))
    assert outputs == {}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        ("400 Bad Request", b'{"error": "unexpected shape"}', Fault.REFUSED),
        ("400 Bad Request", b'{"error": "Request for unknown model: met"}', Fault.MODEL),
        ("401 Unauthorized", b"", Fault.DENIED),
        ("401 Unauthorized", b"Model met not found", Fault.DENIED),
        ("403 Forbidden", b"<html>no</html>", Fault.DENIED),
        ("404 Not Found", b'{"error": "Request for unknown model: met"}', Fault.MODEL),
        ("404 Not Found", b'{"error": "Model met not found"}', Fault.MODEL),
        ("404 Not Found", b'{"error": "Model with name met does not exist."}', Fault.MODEL),
        ("404 Not Found", b'{"detail": "Not Found"}', Fault.MODEL),
        ("405 Method Not Allowed", b"", Fault.ABSENT),
        ("407 Proxy Authentication Required", b"", Fault.DENIED),
        ("408 Request Timeout", b"", Fault.SILENT),
        ("413 Content Too Large", b"", Fault.TOO_LARGE),
        ("415 Unsupported Media Type", b"", Fault.UNREADABLE),
        ("422 Unprocessable Content", b'{"detail": [{"loc": ["x"]}]}', Fault.UNREADABLE),
        ("425 Too Early", b"", Fault.BUSY),
        ("429 Too Many Requests", b"slow down", Fault.BUSY),
        ("500 Internal Server Error", b'{"error": "Stub process is not healthy"}', Fault.MODEL),
        ("500 Internal Server Error", b"oops", Fault.FAILED),
        ("500 Error", b'{"error": "Unable to open shared memory region: x"}', Fault.REGION),
        ("501 Not Implemented", b"", Fault.ABSENT),
        ("502 Bad Gateway", b"<html>", Fault.FAILED),
        ("503 Service Unavailable", b"", Fault.BUSY),
        ("503 Service Unavailable", b"shared memory region", Fault.BUSY),
        ("504 Gateway Timeout", b"", Fault.SILENT),
        ("599 Odd", b"[]", Fault.FAILED),
        ("307 Temporary Redirect", b"", Fault.REFUSED),
    ],
)
def test_status_tells_the_fault(status, body, expected):
    error = fault(answer(status, body))
    assert error.fault is expected
    assert status.split()[0] in error.cause


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (hang_up, Fault.LOST),
        (reset, Fault.LOST),
        (b"not http at all\r\n\r\n", Fault.DAMAGED),
        (b"\x00\xff" * 2000, Fault.DAMAGED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", Fault.DAMAGED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nConnection: close\r\n\r\n{", Fault.DAMAGED),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Le", Fault.LOST),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n9\r\n{",
            Fault.DAMAGED,
        ),
        (answer("200 OK", b"no gzip", "Content-Encoding: gzip"), Fault.DAMAGED),
        (answer("200 OK", b""), Fault.DAMAGED),
        (answer("200 OK", b"garbage"), Fault.DAMAGED),
        (answer("200 OK", b"[]"), Fault.DAMAGED),
        (answer("200 OK", b'{"outputs": null}'), Fault.DAMAGED),
        (answer("200 OK", b'{"outputs": [{"name": "y"}]}'), Fault.DAMAGED),
        (answer("200 OK", JSON_ANSWER.replace(b"[1, 2, 3]", b"[1, 2]")), Fault.DAMAGED),
        (answer("200 OK", JSON_ANSWER.replace(b"[1, 2, 3]", b'["a", 2, 3]')), Fault.DAMAGED),
        (binary_answer(data=b"\x00" * 8), Fault.DAMAGED),
        (binary_answer(data=b""), Fault.DAMAGED),
        (binary_answer(data=b"\x00" * 16), Fault.DAMAGED),
        (binary_answer(size=8), Fault.DAMAGED),
        (binary_answer(size=0), Fault.DAMAGED),
        (binary_answer(size=-4), Fault.DAMAGED),
        (binary_answer(size="12"), Fault.DAMAGED),
        (binary_answer(shape=(4, 1)), Fault.DAMAGED),
        (binary_answer(shape=None), Fault.DAMAGED),
        (binary_answer(shape=(-1, 1)), Fault.DAMAGED),
        (binary_answer(datatype="FP99"), Fault.DAMAGED),
        (binary_answer(head_size=7), Fault.DAMAGED),
        (binary_answer(head_size="many"), Fault.DAMAGED),
        (binary_answer(head_size=10_000), Fault.DAMAGED),
    ],
)
def test_damage_is_a_fault(behaviour, expected):
    assert fault(behaviour).fault is expected


def test_nobody_there_is_a_fault():
    async def run():
        wire = wire_to(closed_port())
        try:
            await wire.infer(REQUEST)
        finally:
            await wire.close()

    with pytest.raises(WireError, match=r"^no connection: Connection refused$") as raised:
        asyncio.run(run())
    assert raised.value.fault is Fault.LOST


@pytest.mark.parametrize("behaviour", [stay_silent, drip])
def test_connection_without_an_answer_in_time_is_not_used_again(behaviour):
    async def run():
        async with canned(behaviour) as server:
            wire = wire_to(server.port)
            for _ in range(2):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await wire.infer(REQUEST)
            connections = server.connections
            server.behaviour = binary_answer()
            outputs = await wire.infer(REQUEST)
            await wire.close()
            return connections, outputs

    connections, outputs = asyncio.run(run())
    assert connections == 2
    assert outputs["y"].shape == (3, 1)


def test_cancellation_passes():
    async def run():
        async with canned(stay_silent) as server:
            wire = wire_to(server.port)
            task = asyncio.create_task(wire.infer(REQUEST))
            while not server.connections:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await wire.close()

    asyncio.run(run())


def test_connections_are_kept():
    async def run():
        async with canned(binary_answer()) as server:
            wire = wire_to(server.port)
            for _ in range(3):
                await wire.infer(REQUEST)
            await wire.close()
            return server.connections

    assert asyncio.run(run()) == 1


def test_request_has_path_headers_and_binary_tensors():
    access = Access(bearer_token="abc", headers={"X-Key": "1"})  # noqa: S106 - a test's own
    request = WireRequest(model="a b/ö", version="7", inputs=INPUTS, outputs=["y"])
    _, server = ask(binary_answer(), lambda wire: wire.infer(request), access=access)
    ((head, body),) = server.requests
    lines = head.splitlines()
    assert lines[0].startswith("post /v2/models/a%20b%2f%c3%b6/versions/7/infer ")
    assert "authorization: bearer abc" in lines
    assert "x-key: 1" in lines
    assert "accept-encoding: identity" in lines
    size = int(next(line for line in lines if "inference-header" in line).partition(":")[2])
    tensors = json.loads(body[:size])
    assert tensors["inputs"][0]["shape"] == [3, 2]
    assert tensors["outputs"] == [{"name": "y", "parameters": {"binary_data": True}}]
    assert body[size:] == INPUTS["x"].tobytes()


def test_inputs_in_shared_memory_are_not_sent():
    request = WireRequest(
        model="met",
        version="",
        inputs=INPUTS,
        outputs=["y"],
        slots={"x": Slot("r", 64, 24)},
    )
    _, server = ask(binary_answer(), lambda wire: wire.infer(request))
    parameters = json.loads(server.requests[0][1])["inputs"][0]["parameters"]
    assert parameters == {
        "shared_memory_region": "r",
        "shared_memory_byte_size": 24,
        "shared_memory_offset": 64,
    }


@pytest.mark.parametrize(
    ("method", "expand", "compress"),
    [("gzip", gzip.decompress, gzip.compress), ("deflate", zlib.decompress, zlib.compress)],
)
def test_both_directions_are_compressed_if_wanted(method, expand, compress):
    reply = answer("200 OK", compress(JSON_ANSWER), f"Content-Encoding: {method}")
    outputs, server = ask(reply, compression=method)
    head, body = server.requests[0]
    assert outputs["y"].tolist() == [[1], [2], [3]]
    assert f"content-encoding: {method}" in head
    assert f"accept-encoding: {method}" in head
    assert expand(body).endswith(INPUTS["x"].tobytes())


def test_server_without_binary_tensors_is_asked_in_json_from_then_on():
    inputs = {"x": np.array([[0.1, 1e-38], [3e38, -1]], "f4"), "flag": np.array([[True], [False]])}
    request = WireRequest(model="met", version="", inputs=inputs, outputs=["y"])

    async def no_binary(reader, writer):
        while found := await read_request(reader):
            asked.append(found)
            binary = "inference-header" in found[0]
            reply = answer("422 Unprocessable") if binary else answer("200 OK", JSON_ANSWER)
            writer.write(reply)
            await writer.drain()

    async def twice(wire):
        return [await wire.infer(request) for _ in range(2)]

    asked: list[tuple[str, bytes]] = []
    answers, _ = ask(no_binary, twice)
    assert [outputs["y"].tolist() for outputs in answers] == [[[1], [2], [3]]] * 2
    assert len(asked) == 3
    for head, body in asked[1:]:
        assert "content-type: application/json" in head
        tensors = {tensor["name"]: tensor for tensor in json.loads(body)["inputs"]}
        for name, array in inputs.items():
            told = np.array(tensors[name]["data"], array.dtype).reshape(tensors[name]["shape"])
            np.testing.assert_array_equal(told, array)


@pytest.mark.parametrize(
    ("extensions", "used"), [([], "json"), (["binary_tensor_data"], "none")], ids=str
)
def test_failure_of_a_server_that_does_not_offer_binary_tensors_is_taken_for_their_lack(
    extensions, used
):
    async def break_down(reader, writer):
        while found := await read_request(reader):
            head, _ = found
            if head.lower().startswith("get /v2 "):
                reply = answer("200 OK", json.dumps({"extensions": extensions}).encode())
            elif "inference-header" in head:
                reply = answer("500 Internal Server Error")
            else:
                reply = answer("200 OK", JSON_ANSWER)
            writer.write(reply)
            await writer.drain()

    if used == "json":
        outputs, _ = ask(break_down)
        assert outputs["y"].tolist() == [[1], [2], [3]]
    else:
        assert fault(break_down).fault is Fault.FAILED


def test_failure_after_binary_tensors_have_worked_is_a_failure():
    async def break_later(reader, writer):
        replies = [binary_answer(), answer("500 Internal Server Error")]
        while await read_request(reader):
            writer.write(replies.pop(0))
            await writer.drain()

    async def twice(wire):
        await wire.infer(REQUEST)
        with pytest.raises(WireError) as raised:
            await wire.infer(REQUEST)
        assert raised.value.fault is Fault.FAILED

    ask(break_later, twice)


def test_server_that_reads_neither_goes_on_with_binary_tensors():
    async def twice(wire):
        for _ in range(2):
            with pytest.raises(WireError) as raised:
                await wire.infer(REQUEST)
            assert raised.value.fault is Fault.UNREADABLE

    _, server = ask(answer("422 Unprocessable"), twice)
    assert ["inference-header" in head for head, _ in server.requests] == [True, False] * 2


def test_questions_with_a_body_say_that_it_is_json():
    _, server = ask(answer("200 OK", b"[]"), lambda wire: wire.index())
    assert "content-type: application/json" in server.requests[0][0]


def test_large_bodies_are_sent_whole():
    # aiohttp warns of plain bytes above 1 MB, and warnings are errors here.
    big = WireRequest(model="m", version="", inputs={"x": np.ones((9, 60_000))}, outputs=["y"])
    _, server = ask(binary_answer(), lambda wire: wire.infer(big))
    assert server.requests[0][1].endswith(big.inputs["x"].tobytes())


def test_refusal_before_the_end_of_a_large_request_is_understood():
    big = WireRequest(model="m", version="", inputs={"x": np.ones((99, 60_000))}, outputs=["y"])

    async def refuse_early(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer("429 Too Many Requests"))
        await writer.drain()
        while await reader.read(1 << 20):
            pass

    error = fault(refuse_early, lambda wire: wire.infer(big))
    assert error.fault is Fault.BUSY


def test_redirects_are_not_followed_with_our_headers():
    async def run():
        async with canned(binary_answer()) as other:
            location = f"Location: http://127.0.0.1:{other.port}/"
            async with canned(answer("308 Permanent Redirect", b"", location)) as server:
                wire = wire_to(server.port, Access(headers={"x-key": "s3cret"}))
                with pytest.raises(WireError, match="308"):
                    await wire.infer(REQUEST)
                await wire.close()
            return other.connections

    assert asyncio.run(run()) == 0


def test_message_limit_is_said_before_sending_and_when_receiving():
    assert fault(binary_answer(), max_message_bytes=20).fault is Fault.TOO_LARGE
    long = fault(answer("200 OK", b" " * 2000), max_message_bytes=1000)
    assert (long.fault, long.cause) == (Fault.TOO_LARGE, "2000 bytes, the limit is 1000")


def test_types_that_the_protocol_does_not_have_are_refused():
    request = WireRequest(model="m", version="", inputs={"x": np.ones(2, "c8")}, outputs=["y"])
    error = fault(binary_answer(), lambda wire: wire.infer(request))
    assert (error.fault, error.cause) == (Fault.REFUSED, "input x has type complex64")


def test_metadata_are_read_with_a_generous_eye():
    told = {
        "name": "met",
        "inputs": [{"name": "x", "datatype": "FP16", "shape": ["-1", "2"]}],
        "outputs": [{"name": "y", "datatype": "BYTES", "shape": [-1]}],
    }
    signature, server = ask(
        answer("200 OK", json.dumps(told).encode()), lambda wire: wire.signature("met", "")
    )
    assert [str(tensor) for side in signature for tensor in side] == [
        "x float16[-1, 2]",
        "y object[-1]",
    ]
    assert server.requests[0][0].startswith("get /v2/models/met http")
    for bare in (b'{"name": "met"}', b'{"inputs": null, "outputs": []}'):
        assert ask(answer("200 OK", bare), lambda wire: wire.signature("met", ""))[0] is None


@pytest.mark.parametrize("body", [b"[]", b'{"inputs": [{"name": "x"}]}', b"{", b"\xff"])
def test_damaged_metadata_are_a_fault(body):
    error = fault(answer("200 OK", body), lambda wire: wire.signature("met", ""))
    assert error.fault is Fault.DAMAGED


def test_statistics_are_those_of_the_version_or_of_all():
    def of(version, count):
        spans = {"queue": {"count": count, "ns": count * 10**9}}
        entry = {"name": "met", "version": version, "inference_count": str(count)}
        return {**entry, "inference_stats": spans}

    reply = answer("200 OK", json.dumps({"model_stats": [of("1", 2), of("2", 3)]}).encode())
    both, _ = ask(reply, lambda wire: wire.statistics("met", ""))
    assert (both.inference_count, both.queue_s, both.execution_count) == (5, 5.0, 0)
    one, server = ask(reply, lambda wire: wire.statistics("met", "2"))
    assert one.inference_count == 3
    assert server.requests[0][0].startswith("get /v2/models/met/versions/2/stats ")
    assert ask(reply, lambda wire: wire.statistics("other", ""))[0] is None


def test_index_has_the_models_that_are_ready():
    models = [{"name": "a", "state": "READY"}, {"name": "b", "state": "UNAVAILABLE"}, {"name": "c"}]
    index, server = ask(answer("200 OK", json.dumps(models).encode()), lambda wire: wire.index())
    assert index == {"a"}
    assert server.requests[0][0].startswith("post /v2/repository/index ")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("400 Bad Request", Fault.BUSY),
        ("503 Service Unavailable", Fault.BUSY),
        ("401 Unauthorized", Fault.DENIED),
    ],
)
def test_server_that_is_not_ready_is_told_from_one_that_keeps_us_out(status, expected):
    assert fault(answer(status), lambda wire: wire.check_ready()).fault is expected


def test_prefix_is_kept():
    async def run():
        async with canned(answer("200 OK")) as server:
            address = ServerAddress.parse(f"http://localhost:{server.port}/triton/")
            wire = HttpWire(address, Access(), WireOptions())
            await wire.check_ready()
            await wire.close()
            return server.requests[0][0]

    assert asyncio.run(run()).startswith("get /triton/v2/health/ready ")
