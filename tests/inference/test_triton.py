"""One client for any server: answers as local ones, errors that name model, server and way out."""

import asyncio
import contextlib
import os
import shutil
import threading
import urllib.request
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from sonicmini.errors import InferenceError, ModelError, ServerError, UnavailableError
from sonicmini.event import Ragged
from sonicmini.inference.access import Access
from sonicmini.inference.address import ServerAddress
from sonicmini.inference.embedded.install import install
from sonicmini.inference.embedded.options import ServerOptions
from sonicmini.inference.embedded.server import start
from sonicmini.inference.known import known_inputs
from sonicmini.inference.onnx import OnnxClient
from sonicmini.inference.repository import ModelRepository, ModelSpec, TensorSpec, check_signature
from sonicmini.inference.triton import TritonClient
from sonicmini.inference.wire import WireOptions
from sonicmini.resources import bundled
from tests.inference.servers import (
    Certificates,
    answer,
    canned,
    closed_port,
    forward_to,
    hang_up,
    stay_silent,
)

SPEC = ModelSpec(
    name="net",
    version=1,
    path=Path("net.onnx"),
    inputs=(TensorSpec("x", np.dtype(np.float32), (2,)),),
    outputs=(TensorSpec("y", np.dtype(np.float32), (1,)),),
    max_batch_size=16,
    preferred_batch_size=(),
    sha256="",
)
ROWS = {"x": np.zeros((3, 2), np.float32)}
GOOD = b'{"outputs": [{"name": "y", "datatype": "FP32", "shape": [3, 1], "data": [1, 2, 3]}]}'
ACCESS = Access(bearer_token="t0ken", headers={"X-Key": "k3y"})  # noqa: S106 - a test's own
CALLS = {
    "infer": lambda client: client.infer("net", ROWS),
    "check_ready": lambda client: client.check_ready(),
    "signature": lambda client: client.signature("net"),
    "statistics": lambda client: client.statistics("net"),
    "index": lambda client: client.index(),
}
both_transports = pytest.mark.parametrize("scheme", ["http", "grpc"])
any_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


async def at(url, call, *, specs=None, access=None, **options):
    """What one call gives."""
    specs = specs or {"net": SPEC, "net/2": SPEC}
    address = ServerAddress.parse(url)
    client = TritonClient(address, specs, access=access, options=WireOptions(**options))
    try:
        return await call(client)
    finally:
        await client.close()


def ask(behaviour, call, scheme="http", **options):
    """What one call to such a server gives."""
    options = {"shared_memory": "never", **options}

    async def run():
        async with canned(behaviour) as server:
            return await at(f"{scheme}://127.0.0.1:{server.port}", call, **options)

    return asyncio.run(run())


def test_answers_are_by_name():
    outputs = ask(answer("200 OK", GOOD), CALLS["infer"])
    assert outputs["y"].tolist() == [[1], [2], [3]]


def test_version_is_sent_only_if_it_was_asked_for():
    async def run():
        async with canned(answer("200 OK", GOOD)) as server:
            url = f"http://127.0.0.1:{server.port}"
            for model in ("net", "net/2"):
                await at(url, lambda client, m=model: client.infer(m, ROWS), shared_memory="never")
            return [head.split()[1] for head, _ in server.requests]

    assert asyncio.run(run()) == ["/v2/models/net/infer", "/v2/models/net/versions/2/infer"]


def test_errors_name_model_server_cause_and_way_out_in_one_line():
    cases = {
        ("429 Too Many", b"slow\ndown"): "overloaded: status 429 Too Many, slow down",
        ("401 Unauthorized", b""): "access denied: status 401 Unauthorized; see bearer_token,"
        " headers and certificate_file of inference.access",
        ("413 Too Large", b""): "the message is too large: status 413 Too Large; lower"
        " inference.max_bytes or raise the limit of the server",
        ("400 Bad", b'{"error": "no"}'): "refused: status 400 Bad, no",
    }
    for (status, body), told in cases.items():
        with pytest.raises(ServerError) as raised:
            ask(answer(status, body), CALLS["infer"])
        text = str(raised.value)
        assert text.startswith("model net on http://127.0.0.1:")
        assert text.partition(": ")[2] == told


