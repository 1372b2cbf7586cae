"""Regions are used again, never written while a server may read them, and always freed."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from sonicmini.inference import shared_memory
from sonicmini.inference.shared_memory import Region, SharedInputs
from sonicmini.inference.wire import WireRequest
from sonicmini.inference.wire_fault import Fault, WireError

SHM = Path("/dev/shm")  # noqa: S108 - where Linux has shared memory
ROWS = {"x": np.arange(6, dtype="f4").reshape(3, 2), "flag": np.array([[True], [False], [True]])}


class Server:
    """A wire to a server that maps regions by their keys and answers with the inputs it finds."""

    def __init__(self):
        self.regions = {}
        self.calls = []
        self.fault = None
        self.register_fault = None
        self.in_use = 0
        self.gate = None

    async def register(self, region, key, size):
        self.calls.append("register")
        if self.register_fault is not None:
            raise WireError(self.register_fault, "no")
        assert (SHM / key.removeprefix("/")).stat().st_size >= size
        self.regions[region] = np.memmap(SHM / key.removeprefix("/"), "u1", "r", shape=(size,))

    async def unregister(self, region):
        self.calls.append("unregister")
        if self.in_use:
            self.in_use -= 1
            raise WireError(Fault.REGION, "currently in use")
        self.regions.pop(region, None)

    async def infer(self, request):
        self.calls.append("shared" if request.slots else "message")
        if self.gate is not None:
            await self.gate.wait()
        if self.fault is not None:
            raise WireError(self.fault, "no")
        if request.slots is None:
            return request.inputs
        return {name: self._read(request, name, slot) for name, slot in request.slots.items()}

    def _read(self, request, name, slot):
        if slot.region not in self.regions:
            raise WireError(Fault.REGION, "Unable to find shared memory region")
        part = self.regions[slot.region][slot.offset : slot.offset + slot.size]
        like = request.inputs[name]
        return part.tobytes(), like.dtype, like.shape


def request(rows=ROWS):
    return WireRequest(model="m", version="", inputs=rows, outputs=["y"])


def own_regions():
    return sorted(SHM.glob(f"sonicmini_{os.getpid()}_*"))


@pytest.fixture(autouse=True)
def _nothing_is_left():
    yield
    assert own_regions() == []


def run(story):
    async def told():
        server = Server()
        inputs = SharedInputs(server)  # type: ignore[arg-type]  # the part of it that is used
        try:
            return await story(server, inputs)
        finally:
            await inputs.close()
            assert own_regions() == []

    return asyncio.run(told())


def seen(answer):
    return {
        name: np.frombuffer(data, dtype).reshape(shape).tolist()
        for name, (data, dtype, shape) in answer.items()
    }


def test_server_finds_the_inputs_whatever_their_layout():
    rows = {"x": np.asfortranarray(ROWS["x"]), "flag": ROWS["flag"], "empty": np.ones((3, 0))}

    async def story(server, inputs):
        return seen(await inputs.infer(request(rows)))

    assert run(story) == {name: array.tolist() for name, array in rows.items()}


def test_region_is_registered_once_and_used_again():
    async def story(server, inputs):
        for _ in range(3):
            await inputs.infer(request())
        assert len(own_regions()) == 1
        return server.calls

    assert run(story) == ["register", "shared", "shared", "shared", "unregister"]


def test_requests_at_the_same_time_have_regions_of_their_own():
    async def story(server, inputs):
        server.gate = asyncio.Event()
        rows = [{"x": np.full((2, 2), float(i))} for i in range(4)]
        tasks = [asyncio.create_task(inputs.infer(request(row))) for row in rows]
        while server.calls.count("shared") < 4:
            await asyncio.sleep(0)
        server.gate.set()
        answers = [seen(answer) for answer in await asyncio.gather(*tasks)]
        assert answers == [{"x": row["x"].tolist()} for row in rows]
        assert len(own_regions()) == 4
        await inputs.infer(request())
        assert len(own_regions()) == 4

    run(story)


def test_regions_grow_and_the_small_one_goes():
    async def story(server, inputs):
        await inputs.infer(request())
        big = {"x": np.ones((1000, 1000))}
        assert seen(await inputs.infer(request(big)))["x"] == big["x"].tolist()
        assert [path.stat().st_size for path in own_regions()] == [1 << 23]
        await inputs.infer(request())
        assert len(own_regions()) == 1

    run(story)


def test_requests_without_bytes_are_sent():
    async def story(server, inputs):
        await inputs.infer(request({"x": np.ones((0, 2))}))
        return server.calls

    assert run(story) == ["message"]


@pytest.mark.parametrize(
    "fault", [Fault.ABSENT, Fault.FAILED, Fault.MODEL, Fault.REFUSED, Fault.REGION]
)
def test_server_that_cannot_open_regions_gets_messages(fault):
    async def story(server, inputs):
        server.register_fault = fault
        for _ in range(3):
            assert await inputs.infer(request()) == ROWS
        assert own_regions() == []
        return server.calls

    assert run(story) == ["register", "message", "message", "message", "unregister"]


def test_server_that_does_not_answer_a_registration_is_a_fault():
    async def story(server, inputs):
        server.register_fault = Fault.LOST
        with pytest.raises(WireError):
            await inputs.infer(request())
        server.register_fault = None
        await inputs.infer(request())
        return server.calls

    assert run(story)[:3] == ["register", "register", "shared"]


def test_restarted_server_is_told_anew():
    async def story(server, inputs):
        await inputs.infer(request())
        server.regions.clear()
        assert seen(await inputs.infer(request()))["x"] == ROWS["x"].tolist()
        return server.calls

    calls = run(story)
    assert calls == ["register", "shared", "shared", "register", "shared", "unregister"]


def test_server_that_never_finds_regions_gets_messages():
    async def story(server, inputs):
        server.fault = Fault.REGION
        with pytest.raises(WireError):  # this server fails messages, too
            await inputs.infer(request())
        server.fault = None
        assert await inputs.infer(request()) == ROWS
        return server.calls

    calls = run(story)
    assert calls == ["register", "shared", "register", "shared", "message", "message", "unregister"]


@pytest.mark.parametrize(
    ("fault", "again"),
    [(Fault.REFUSED, True), (Fault.MODEL, True), (Fault.LOST, False), (Fault.SILENT, False)],
)
def test_region_of_a_request_without_an_answer_is_never_written_again(fault, again):
    async def story(server, inputs):
        server.fault = fault
        with pytest.raises(WireError):
            await inputs.infer(request())
        left = own_regions()
        (mapped,) = server.regions.values()
        before = mapped.tobytes()
        server.fault = None
        await inputs.infer(request({"x": -ROWS["x"]}))
        assert (mapped.tobytes() == before) is not again
        return left != []

    assert run(story) is again


def test_region_of_a_cancelled_request_loses_its_name_and_is_unmapped_at_the_end():
    async def story(server, inputs):
        server.gate = asyncio.Event()
        task = asyncio.create_task(inputs.infer(request()))
        while "shared" not in server.calls:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert own_regions() == []
        assert len(server.regions) == 1
        server.in_use = 2
        await inputs.close()
        assert server.calls.count("unregister") == 3
        assert server.regions == {}

    run(story)


def test_abandoned_regions_are_unmapped_after_a_while(monkeypatch):
    monkeypatch.setattr(shared_memory, "_QUARANTINE_S", 0.0)

    async def story(server, inputs):
        server.fault = Fault.SILENT
        for _ in range(5):
            with pytest.raises(WireError):
                await inputs.infer(request())
        assert len(server.regions) == 1

    run(story)


def test_too_little_shared_memory_means_messages(monkeypatch):
    def full(path, size):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shared_memory, "_reserve", full)

    async def story(server, inputs):
        assert await inputs.infer(request()) == ROWS
        return server.calls

    assert run(story) == ["message"]


def test_more_than_there_is_cannot_be_reserved():
    with pytest.raises(OSError, match=r"No space left|Cannot allocate|too large"):
        Region(1 << 60)


CHILD = """
    import sys, time, warnings
    warnings.simplefilter("error")
    from sonicmini.inference.shared_memory import Region
    region = Region(1 << 16)
    print(region.name, flush=True)
    if "wait" in sys.argv:
        time.sleep(60)
    region.remove()
"""


def child(*arguments):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_nothing_is_said_when_all_is_freed():
    out, err = child().communicate(timeout=60)
    assert out.startswith("sonicmini_")
    assert err == ""


def test_region_of_a_killed_process_is_removed():
    process = child("wait")
    assert process.stdout is not None
    path = SHM / process.stdout.readline().strip()
    assert path.exists()
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    deadline = time.monotonic() + 30
    while path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not path.exists()
