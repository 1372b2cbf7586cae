"""Calls of any number of ragged rows get one answer per row, in order, on a real network."""

import asyncio

import numpy as np
import pytest

from sonicmini.errors import InferenceError
from sonicmini.event import Ragged
from sonicmini.inference.batching import Batching
from sonicmini.inference.mock import MockClient
from sonicmini.inference.onnx import OnnxClient
from sonicmini.inference.repository import ModelRepository
from sonicmini.inference.route import Direct
from sonicmini.inference.service import InferenceService, RequestRecord, ServiceOptions


async def run_here(function):
    return function()


def make_service(repository, client=None, on_request=None, **options):
    specs = ModelRepository(repository).specs(["jetsum", "metsum"])
    backend = Direct("here", client or OnnxClient(specs, run_here))
    models = {name: (spec, backend) for name, spec in specs.items()}
    return InferenceService(
        models, run_here, options=ServiceOptions(**options), on_request=on_request
    )


def jets(rng, objects):
    pf_counts, sv_counts = rng.integers(0, 60, objects), rng.integers(0, 6, objects)
    return {
        "pf": Ragged(rng.normal(size=(pf_counts.sum(), 2)).astype(np.float32), pf_counts, 1),
        "pf_mask": Ragged(np.ones((pf_counts.sum(), 1), np.float32), pf_counts, 1),
        "sv": Ragged(rng.normal(size=(sv_counts.sum(), 3)).astype(np.float32), sv_counts, 1),
    }


def expected_scores(inputs):
    pf, sv = inputs["pf"], inputs["sv"]
    pf_rows = np.split(np.tanh(pf.content.prod(1)), np.cumsum(pf.counts)[:-1])
    sv_rows = np.split(sv.content.sum(1), np.cumsum(sv.counts)[:-1])
    return [[a.sum(), b.sum()] for a, b in zip(pf_rows, sv_rows, strict=True)]


def part(inputs, start, stop):
    return {
        name: Ragged(
            value.content[value.counts[:start].sum() : value.counts[:stop].sum()],
            value.counts[start:stop],
            value.axis,
        )
        for name, value in inputs.items()
    }


BATCHINGS = [
    Batching(),
    Batching(max_rows=1),
    Batching(max_rows=5, buckets=(64,)),
    Batching(max_bytes=700, buckets=()),
    Batching(buckets=(3, 17)),
]


@pytest.mark.parametrize("batching", BATCHINGS)
@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_scores_do_not_depend_on_chunk_bucket_or_batch(repository, batching, chunk):
    inputs = jets(np.random.default_rng(5), 100)
    service = make_service(repository, batching=batching)

    async def all_chunks():
        return [
            (await service.infer("jetsum", part(inputs, start, start + chunk)))["score"]
            for start in range(0, 100, chunk)
        ]

    scores = np.concatenate(asyncio.run(all_chunks()))
    np.testing.assert_allclose(scores, expected_scores(inputs), rtol=1e-5, atol=1e-5)


def test_no_rows_no_request(repository):
    client = MockClient({})
    outputs = asyncio.run(
        make_service(repository, client).infer("jetsum", jets(np.random.default_rng(6), 0))
    )
    assert outputs["score"].shape == (0, 2)
    assert client.calls == []


def test_every_request_is_observed(repository):
    seen: list[RequestRecord] = []
    inputs = {"cand": np.ones((6, 6, 2), np.float32), "id": np.ones((6, 6, 1), np.float32)}
    service = make_service(repository, on_request=seen.append)
    asyncio.run(service.infer("metsum", inputs))
    assert [record.rows for record in seen] == [3, 3]  # its max_batch_size is 4
    assert {(record.model, record.backend) for record in seen} == {("metsum", "here")}
    assert {(record.bytes_in, record.bytes_out) for record in seen} == {(3 * 18 * 4, 3 * 2 * 4)}
    assert all(0 < record.latency_s < 10 for record in seen)


class SlowClient:
    """Answers later requests sooner; counts how many are in flight."""

    def __init__(self):
        self.now = self.most = self.asked = self.cancelled = 0

    async def infer(self, model, inputs):
        self.now += 1
        self.asked += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(0.02 / self.asked)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.now -= 1
        if inputs["id"][0, 0, 0] == 13:
            raise InferenceError(f"model {model} has no luck")
        return {"met": inputs["cand"][:, 0]}


def test_requests_are_in_flight_up_to_the_bound_and_answers_in_order(repository):
    client = SlowClient()
    service = make_service(repository, client, requests_in_flight=3, batching=Batching(max_rows=1))
    cand = np.arange(10 * 12, dtype=np.float32).reshape(10, 6, 2)
    outputs = asyncio.run(
        service.infer("metsum", {"cand": cand, "id": np.zeros((10, 6, 1), np.float32)})
    )
    np.testing.assert_array_equal(outputs["met"], cand[:, 0])
    assert client.most == 3


def test_first_failure_is_raised_plainly_and_stops_the_others(repository):
    client = SlowClient()
    service = make_service(repository, client, requests_in_flight=2, batching=Batching(max_rows=1))
    ids = np.zeros((10, 6, 1), np.float32)
    ids[1] = 13
    with pytest.raises(InferenceError, match="metsum has no luck"):
        asyncio.run(service.infer("metsum", {"cand": np.zeros((10, 6, 2), np.float32), "id": ids}))
    assert client.asked < 10
    assert client.now == 0


def test_unknown_model_and_ragged_answer(repository):
    with pytest.raises(InferenceError, match="other is not among the job's models: jetsum, metsum"):
        asyncio.run(make_service(repository).infer("other", {}))
    ragged = Ragged(np.ones((1, 2), np.float32), np.ones(1, int))
    client = MockClient({"metsum": lambda _: {"met": ragged}})
    inputs = {"cand": np.ones((1, 6, 2), np.float32), "id": np.ones((1, 6, 1), np.float32)}
    with pytest.raises(InferenceError, match="rows of variable length"):
        asyncio.run(make_service(repository, client).infer("metsum", inputs))