@pytest.mark.parametrize(
    ("status", "transient"),
    [("503 Unavailable", True), ("500 Oops", True), ("400 Bad", False), ("403 Forbidden", False)],
)
def test_only_what_may_go_away_is_worth_another_try(status, transient):
    with pytest.raises(ServerError) as raised:
        ask(answer(status), CALLS["infer"])
    assert isinstance(raised.value, UnavailableError) is transient


def test_long_answers_are_shortened():
    with pytest.raises(ServerError) as raised:
        ask(answer("500 Oops", b"<html>" * 1000), CALLS["infer"])
    assert len(str(raised.value)) < 500


@both_transports
@any_call
def test_secrets_are_seen_nowhere(scheme, call, caplog):
    echo = answer("400 Bad Request", b"you sent \x1b[31m Bearer t0ken, t0ken and k3y")
    with pytest.raises(ServerError) as raised:
        ask(echo, call, scheme, access=ACCESS)
    error = raised.value
    assert error.__cause__ is None
    client = TritonClient(ServerAddress.parse("http://host"), {}, access=ACCESS)
    for text in (str(error), repr(error), repr(client), repr(vars(client)["_access"]), caplog.text):
        assert "t0ken" not in text
        assert "k3y" not in text
        assert text.isprintable()


@both_transports
@any_call
def test_silence_ends_at_the_limit_of_time(scheme, call):
    with pytest.raises(UnavailableError, match=r"no answer in time: waited 0\.2 s"):
        ask(stay_silent, call, scheme, timeout_s=0.2)


@both_transports
def test_silence_ends_a_registration_of_shared_memory_too(scheme):
    with pytest.raises(UnavailableError, match="no answer in time"):
        ask(stay_silent, CALLS["infer"], scheme, timeout_s=0.2, shared_memory="auto")


@both_transports
@any_call
def test_nobody_there_is_worth_another_try(scheme, call):
    url = f"{scheme}://127.0.0.1:{closed_port()}"
    with pytest.raises(UnavailableError, match=f"on {url}: no connection"):
        asyncio.run(at(url, call))


@both_transports
def test_closed_client_stays_closed(scheme):
    async def use_after_closing(client):
        await client.close()
        await client.infer("net", ROWS)

    with pytest.raises(UnavailableError, match="the client is closed"):
        asyncio.run(at(f"{scheme}://127.0.0.1:{closed_port()}", use_after_closing))


@pytest.mark.parametrize("status", ["404 Not Found", "405 Not Allowed", "501 Not Implemented"])
@pytest.mark.parametrize("name", ["signature", "statistics", "index"])
def test_what_a_server_does_not_offer_is_none(status, name):
    assert ask(answer(status, b'{"detail": "Not Found"}'), CALLS[name]) is None


@pytest.mark.parametrize("name", ["signature", "statistics", "index"])
def test_questions_may_fail(name):
    with pytest.raises(UnavailableError, match="overloaded"):
        ask(answer("503 Busy"), CALLS[name])
    with pytest.raises(UnavailableError, match="the model is not there"):
        ask(answer("404 Not Found", b'{"error": "Model net not found"}'), CALLS[name])


@both_transports
def test_cancellation_passes(scheme):
    async def run():
        async with canned(stay_silent) as server:
            url = f"{scheme}://127.0.0.1:{server.port}"
            task = asyncio.create_task(at(url, CALLS["infer"], timeout_s=0.5))
            while not server.connections:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())


def test_models_of_other_jobs_and_ragged_rows_are_refused():
    async def infer(model, inputs):
        return await at("http://host", lambda client: client.infer(model, inputs))

    with pytest.raises(ModelError, match="model other is not among the job's models: net, net/2"):
        asyncio.run(infer("other", ROWS))
    ragged = Ragged(np.zeros((4, 2), np.float32), np.array([1, 3]))
    with pytest.raises(InferenceError, match="rows of variable length"):
        asyncio.run(infer("net", {"x": ragged}))


def test_client_that_was_not_used_closes():
    for scheme in ("http", "grpc"):
        asyncio.run(at(f"{scheme}://host", lambda _: asyncio.sleep(0)))


# TLS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


def over_tls(scheme, context, access, behaviour=hang_up):
    async def run():
        async with canned(behaviour, context) as server:
            url = f"{scheme}://127.0.0.1:{server.port}"
            return await at(url, CALLS["infer"], access=access, shared_memory="never")

    return asyncio.run(run())


