"""Over grpc: whatever a server or the line does ends in a fault that says what it was."""

import asyncio
import contextlib

import numpy as np
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from sonicmini.inference.access import Access
from sonicmini.inference.address import ServerAddress
from sonicmini.inference.grpc_wire import GrpcWire
from sonicmini.inference.wire import Slot, WireOptions, WireRequest
from sonicmini.inference.wire_fault import Fault, WireError
from tests.inference.servers import canned, closed_port, hang_up, reset, stay_silent

grpc = pytest.importorskip("grpc")

INPUTS = {"x": np.arange(6, dtype="f4").reshape(3, 2)}
REQUEST = WireRequest(model="met", version="", inputs=INPUTS, outputs=["y"])


def infer_answer(datatype="FP32", shape=(3, 1), data=None, name="y"):
    """A good answer, and whatever differs from it."""
    output = service_pb2.ModelInferResponse.InferOutputTensor(
        name=name, datatype=datatype, shape=shape
    )
    raw = np.arange(3, dtype="f4").tobytes() if data is None else data
    return service_pb2.ModelInferResponse(outputs=[output], raw_output_contents=[raw])


def garbage(data):
    async def answer_garbage(reader, writer):
        await reader.read(100)
        writer.write(data)
        await writer.drain()

    return answer_garbage


class Servicer(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]  # untyped
    """Does the same for every call; remembers requests and what was sent with them."""

    def __init__(self, reply):
        self.reply = reply
        self.requests = []
        self.metadata = []

    async def respond(self, request, context):
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        if isinstance(self.reply, tuple):
            code, details = self.reply
            await context.abort(getattr(grpc.StatusCode, code), details)
        if callable(self.reply):
            return await self.reply(context)
        return self.reply

    ModelInfer = ServerReady = ModelMetadata = ModelStatistics = RepositoryIndex = respond
    SystemSharedMemoryRegister = SystemSharedMemoryUnregister = respond


@contextlib.asynccontextmanager
async def served(reply, **server_options):
    servicer = Servicer(reply)
    server = grpc.aio.server(**server_options)
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, server)
    servicer.port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield servicer
    finally:
        await server.stop(None)


def wire_to(port, access=None, **options):
    address = ServerAddress.parse(f"grpc://127.0.0.1:{port}")
    return GrpcWire(address, access or Access(), WireOptions(**options))


async def once(port, call, **options):
    wire = wire_to(port, **options)
    try:
        return await call(wire)
    finally:
        await wire.close()


def ask(reply, call=lambda wire: wire.infer(REQUEST), **options):
    """What a call to such a server gives, and the server."""

    async def run():
        async with served(reply) as server:
            return await once(server.port, call, **options), server

    return asyncio.run(run())


def fault(reply, call=lambda wire: wire.infer(REQUEST), **options):
    with pytest.raises(WireError) as raised:
        ask(reply, call, **options)
    return raised.value


def test_answers_are_understood():
    outputs, server = ask(infer_answer())
    assert outputs["y"].tolist() == [[0], [1], [2]]
    (request,) = server.requests
    assert (request.model_name, request.model_version) == ("met", "")
    assert request.raw_input_contents[0] == INPUTS["x"].tobytes()
    assert [output.name for output in request.outputs] == ["y"]
    assert ask(infer_answer(name="z"))[0] == {}


@pytest.mark.parametrize(
    ("code", "details", "expected"),
    [
        ("ABORTED", "", Fault.FAILED),
        ("ALREADY_EXISTS", "", Fault.REFUSED),
        ("CANCELLED", "", Fault.LOST),
        ("DATA_LOSS", "", Fault.DAMAGED),
        ("DEADLINE_EXCEEDED", "", Fault.SILENT),
        ("FAILED_PRECONDITION", "", Fault.REFUSED),
        ("INTERNAL", "oops", Fault.FAILED),
        ("INTERNAL", "Stub process 'met_0' is not healthy", Fault.MODEL),
        ("INTERNAL", "Unable to open shared memory region: x", Fault.REGION),
        ("INVALID_ARGUMENT", "unexpected shape for input 'x'", Fault.REFUSED),
        ("INVALID_ARGUMENT", "requested model 'met' is not available", Fault.MODEL),
        ("NOT_FOUND", "Request for unknown model: 'met' is not found", Fault.MODEL),
        ("NOT_FOUND", "Unable to find shared memory region: 'x'", Fault.REGION),
        ("OUT_OF_RANGE", "", Fault.REFUSED),
        ("PERMISSION_DENIED", "", Fault.DENIED),
        ("RESOURCE_EXHAUSTED", "queue is full", Fault.BUSY),
        ("RESOURCE_EXHAUSTED", "Received message larger than max (9 vs. 4)", Fault.TOO_LARGE),
        ("UNAUTHENTICATED", "unknown model or token", Fault.DENIED),
        ("UNAVAILABLE", "overloaded", Fault.LOST),
        ("UNAVAILABLE", "Request for unknown model: 'met' has no available versions", Fault.MODEL),
        ("UNIMPLEMENTED", "", Fault.ABSENT),
        ("UNKNOWN", "", Fault.FAILED),
    ],
)
def test_code_tells_the_fault(code, details, expected):
    error = fault((code, details))
    assert error.fault is expected
    assert code in error.cause
    assert details in error.cause


