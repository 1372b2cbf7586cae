"""Local inference gives what the network computes, or an error that names it."""

import asyncio

import numpy as np
import pytest

from sonicmini.errors import InferenceError, ModelError
from sonicmini.inference.onnx import OnnxClient
from sonicmini.inference.repository import ModelRepository


async def run_here(function):
    return function()


def client_of(repository, *models):
    return OnnxClient(ModelRepository(repository).specs(models), run_here)


def test_network_is_evaluated(repository):
    client = client_of(repository, "metsum")
    rng = np.random.default_rng(1)
    cand = rng.normal(size=(3, 6, 2)).astype(np.float32)
    kind = rng.normal(size=(3, 6, 1)).astype(np.float32)
    outputs = asyncio.run(client.infer("metsum", {"cand": cand, "id": kind}))
    assert set(outputs) == {"met"}
    np.testing.assert_allclose(outputs["met"], (cand * kind).sum(1), rtol=1e-5)


def test_everything_runs_where_it_is_told_to(repository):
    ran = []

    async def run(function):
        ran.append(function)
        return function()

    client = OnnxClient(ModelRepository(repository).specs(["metsum"]), run)
    inputs = {"cand": np.zeros((1, 6, 2), np.float32), "id": np.zeros((1, 6, 1), np.float32)}
    asyncio.run(client.infer("metsum", inputs))
    assert len(ran) == 1


@pytest.mark.parametrize(
    "inputs",
    [
        {"cand": np.zeros((1, 5, 2), np.float32), "id": np.zeros((1, 6, 1), np.float32)},
        {"cand": np.zeros((1, 6, 2)), "id": np.zeros((1, 6, 1), np.float32)},
        {"cand": np.zeros((1, 6, 2), np.float32)},
    ],
)
def test_refused_inputs_name_the_model(repository, inputs):
    with pytest.raises(InferenceError, match="model metsum/1 in onnxruntime: "):
        asyncio.run(client_of(repository, "metsum").infer("metsum", inputs))


def test_model_of_another_job_is_refused(repository):
    with pytest.raises(ModelError, match="jetsum is not among the job's models: metsum"):
        asyncio.run(client_of(repository, "metsum").infer("jetsum", {}))


def test_unreadable_and_differing_networks_are_found_when_loading(repository):
    (repository / "metsum/1/model.onnx").write_bytes(b"no network")
    config = repository / "jetsum/config.pbtxt"
    config.write_text(config.read_text().replace("dims: [ 3, -1 ]", "dims: [ 4, -1 ]"))
    client = client_of(repository, "metsum", "jetsum")
    with pytest.raises(ModelError) as raised:
        client.load()
    assert "model.onnx is unreadable" in str(raised.value)
    assert "input sv float32[4, -1] has dims [3, -1] there" in str(raised.value)


def test_loaded_before_or_at_first_use_is_the_same(repository):
    inputs = {"cand": np.ones((1, 6, 2), np.float32), "id": np.ones((1, 6, 1), np.float32)}
    late, early = client_of(repository, "metsum"), client_of(repository, "metsum")
    early.load()
    for client in (late, early):
        assert asyncio.run(client.infer("metsum", inputs))["met"].tolist() == [[6, 6]]