def test_own_authority_and_client_certificate_are_used(certificates):
    access = Access(
        ca_file=certificates.ca,
        certificate_file=certificates.client,
        key_file=certificates.client_key,
    )
    context = certificates.context(wants_client=True)
    assert len(over_tls("https", context, access, answer("200 OK", GOOD))["y"]) == 3


@pytest.mark.parametrize("scheme", ["https", "grpcs"])
def test_certificates_that_are_not_trusted_are_no_transient_fault(certificates, scheme):
    told = (
        r"its certificate is not trusted: .*; give that of its authority as inference\.access\.ca"
    )
    for access, elsewhere in (
        (None, False),
        (Access(ca_file=certificates.stranger), False),
        (Access(ca_file=certificates.ca), True),
    ):
        with pytest.raises(ServerError, match=told) as raised:
            over_tls(scheme, certificates.context(elsewhere=elsewhere), access)
        assert not isinstance(raised.value, UnavailableError)


@pytest.mark.parametrize("scheme", ["https", "grpcs"])
def test_missing_client_certificate_is_no_success(certificates, scheme):
    access = Access(ca_file=certificates.ca)
    context = certificates.context(wants_client=True)
    with pytest.raises(ServerError, match=r"access denied|no connection"):
        over_tls(scheme, context, access, answer("200 OK", GOOD))


def test_plain_server_is_told_from_one_with_tls():
    async def speak_plain(reader, writer):
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    for scheme in ("https", "grpcs"):
        with pytest.raises(ServerError, match=r"no TLS connection: .* http:// or grpc:// there"):
            over_tls(scheme, None, None, speak_plain)


# A real Triton

DTYPES = {
    "bool": "BOOL",
    **{f"float{8 * size}": f"FP{8 * size}" for size in (2, 4, 8)},
    **{
        f"{kind}{8 * size}": f"{kind.upper()}{8 * size}"
        for kind in ("int", "uint")
        for size in (1, 2, 4, 8)
    },
}
MODELS = ("deepmet", "echo")


def write_echo(folder):
    """A network that gives back an input of every type."""

    def tensors(side):
        return [
            helper.make_tensor_value_info(
                f"{side}_{kind}", helper.np_dtype_to_tensor_dtype(np.dtype(kind)), ["n", "m"]
            )
            for kind in DTYPES
        ]

    nodes = [helper.make_node("Identity", [f"in_{kind}"], [f"out_{kind}"]) for kind in DTYPES]
    graph = helper.make_graph(nodes, "echo", tensors("in"), tensors("out"))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    config = ['name: "echo"', 'backend: "onnxruntime"', "max_batch_size: 8"]
    config += [
        f'{side}put {{ name: "{side}_{kind}" data_type: TYPE_{name} dims: [ -1 ] }}'
        for kind, name in DTYPES.items()
        for side in ("in", "out")
    ]
    (folder / "1").mkdir(parents=True)
    (folder / "config.pbtxt").write_text("\n".join(config))
    onnx.save(model, folder / "1" / "model.onnx")


@pytest.fixture(scope="module")
def repository_served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(bundled("models") / "deepmet", folder / "deepmet")
    write_echo(folder / "echo")
    return folder


@pytest.fixture(scope="module")
def triton(repository_served):
    install()
    options = ServerOptions(instances=1, model_control="explicit")
    with start(repository_served, options) as server:
        yield server


@pytest.fixture(scope="module")
def specs(repository_served):
    specs = ModelRepository(repository_served).specs([*MODELS, "deepmet/1"])
    return {**specs, "deepmet/9": specs["deepmet"], "nowhere": specs["echo"]}


@pytest.fixture(params=["http", "grpc"])
def url(request, triton):
    return triton.http_url if request.param == "http" else triton.grpc_url


def control(triton, model, action):
    path = f"{triton.http_url}/v2/repository/models/{model}/{action}"
    with urllib.request.urlopen(urllib.request.Request(path, b"{}")):  # noqa: S310 - ours
        pass


def echo_rows(length, rows=3):
    rng = np.random.default_rng(1)
    return {f"in_{kind}": (rng.integers(0, 2, (rows, length)) * 90).astype(kind) for kind in DTYPES}


def local(specs, model, inputs):
    async def run_here(function):
        return function()

    return asyncio.run(OnnxClient(specs, run_here).infer(model, inputs))