@pytest.mark.parametrize(
    "damage",
    [
        {"data": b"\x00" * 8},
        {"data": b"\x00" * 16},
        {"data": b""},
        {"datatype": "FP99"},
        {"shape": (4, 1)},
        {"shape": (-1, 1)},
        {"shape": ()},
    ],
    ids=str,
)
def test_damaged_answers_are_a_fault(damage):
    assert fault(infer_answer(**damage)).fault is Fault.DAMAGED


def test_answer_without_its_data_is_a_fault():
    bare = service_pb2.ModelInferResponse(outputs=infer_answer().outputs)
    assert fault(bare).fault is Fault.DAMAGED


@pytest.mark.parametrize(
    "behaviour",
    [hang_up, reset, garbage(b"HTTP/1.1 200 OK\r\n\r\n"), garbage(b"\x00" * 4000)],
    ids=["hangs up", "resets", "http", "zeros"],
)
def test_what_is_no_grpc_server_is_a_fault(behaviour):
    async def run():
        async with canned(behaviour) as server:
            await once(server.port, lambda wire: wire.infer(REQUEST))

    with pytest.raises(WireError) as raised:
        asyncio.run(run())
    assert raised.value.fault in (Fault.LOST, Fault.FAILED)


def test_nobody_there_is_a_fault():
    with pytest.raises(WireError, match="no connection: UNAVAILABLE") as raised:
        asyncio.run(once(closed_port(), lambda wire: wire.infer(REQUEST)))
    assert raised.value.fault is Fault.LOST


def test_server_that_goes_away_meanwhile_is_a_fault():
    async def run():
        asked = asyncio.Event()

        async def wait(context):
            asked.set()
            await asyncio.sleep(60)

        async with contextlib.AsyncExitStack() as stack:
            server = await stack.enter_async_context(served(wait))
            wire = wire_to(server.port)
            task = asyncio.create_task(wire.infer(REQUEST))
            await asked.wait()
            await stack.aclose()
            with pytest.raises(WireError) as raised:
                await task
            await wire.close()
            return raised.value.fault

    assert asyncio.run(run()) in (Fault.LOST, Fault.FAILED)


def test_server_that_comes_back_is_found_at_once():
    async def run():
        async with served(infer_answer()) as server:
            wire = wire_to(server.port)
            await wire.infer(REQUEST)
        # More failures than grpc's own patience would forgive.
        for _ in range(5):
            with pytest.raises(WireError):
                await wire.infer(REQUEST)
        again = grpc.aio.server()
        service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(Servicer(infer_answer()), again)
        again.add_insecure_port(f"127.0.0.1:{server.port}")
        await again.start()
        async with asyncio.timeout(10):
            while True:
                with contextlib.suppress(WireError):
                    await wire.infer(REQUEST)
                    break
                await asyncio.sleep(0.05)
        await wire.close()
        await again.stop(None)

    asyncio.run(run())


def test_distrusted_connection_is_not_used_again_but_its_calls_end():
    async def run():
        release = asyncio.Event()
        async with served(infer_answer()) as server:

            async def wait(context):
                peers.append(context.peer())
                await release.wait()
                return infer_answer()

            peers: list[str] = []
            server.reply = wait
            wire = wire_to(server.port)
            first = asyncio.create_task(wire.infer(REQUEST))
            while len(peers) < 1:
                await asyncio.sleep(0.01)
            await wire.distrust()
            second = asyncio.create_task(wire.infer(REQUEST))
            while len(peers) < 2:
                await asyncio.sleep(0.01)
            release.set()
            outputs = await asyncio.gather(first, second)
            await wire.close()
            return peers, outputs

    peers, outputs = asyncio.run(run())
    assert len(set(peers)) == 2
    assert [output["y"].shape for output in outputs] == [(3, 1), (3, 1)]


def test_silence_is_ended_by_cancelling():
    async def run():
        async with canned(stay_silent) as server:
            wire = wire_to(server.port)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await wire.infer(REQUEST)
            task = asyncio.create_task(wire.infer(REQUEST))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await wire.close()

    asyncio.run(run())


