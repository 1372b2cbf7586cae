import asyncio
import socket
import threading

import numpy as np
import onnxruntime as ort
import pytest
import tritonclient.grpc.aio as triton_grpc
from tritonclient.utils import InferenceServerException

from sonicmini.errors import ModelError, ServerError
from sonicmini.inference.embedded import launch, server
from sonicmini.inference.embedded.launch import LOOPBACK, Ports, pick_ports
from sonicmini.inference.embedded.options import ServerOptions
from sonicmini.inference.embedded.server import start

ONE = ServerOptions(instances=1)


def infer(url, model, inputs):
    """Outputs of a model by grpc."""

    async def ask():
        async with triton_grpc.InferenceServerClient(url.removeprefix("grpc://")) as client:
            tensors = []
            for name, array in inputs.items():
                tensors.append(triton_grpc.InferInput(name, array.shape, "FP32"))
                tensors[-1].set_data_from_numpy(array)
            return await client.infer(model, tensors)

    return asyncio.run(ask())


def control(url, method, *arguments):
    """Calls a method of a grpc client."""

    async def ask():
        async with triton_grpc.InferenceServerClient(url.removeprefix("grpc://")) as client:
            return await getattr(client, method)(*arguments)

    return asyncio.run(ask())


def metsum_inputs(rows=3):
    rng = np.random.default_rng(1)
    return {
        "cand": rng.normal(size=(rows, 6, 2)).astype(np.float32),
        "id": rng.normal(size=(rows, 6, 1)).astype(np.float32),
    }


def test_missing_installation_says_what_to_do(monkeypatch, repository, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ServerError, match="run `sonicmini server install`"):
        start(repository)


@pytest.mark.triton
def test_scores_are_those_of_a_local_run_bit_for_bit(triton, servers, repository):
    session = ort.InferenceSession(repository / "metsum" / "1" / "model.onnx")
    with start(repository, ONE) as started:
        for rows in (1, 4):
            inputs = metsum_inputs(rows)
            answer = infer(started.grpc_url, "metsum", inputs).as_numpy("met")
            assert np.array_equal(answer, session.run(["met"], inputs)[0])


@pytest.mark.triton
def test_bad_request_is_answered_and_the_next_one_served(triton, servers, repository):
    with start(repository, ONE) as started:
        good = {
            "pf": np.ones((1, 2, 4), np.float32),
            "pf_mask": np.ones((1, 1, 4), np.float32),
            "sv": np.ones((1, 3, 2), np.float32),
        }
        with pytest.raises(InferenceServerException, match="ONNXRuntimeError"):
            infer(started.grpc_url, "jetsum", good | {"pf_mask": np.ones((1, 1, 3), np.float32)})
        assert infer(started.grpc_url, "jetsum", good).as_numpy("score").shape == (1, 2)


@pytest.mark.triton
def test_only_wanted_models_are_served(triton, servers, repository):
    with start(repository, ServerOptions(instances=1, models=["metsum"])) as started:
        assert control(started.grpc_url, "is_model_ready", "metsum")
        assert not control(started.grpc_url, "is_model_ready", "jetsum")


@pytest.mark.triton
def test_checksums_and_gpu_instances_are_no_obstacle(triton, servers, repository):
    path = repository / "metsum" / "config.pbtxt"
    digest = "0" * 32
    group = "instance_group { kind: KIND_GPU count: 1 }\n"
    agent = f'parameters {{ key: "MD5:1/model.onnx" value: "{digest}" }}'
    agents = f'model_repository_agents {{ agents {{ name: "checksum" {agent} }} }}\n'
    good = path.read_text()
    path.write_text(good + group + agents)
    with pytest.raises(ModelError, match=r"has MD5 .*, config.pbtxt says 0000") as caught:
        start(repository, ONE)
    path.write_text(good + group + agents.replace(digest, str(caught.value).split()[-4][:-1]))
    with start(repository, ONE) as started:
        assert control(started.grpc_url, "is_model_ready", "metsum")