@pytest.mark.triton
@pytest.mark.parametrize("compression", ["none", "gzip", "deflate"])
@pytest.mark.parametrize("shared_memory", ["never", "auto"])
def test_scores_are_those_of_local_inference(url, specs, compression, shared_memory):
    inputs = known_inputs(specs["deepmet"])
    options = {"compression": compression, "shared_memory": shared_memory}

    async def both(client):
        return [await client.infer(model, inputs) for model in ("deepmet", "deepmet/1")]

    answers = [one["output/BiasAdd"] for one in asyncio.run(at(url, both, specs=specs, **options))]
    for model, found in zip(("deepmet", "deepmet/1"), answers, strict=True):
        expected = local(specs, model, inputs)["output/BiasAdd"]
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert not np.allclose(answers[0], answers[1], rtol=1e-3)  # version 2 is another network


@pytest.mark.triton
@pytest.mark.parametrize("shared_memory", ["never", "auto"])
@pytest.mark.parametrize("length", [1, 5])
def test_all_types_go_there_and_come_back(url, specs, shared_memory, length):
    inputs = echo_rows(length)
    outputs = asyncio.run(
        at(url, lambda c: c.infer("echo", inputs), specs=specs, shared_memory=shared_memory)
    )
    assert list(outputs) == [f"out_{kind}" for kind in DTYPES]
    for kind in DTYPES:
        np.testing.assert_array_equal(outputs[f"out_{kind}"], inputs[f"in_{kind}"], strict=True)


@pytest.mark.triton
def test_rows_in_any_layout_are_sent_right(url, specs):
    inputs = {name: np.asfortranarray(rows)[:, ::2] for name, rows in echo_rows(6).items()}
    outputs = asyncio.run(at(url, lambda c: c.infer("echo", inputs), specs=specs))
    np.testing.assert_array_equal(outputs["out_float32"], inputs["in_float32"])


@pytest.mark.triton
@pytest.mark.parametrize("shared_memory", ["never", "auto"])
def test_many_requests_at_a_time_get_their_own_answers(url, specs, shared_memory):
    async def many(client):
        async def one(value):
            inputs = {
                name: np.full((1 + value % 4, 1 + value % 7), value % 2, rows.dtype)
                for name, rows in echo_rows(1).items()
            }
            inputs["in_int32"][:] = value
            outputs = await client.infer("echo", inputs)
            assert outputs["out_int32"].shape == inputs["in_int32"].shape
            return set(outputs["out_int32"].reshape(-1))

        return await asyncio.gather(*(one(value) for value in range(64)))

    answers = asyncio.run(at(url, many, specs=specs, shared_memory=shared_memory))
    assert answers == [{value} for value in range(64)]


@pytest.mark.triton
def test_server_tells_what_it_serves(url, specs):
    async def everything(client):
        await client.check_ready()
        before = await client.statistics("echo")
        for _ in range(2):
            await client.infer("echo", echo_rows(2))
        after = await client.statistics("echo")
        return (
            await client.index(),
            [await client.signature(model) for model in (*MODELS, "deepmet/1")],
            (before, after),
        )

    index, signatures, (before, after) = asyncio.run(at(url, everything, specs=specs))
    assert set(index) >= set(MODELS)
    for model, signature in zip((*MODELS, "deepmet/1"), signatures, strict=True):
        check_signature(specs[model], signature, url)
    assert after.inference_count - before.inference_count == 6
    assert after.success_count - before.success_count == 2
    assert after.compute_s > before.compute_s


@pytest.mark.triton
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"in_bool": np.zeros((3, 5))}, "data-type"),
        ({"in_bool": np.zeros((2, 5), bool)}, "batch"),
        ({"in_bool": np.zeros((3, 5, 1), bool)}, "shape"),
        ({"more": np.zeros((3, 5), bool)}, "inputs"),
    ],
    ids=["type", "rows", "shape", "name"],
)
@pytest.mark.parametrize("shared_memory", ["never", "auto"])
def test_wrong_inputs_are_refused_for_good(url, specs, change, told, shared_memory):
    inputs = {**echo_rows(5), **change}
    with pytest.raises(ServerError, match=f"model echo on {url}: refused: .*{told}") as raised:
        asyncio.run(
            at(url, lambda c: c.infer("echo", inputs), specs=specs, shared_memory=shared_memory)
        )
    assert not isinstance(raised.value, UnavailableError)