def test_call_under_way_when_the_client_is_closed_is_a_fault_not_a_cancellation():
    async def run():
        asked = asyncio.Event()

        async def wait(context):
            asked.set()
            await asyncio.sleep(60)

        async with served(wait) as server:
            wire = wire_to(server.port)
            task = asyncio.create_task(wire.infer(REQUEST))
            await asked.wait()
            await wire.close()
            with pytest.raises(WireError) as raised:
                await task
            return raised.value.fault

    assert asyncio.run(run()) is Fault.LOST


def test_token_and_headers_are_sent_as_metadata():
    access = Access(bearer_token="abc", headers={"X-Key": "1"})  # noqa: S106 - a test's own
    _, server = ask(infer_answer(), access=access)
    assert server.metadata[0]["authorization"] == "Bearer abc"
    assert server.metadata[0]["x-key"] == "1"


def test_inputs_in_shared_memory_are_not_sent():
    request = WireRequest(
        model="met", version="2", inputs=INPUTS, outputs=["y"], slots={"x": Slot("r", 64, 24)}
    )
    _, server = ask(infer_answer(), lambda wire: wire.infer(request))
    (sent,) = server.requests
    parameters = sent.inputs[0].parameters
    assert sent.model_version == "2"
    assert not sent.raw_input_contents
    assert parameters["shared_memory_region"].string_param == "r"
    assert parameters["shared_memory_byte_size"].int64_param == 24
    assert parameters["shared_memory_offset"].int64_param == 64


@pytest.mark.parametrize("method", ["gzip", "deflate"])
def test_messages_are_compressed_if_wanted(method):
    _, server = ask(infer_answer(), compression=method)
    assert server.requests[0].raw_input_contents[0] == INPUTS["x"].tobytes()


def test_messages_may_be_larger_than_grpc_allows_by_default():
    rows = np.ones((10, 150_000), "f4")  # 6 MB there and back
    request = WireRequest(model="m", version="", inputs={"x": rows}, outputs=["y"])
    reply = infer_answer(shape=rows.shape, data=rows.tobytes())

    async def run():
        limit = [("grpc.max_receive_message_length", -1)]
        async with served(reply, options=limit) as server:
            return await once(server.port, lambda wire: wire.infer(request))

    assert asyncio.run(run())["y"].shape == rows.shape


def test_message_limits_are_faults_of_their_own():
    assert fault(infer_answer(), max_message_bytes=30).fault is Fault.TOO_LARGE
    rows = np.ones((10, 150_000), "f4")
    request = WireRequest(model="m", version="", inputs={"x": rows}, outputs=["y"])
    # This server has grpc's default limit of 4 MiB.
    assert fault(infer_answer(), lambda wire: wire.infer(request)).fault is Fault.TOO_LARGE


def test_readiness_is_asked():
    ask(service_pb2.ServerReadyResponse(ready=True), lambda wire: wire.check_ready())
    not_ready = fault(service_pb2.ServerReadyResponse(), lambda wire: wire.check_ready())
    assert not_ready.fault is Fault.BUSY


def test_metadata_statistics_and_index_are_read():
    tensor = service_pb2.ModelMetadataResponse.TensorMetadata
    metadata = service_pb2.ModelMetadataResponse(
        name="met",
        inputs=[tensor(name="x", datatype="FP32", shape=[-1, 2])],
        outputs=[tensor(name="y", datatype="INT64", shape=[-1])],
    )
    signature, server = ask(metadata, lambda wire: wire.signature("met", "3"))
    assert [str(t) for side in signature for t in side] == ["x float32[-1, 2]", "y int64[-1]"]
    assert (server.requests[0].name, server.requests[0].version) == ("met", "3")
    bare = service_pb2.ModelMetadataResponse(name="met")
    assert ask(bare, lambda wire: wire.signature("met", ""))[0] is None

    entry = service_pb2.ModelStatistics(name="met", version="1", inference_count=7)
    entry.inference_stats.queue.ns = 2 * 10**9
    reply = service_pb2.ModelStatisticsResponse(model_stats=[entry])
    statistics, _ = ask(reply, lambda wire: wire.statistics("met", ""))
    assert (statistics.inference_count, statistics.queue_s, statistics.fail_count) == (7, 2.0, 0)

    models = service_pb2.RepositoryIndexResponse
    reply = models(models=[models.ModelIndex(name="a", state="READY"), models.ModelIndex(name="b")])
    assert ask(reply, lambda wire: wire.index())[0] == {"a"}
    assert ask(models(), lambda wire: wire.index())[0] == set()


def test_regions_are_registered():
    reply = service_pb2.SystemSharedMemoryRegisterResponse()
    _, server = ask(reply, lambda wire: wire.register("r", "/r", 64))
    (request,) = server.requests
    assert (request.name, request.key, request.byte_size) == ("r", "/r", 64)
    reply = service_pb2.SystemSharedMemoryUnregisterResponse()
    _, server = ask(reply, lambda wire: wire.unregister("r"))
    assert server.requests[0].name == "r"