@pytest.mark.triton
def test_models_are_unloaded_and_loaded_if_that_is_allowed(triton, servers, repository):
    options = ServerOptions(instances=1, model_control="explicit")
    with start(repository, options) as started:
        assert control(started.grpc_url, "is_model_ready", "metsum")
        control(started.grpc_url, "unload_model", "metsum")
        assert not control(started.grpc_url, "is_model_ready", "metsum")
        control(started.grpc_url, "load_model", "metsum")
        assert infer(started.grpc_url, "metsum", metsum_inputs()).as_numpy("met").shape == (3, 2)


@pytest.mark.triton
def test_models_are_not_unloaded_otherwise(triton, servers, repository):
    refused = pytest.raises(InferenceServerException, match="not allowed")
    with start(repository, ONE) as started, refused:
        control(started.grpc_url, "unload_model", "metsum")


@pytest.mark.triton
def test_restart_on_the_same_ports_after_use(triton, servers, repository):
    ports = pick_ports(ServerOptions())
    options = ServerOptions(
        instances=1, http_port=ports.http, grpc_port=ports.grpc, metrics_port=ports.metrics
    )
    for _ in range(3):
        with start(repository, options) as started:
            assert started.http_url == f"http://{LOOPBACK}:{ports.http}"
            infer(started.grpc_url, "metsum", metsum_inputs())


@pytest.mark.triton
def test_port_taken_meanwhile_leads_to_another(triton, servers, repository, monkeypatch):
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        free = pick_ports(ServerOptions())
        clash = Ports(taken.getsockname()[1], free.grpc, free.metrics)
        answers = iter([clash])
        monkeypatch.setattr(
            server, "pick_ports", lambda options: next(answers, pick_ports(options))
        )
        with start(repository, ONE) as started:
            assert started.http_url != f"http://{LOOPBACK}:{clash.http}"


@pytest.mark.triton
def test_another_server_at_the_port_is_not_taken_for_ours(triton, servers, repository, monkeypatch):
    with start(repository, ONE) as first:
        taken = int(first.http_url.rpartition(":")[2])
        free = pick_ports(ServerOptions())
        clash = Ports(taken, free.grpc, free.metrics)
        monkeypatch.setattr(server, "pick_ports", lambda _: clash)
        given = ServerOptions(
            instances=1, http_port=taken, grpc_port=free.grpc, metrics_port=free.metrics
        )
        with pytest.raises(ServerError, match="already in use"):
            start(repository, given)


@pytest.mark.triton
def test_unreadable_network_is_told_with_the_log(triton, servers, repository):
    (repository / "metsum" / "1" / "model.onnx").write_bytes(b"no network")
    with pytest.raises(
        ServerError, match=r"did not start; its log says:(.|\n)*metsum(.|\n)*INVALID"
    ):
        start(repository, ONE)
    assert list(servers.glob("*")) == [servers / ".lock"]


@pytest.mark.triton
def test_time_limit_is_told(triton, servers, repository):
    with pytest.raises(ServerError, match=r"not ready within 0.001 s \(start_limit_s\)"):
        start(repository, ServerOptions(instances=1, start_limit_s=0.001))
    assert list(servers.glob("*")) == [servers / ".lock"]


@pytest.mark.triton
def test_start_is_given_up_when_told(triton, servers, repository):
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(ServerError, match="was given up"):
        start(repository, ONE, cancel=cancel)
    assert list(servers.glob("*")) == [servers / ".lock"]


@pytest.mark.triton
def test_server_that_computes_wrongly_does_not_start(
    triton, servers, repository, monkeypatch, tmp_path
):
    wrong = launch._MODEL.read_text() + (
        "\n\n_right = _array\n\n\ndef _array(tensor):\n"
        "    array = _right(tensor)\n    return np.zeros_like(array)\n"
    )
    (tmp_path / "model.py").write_text(wrong)
    monkeypatch.setattr(launch, "_MODEL", tmp_path / "model.py")
    with pytest.raises(ServerError, match=r"computes wrongly: .*FP32 5.5 came back as 0.0"):
        start(repository, ONE)
    assert list(servers.glob("*")) == [servers / ".lock"]


@pytest.mark.triton
def test_stop_in_spite_of_open_connections(triton, servers, repository):
    started = start(repository, ONE)
    port = int(started.http_url.rpartition(":")[2])
    with socket.create_connection((LOOPBACK, port)):
        started.stop()
    assert not started.alive()
    started.stop()  # once more does no harm