@pytest.mark.triton
@pytest.mark.parametrize("model", ["nowhere", "deepmet/9"])
def test_model_or_version_that_is_not_there_may_come(url, specs, model):
    for call in (
        lambda client: client.infer(model, echo_rows(1)),
        lambda client: client.signature(model),
        lambda client: client.statistics(model),
    ):
        with pytest.raises(UnavailableError, match=f"{model} on {url}: the model is not there"):
            asyncio.run(at(url, call, specs=specs))


async def until_it_fails(client):
    """Triton lets what it has begun end first."""
    while True:
        await client.infer("echo", echo_rows(1))


@pytest.mark.triton
def test_unloaded_model_may_come_back(triton, url, specs):
    async def story(client):
        await client.infer("echo", echo_rows(1))
        await asyncio.to_thread(control, triton, "echo", "unload")
        with pytest.raises(UnavailableError, match="the model is not there"):
            await until_it_fails(client)
        assert "echo" not in await client.index()
        await asyncio.to_thread(control, triton, "echo", "load")
        return await client.infer("echo", echo_rows(1))

    assert len(asyncio.run(at(url, story, specs=specs))["out_bool"]) == 3


@pytest.mark.triton
def test_regions_are_registered_once_and_gone_after_closing(triton, url, specs):
    def regions():
        status = f"{triton.http_url}/v2/systemsharedmemory/status"
        with urllib.request.urlopen(status) as reply:  # noqa: S310 - ours
            return reply.read().decode().count(f"sonicmini_{os.getpid()}_") // 2

    async def story(client):
        for _ in range(3):
            await client.infer("echo", echo_rows(4))
        once = await asyncio.to_thread(regions)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.0005):
                await client.infer("deepmet", known_inputs(specs["deepmet"]))
        await asyncio.gather(*(client.infer("echo", echo_rows(4)) for _ in range(3)))
        return once, await asyncio.to_thread(regions)

    once, later = asyncio.run(at(url, story, specs=specs))
    assert once == 1
    assert later >= 3
    assert regions() == 0


@pytest.mark.triton
@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_restarted_server_is_found_again_with_its_regions_gone(repository_served, specs, scheme):
    install()
    http, grpc = closed_port(), closed_port()
    options = ServerOptions(instances=1, http_port=http, grpc_port=grpc, models=["echo"])

    async def ask_until_answered(client):
        async with asyncio.timeout(30):
            while True:
                with contextlib.suppress(UnavailableError):
                    return await client.infer("echo", echo_rows(2))
                await asyncio.sleep(0.05)

    async def story(client):
        with start(repository_served, options):
            await client.infer("echo", echo_rows(2))
        with pytest.raises(UnavailableError, match="no connection"):
            await client.infer("echo", echo_rows(2))
        with start(repository_served, options):
            outputs = await ask_until_answered(client)
            again = await client.infer("echo", echo_rows(2))
            assert client._shared._usable
            return outputs, again

    url = f"{scheme}://127.0.0.1:{http if scheme == 'http' else grpc}"
    for outputs in asyncio.run(at(url, story, specs=specs)):
        np.testing.assert_array_equal(outputs["out_int8"], echo_rows(2)["in_int8"])


@pytest.mark.triton
@pytest.mark.parametrize("wants_client", [False, True])
def test_real_server_behind_tls(triton, specs, certificates, url, wants_client):
    scheme = {"http": "https", "grpc": "grpcs"}[url.partition(":")[0]]
    access = Access(
        ca_file=certificates.ca,
        certificate_file=certificates.client if wants_client else None,
        key_file=certificates.client_key if wants_client else None,
        bearer_token="t0ken",  # noqa: S106 - a test's own
    )

    async def run():
        behind = forward_to(ServerAddress.parse(url).port)
        async with canned(behind, certificates.context(wants_client=wants_client)) as proxy:
            return await at(
                f"{scheme}://localhost:{proxy.port}",
                lambda client: client.infer("echo", echo_rows(1000)),
                specs=specs,
                access=access,
                shared_memory="never",
            )

    assert len(asyncio.run(run())["out_bool"]) == 3


@pytest.mark.triton
def test_other_threads_may_have_clients_of_their_own(url, specs):
    failures = []

    def work():
        try:
            asyncio.run(at(url, lambda c: c.infer("echo", echo_rows(2)), specs=specs))
        except BaseException as error:  # noqa: BLE001 - told to the main thread
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
