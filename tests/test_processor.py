"""The schedule and the event loop, with modules and sources made for the purpose."""

import asyncio
import random
from dataclasses import dataclass, field

import awkward as ak
import numpy as np
import pytest

from sonicmini.errors import InferenceError, ModuleError, first_fault
from sonicmini.event import Chunk
from sonicmini.graph import build_graph
from sonicmini.inference.mock import MockClient
from sonicmini.module import Producer, SonicProducer
from sonicmini.processor import EventProcessor
from sonicmini.report import Report
from sonicmini.schedule import Schedule
from sonicmini.testing import run_module
from sonicmini.workers import Workers


@dataclass(frozen=True, kw_only=True)
class Double(Producer):
    """y = 2 x."""

    consumes = ("x",)
    produces = ("y",)

    def produce(self, inputs):
        return {"y": 2 * inputs["x"]}


@dataclass(frozen=True, kw_only=True)
class Square(SonicProducer):
    """z = y^2, by a network."""

    consumes = ("y",)
    produces = ("z",)
    model: str = "square"

    def acquire(self, inputs):
        return {"in": ak.to_numpy(inputs["y"])}

    def produce(self, inputs, outputs):
        return {"z": ak.Array(outputs["out"])}


@dataclass(frozen=True, kw_only=True)
class Broken(Producer):
    """Fails on one event."""

    consumes = ("x",)
    produces = ("w",)
    bad: int = 33

    def produce(self, inputs):
        if self.bad in ak.to_list(inputs["x"]):
            raise ZeroDivisionError("cannot")
        return {"w": inputs["x"]}


class SlowClient:
    """Squares after a random delay, and counts calls under way."""

    def __init__(self):
        self.under_way = self.most = 0

    async def infer(self, model, inputs):
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(random.uniform(0, 0.01))  # noqa: S311 - no secret
        self.under_way -= 1
        return {"out": inputs["in"] ** 2}


@dataclass
class Numbers:
    """Events 0 to n - 1 in chunks of any size; knows how many chunks are alive."""

    n: int
    size: int
    read: int = 0

    def chunks(self):
        for start in range(0, self.n, self.size):
            self.read += 1
            stop = min(start + self.size, self.n)
            yield Chunk("numbers", start, stop, {"x": ak.Array(np.arange(start, stop))})


@dataclass
class Collect:
    """Keeps what is written."""

    source: Numbers
    written: list[Chunk] = field(default_factory=list)
    most_alive: int = 0

    def write(self, chunk):
        self.most_alive = max(self.most_alive, self.source.read - len(self.written))
        self.written.append(chunk)


def process(modules, source, client=None, streams=4, threads=2, **more):
    workers = Workers(threads)
    sink = Collect(source)
    clients = dict.fromkeys(modules, client or MockClient({}))
    schedule = Schedule(modules, build_graph(modules, {"x"}), clients=clients, workers=workers)
    processor = EventProcessor(
        source=source, schedule=schedule, sink=sink, workers=workers, streams=streams, **more
    )
    report = Report()
    done: list[int] = []
    try:
        asyncio.run(processor.run(report, done.append))
    finally:
        workers.close()
    assert sum(done) == report.events
    return sink, report


@pytest.mark.parametrize("streams", [1, 3, 8])
@pytest.mark.parametrize("size", [1, 7, 100])
def test_every_event_once_and_in_input_order(streams, size):
    source = Numbers(100, size)
    client = SlowClient()
    sink, report = process({"sq": Square(), "dbl": Double()}, source, client, streams)
    z = np.concatenate([ak.to_numpy(chunk.products["z"]) for chunk in sink.written])
    assert z.tolist() == [4 * i * i for i in range(100)]
    assert report.events == 100
    assert report.inputs == [("numbers", 0, 100)]
    assert sink.most_alive <= streams
    assert client.most <= streams
    if size < 100 / streams:
        assert client.most >= min(streams, 2)
    chunks = -(-100 // size)
    assert report.phases[("sq", "infer")].calls == chunks
    assert report.phases[("source", "read")].calls == chunks + 1


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_skim_leaves_events_out(size):
    def even(chunk):
        return chunk.select(np.asarray(chunk.products["x"] % 2 == 0))

    source = Numbers(100, size)
    sink, report = process({"sq": Square(), "dbl": Double()}, source, SlowClient(), skim=even)
    z = np.concatenate([ak.to_numpy(chunk.products["z"]) for chunk in sink.written])
    assert z.tolist() == [4 * i * i for i in range(0, 100, 2)]
    assert (report.events, report.events_written) == (100, 50)
    assert [chunk.size for chunk in sink.written] == [
        len(range(start + start % 2, min(start + size, 100), 2)) for start in range(0, 100, size)
    ]
    assert report.phases[("skim", "select")].calls == len(sink.written)


def test_no_events_is_no_fault():
    sink, report = process({"dbl": Double()}, Numbers(0, 10))
    assert sink.written == []
    assert report.events == 0


def test_a_failing_module_is_named_with_its_events():
    source = Numbers(100, 10)
    with pytest.raises(ExceptionGroup) as raised:
        process({"bad": Broken()}, source)
    error = first_fault(raised.value)
    assert isinstance(error, ModuleError)
    assert str(error) == "module bad failed on numbers[30:40]: ZeroDivisionError: cannot"


def test_a_network_without_answer_names_module_and_events():
    with pytest.raises(InferenceError, match="no function for model square") as raised:
        run_module(Square(), {"y": ak.Array([1.0])}, MockClient({}))
    assert raised.value.__notes__ == ["in module module on test[0:1]"]


def test_run_module_gives_the_products():
    client = MockClient({"square": lambda inputs: {"out": np.asarray(inputs["in"]) ** 2}})
    assert run_module(Double(), {"x": ak.Array([1, 2])})["y"].tolist() == [2, 4]
    assert run_module(Square(), {"y": ak.Array([3.0])}, client)["z"].tolist() == [9.0]


def test_run_module_wants_a_client_for_a_network():
    with pytest.raises(ValueError, match="give a client"):
        run_module(Square(), {"y": ak.Array([1.0])})


def test_products_must_be_those_declared():
    @dataclass(frozen=True, kw_only=True)
    class Liar(Producer):
        """Declares y, makes z."""

        consumes = ("x",)
        produces = ("y",)

        def produce(self, inputs):
            return {"z": inputs["x"]}

    with pytest.raises(ModuleError, match=r"declares the products \['y'\] but made \['z'\]"):
        run_module(Liar(), {"x": ak.Array([1])})


def test_a_product_needs_one_entry_per_event():
    chunk = Chunk("f", 0, 3)
    with pytest.raises(ModuleError, match="has 2 entries"):
        chunk.put({"x": ak.Array([1, 2])})


def test_a_product_is_written_once():
    chunk = Chunk("f", 0, 1, {"x": ak.Array([1])})
    with pytest.raises(ModuleError, match="second time"):
        chunk.put({"x": ak.Array([1])})
