"""A client, a proxy that breaks things, a real Triton: every call ends as it should, and heals."""

import asyncio
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from sonicmini.errors import ServerError, UnavailableError
from sonicmini.inference.address import ServerAddress
from sonicmini.inference.embedded.options import ServerOptions
from sonicmini.inference.embedded.server import start
from sonicmini.inference.known import known_inputs
from sonicmini.inference.onnx import OnnxClient
from sonicmini.inference.proxy.faults import (
    BlackHole,
    Cut,
    Freeze,
    Garbage,
    GoAway,
    NanScores,
    Random,
    Refuse,
    Reset,
    ShortTensor,
    Status,
    WrongShape,
)
from sonicmini.inference.proxy.line import Cable
from sonicmini.inference.proxy.server import ProxyServer
from sonicmini.inference.repository import ModelRepository
from sonicmini.inference.route import Direct
from sonicmini.inference.service import InferenceService
from sonicmini.inference.triton import TritonClient, WireOptions
from sonicmini.resources import bundled

pytestmark = pytest.mark.triton

MODELS = bundled("models")
MODEL = "deepmet"
SERVER = ServerOptions(instances=1, models=[MODEL])
SPECS = ModelRepository(MODELS).specs([MODEL])
INPUTS = known_inputs(SPECS[MODEL])
OUTPUT = SPECS[MODEL].outputs[0].name

SHARED = Path("/dev/shm")  # noqa: S108 where Linux has its shared memory

CALL_S = 1.5
"""Limit of time of calls that are to run into it."""
PATIENT_S = 20.0
"""Limit of time of all others."""
HANG_S = 30.0


@pytest.fixture(scope="module")
def server():
    with start(MODELS, SERVER) as running:
        yield running


@pytest.fixture(scope="module")
def expected():
    async def here(function):
        return function()

    return asyncio.run(OnnxClient(SPECS, here).infer(MODEL, INPUTS))[OUTPUT]


class Setup:
    """A proxy in front of the server, and a client that talks to it."""

    def __init__(
        self, server, scheme, shared_memory="never", timeout_s=PATIENT_S, compression="none"
    ):
        self.scheme = scheme
        self.proxy = ProxyServer(*self._target(server))
        self.options = WireOptions(
            timeout_s=timeout_s, shared_memory=shared_memory, compression=compression
        )

    def _target(self, server):
        url = server.grpc_url if self.scheme == "grpc" else server.http_url
        address = ServerAddress.parse(url)
        return address.host, address.port

    async def aim_at(self, server):
        await self.proxy.aim(*self._target(server))

    async def __aenter__(self):
        await self.proxy.__aenter__()
        address = ServerAddress.parse(f"{self.scheme}://127.0.0.1:{self.proxy.port}")
        self.client = TritonClient(address, SPECS, options=self.options)
        return self

    async def __aexit__(self, *_):
        try:
            await self.client.close()
        finally:
            await self.proxy.__aexit__()

    async def answer(self):
        return (await self.client.infer(MODEL, INPUTS))[OUTPUT]

    async def healed(self):
        """The first answer; grpc opens a new connection only after a while."""
        deadline = time.monotonic() + HANG_S
        while True:
            try:
                return await self.answer()
            except UnavailableError:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)

    async def failure(self):
        """The error of a call, and how long it took."""
        started = time.monotonic()
        with pytest.raises(ServerError) as caught:
            async with asyncio.timeout(HANG_S):
                await self.client.infer(MODEL, INPUTS)
        return caught.value, time.monotonic() - started

    async def injected(self, fault):
        return (await self.proxy.counters()).injected[fault.name]


def shared_regions():
    return {path.name for path in SHARED.glob(f"sonicmini_{os.getpid()}_*")}


BREAKS = [
    Refuse(),
    Reset(),
    Reset(100),
    Reset(10**9),
    Reset(of="request"),
    Reset(400, of="request"),
    Cut(),
    Cut(100),
    Cut(10**9),
    Garbage(),
    Garbage(5000, seed=3),
    Status(503),
    Status(429),
    Status(500),
    Status(504),
    ShortTensor(),
    ShortTensor(3),
]
HTTP_BREAKS = [
    Status(503, retry_after_s=1),
    Status(429, retry_after_s=1),
    Status(502),
    ShortTensor(4, declared=False),
]
SILENCES = [BlackHole(), Freeze(), Freeze(for_s=60)]
EVERY = [
    *(("http", fault) for fault in (*BREAKS, *HTTP_BREAKS)),
    *(("grpc", fault) for fault in (*BREAKS, GoAway())),
]


@pytest.mark.parametrize("shared_memory", ["never", "always"])
@pytest.mark.parametrize(("scheme", "fault"), EVERY, ids=str)
def test_a_broken_call_is_worth_another_try(server, expected, scheme, fault, shared_memory):
    async def main():
        async with Setup(server, scheme, shared_memory) as setup:
            np.testing.assert_allclose(await setup.answer(), expected, rtol=1e-5)
            await setup.proxy.set(fault)
            error, took_s = await setup.failure()
            assert await setup.injected(fault) > 0
            await setup.proxy.set(None)
            np.testing.assert_allclose(await setup.healed(), expected, rtol=1e-5)
            return error, took_s, setup.client.name

    error, took_s, name = asyncio.run(main())
    assert type(error) is UnavailableError
    assert str(error).startswith(f"model {MODEL} on {name}: ")
    assert "\n" not in str(error)
    assert took_s < PATIENT_S
    assert shared_regions() == set()


@pytest.mark.parametrize("shared_memory", ["never", "always"])
@pytest.mark.parametrize("scheme", ["http", "grpc"])
@pytest.mark.parametrize("fault", SILENCES, ids=str)
def test_silence_ends_at_the_limit_of_time(server, expected, scheme, fault, shared_memory):
    async def main():
        async with Setup(server, scheme, shared_memory, CALL_S) as setup:
            np.testing.assert_allclose(await setup.healed(), expected, rtol=1e-5)
            await setup.proxy.set(fault)
            error, took_s = await setup.failure()
            assert await setup.injected(fault) > 0
            await setup.proxy.set(None)
            np.testing.assert_allclose(await setup.healed(), expected, rtol=1e-5)
            return error, took_s

    error, took_s = asyncio.run(main())
    assert type(error) is UnavailableError
    assert "no answer in time: waited 1.5 s" in str(error)
    assert CALL_S * 0.99 < took_s < CALL_S + 10
    assert shared_regions() == set()


@pytest.mark.parametrize("scheme", ["http", "grpc"])
@pytest.mark.parametrize("fault", [WrongShape(), WrongShape((4, 1)), NanScores()], ids=str)
def test_an_answer_that_cannot_be_used_is_not_asked_for_again(server, expected, fault, scheme):
    async def here(function):
        return function()

    async def main():
        async with Setup(server, scheme) as setup:
            route = Direct(setup.client.name, setup.client)
            service = InferenceService({MODEL: (SPECS[MODEL], route)}, here)
            await setup.proxy.set(fault)
            with pytest.raises(ServerError) as caught:
                await service.infer(MODEL, INPUTS)
            assert await setup.injected(fault) == 1
            await setup.proxy.set(None)
            answer = await service.infer(MODEL, INPUTS)
            np.testing.assert_allclose(np.asarray(answer[OUTPUT]), expected, rtol=1e-5)
            return caught.value, setup.client.name

    error, name = asyncio.run(main())
    assert not isinstance(error, UnavailableError)
    assert MODEL in str(error)
    assert OUTPUT in str(error)
    assert name in str(error)


@pytest.mark.parametrize(
    ("scheme", "code"),
    [*(("http", code) for code in (400, 401, 403, 413, 422)), ("grpc", 400), ("grpc", 403)],
)
def test_a_refusal_is_not_worth_another_try(server, scheme, code):
    async def main():
        async with Setup(server, scheme) as setup:
            await setup.proxy.set(Status(code))
            return (await setup.failure())[0]

    assert type(asyncio.run(main())) is ServerError


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_calls_under_way_together_fail_together_and_heal(server, expected, scheme):
    async def main():
        async with Setup(server, scheme) as setup:
            await setup.answer()
            await setup.proxy.set(Freeze())
            asked = (await setup.proxy.counters()).infer_requests
            calls = [asyncio.create_task(setup.answer()) for _ in range(6)]
            while (await setup.proxy.counters()).infer_requests < asked + len(calls):
                await asyncio.sleep(0.01)
            await setup.proxy.drop()
            await setup.proxy.set(Refuse())
            async with asyncio.timeout(HANG_S):
                errors = await asyncio.gather(*calls, return_exceptions=True)
            await setup.proxy.set(None)
            np.testing.assert_allclose(await setup.healed(), expected, rtol=1e-5)
            return errors

    assert {type(error) for error in asyncio.run(main())} == {UnavailableError}


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_what_was_frozen_arrives_when_it_thaws(server, expected, scheme):
    async def main():
        async with Setup(server, scheme) as setup:
            np.testing.assert_allclose(await setup.answer(), expected, rtol=1e-5)
            await setup.proxy.set(Freeze())
            asked = (await setup.proxy.counters()).infer_requests
            calls = [asyncio.create_task(setup.answer()) for _ in range(4)]
            while (await setup.proxy.counters()).infer_requests < asked + len(calls):
                await asyncio.sleep(0.01)
            assert not any(call.done() for call in calls)
            await setup.proxy.set(None)
            for answer in await asyncio.gather(*calls):
                np.testing.assert_allclose(answer, expected, rtol=1e-5)

    asyncio.run(main())


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_slow_cable_costs_time_only(server, expected, scheme):
    """400 kB of inputs."""

    async def main():
        async with Setup(server, scheme) as setup:
            await setup.proxy.set_cable(Cable(delay_s=0.1, bytes_per_s=2e6))
            started = time.monotonic()
            np.testing.assert_allclose(await setup.answer(), expected, rtol=1e-5)
            return time.monotonic() - started

    assert asyncio.run(main()) > 0.25


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_other_questions_survive_as_well(server, scheme):
    async def main():
        async with Setup(server, scheme, timeout_s=CALL_S) as setup:
            for fault in (Reset(), Cut(), Garbage(), Refuse(), BlackHole()):
                await setup.proxy.set(fault, only_infer=False)
                for ask in (
                    setup.client.check_ready,
                    setup.client.index,
                    lambda: setup.client.signature(MODEL),
                    lambda: setup.client.statistics(MODEL),
                ):
                    with pytest.raises(UnavailableError):
                        async with asyncio.timeout(HANG_S):
                            await ask()
            await setup.proxy.set(None)
            np.testing.assert_equal((await setup.healed()).shape, (2, 2))
            await setup.client.check_ready()
            assert MODEL in (await setup.client.index() or ())

    asyncio.run(main())


@pytest.mark.parametrize("shared_memory", ["never", "always"])
@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_random_faults_never_change_an_answer(server, expected, scheme, shared_memory):
    """Three workers, 40 answers each, whatever it takes."""
    faults = [Reset(), Reset(100), Reset(of="request"), Cut(), Cut(100), Garbage(), BlackHole()]
    faults += [Refuse(for_s=0.05), Freeze(for_s=0.1)]
    faults += [Status(503), Status(429), ShortTensor()]
    faults += [GoAway()] if scheme == "grpc" else []

    async def work(setup):
        for _ in range(40):
            np.testing.assert_allclose(await setup.healed(), expected, rtol=1e-5)

    async def main():
        async with Setup(server, scheme, shared_memory, CALL_S) as setup:
            await setup.proxy.set(Random(tuple(faults), probability=0.15, seed=11))
            await asyncio.gather(*(work(setup) for _ in range(3)))
            assert (await setup.proxy.counters()).faults > 10
            await setup.proxy.set(None)
        await asyncio.sleep(0)
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(main()) == set()
    assert shared_regions() == set()


@pytest.mark.parametrize("shared_memory", ["never", "always"])
@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_cancelled_call_harms_no_other(server, expected, scheme, shared_memory):
    async def main():
        async with Setup(server, scheme, shared_memory) as setup:
            # As many at a time as later on: their memory is known to the server.
            await asyncio.gather(*(setup.answer() for _ in range(4)))
            await setup.proxy.set(Freeze())
            asked = (await setup.proxy.counters()).infer_requests
            calls = [asyncio.create_task(setup.answer()) for _ in range(4)]
            while (await setup.proxy.counters()).infer_requests < asked + len(calls):
                await asyncio.sleep(0.01)
            for call in calls[::2]:
                call.cancel()
            cancelled = await asyncio.gather(*calls[::2], return_exceptions=True)
            assert {type(error) for error in cancelled} == {asyncio.CancelledError}
            await setup.proxy.set(None)
            for answer in (*await asyncio.gather(*calls[1::2]), await setup.answer()):
                np.testing.assert_allclose(answer, expected, rtol=1e-5)

    asyncio.run(main())
    assert shared_regions() == set()


@pytest.mark.parametrize("fault", [Refuse(), Freeze(), BlackHole()], ids=str)
@pytest.mark.parametrize("shared_memory", ["never", "always"])
@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_closing_does_not_wait_for_a_server_that_is_away(server, scheme, shared_memory, fault):
    async def main():
        async with Setup(server, scheme, shared_memory, CALL_S) as setup:
            await setup.healed()
            await setup.proxy.set(fault, only_infer=False)
            started = time.monotonic()
        return time.monotonic() - started

    assert asyncio.run(main()) < CALL_S + 10
    assert shared_regions() == set()


def test_closing_twice_is_closing_once(server):
    async def main():
        async with Setup(server, "http", "always", CALL_S) as setup:
            await setup.healed()
            await setup.proxy.set(Freeze())
            await setup.client.close()

    asyncio.run(main())


@pytest.mark.parametrize("compression", ["gzip", "deflate"])
@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_packed_calls_break_and_heal(server, expected, scheme, compression):
    async def main():
        async with Setup(server, scheme, compression=compression) as setup:
            np.testing.assert_allclose(await setup.answer(), expected, rtol=1e-5)
            for fault in (Reset(100), Cut(200), Garbage(), Status(503)):
                await setup.proxy.set(fault)
                error, _ = await setup.failure()
                assert type(error) is UnavailableError
                assert await setup.injected(fault) > 0
                await setup.proxy.set(None)
                np.testing.assert_allclose(await setup.healed(), expected, rtol=1e-5)

    asyncio.run(main())


@pytest.mark.parametrize("shared_memory", ["never", "always"])
@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_server_that_was_restarted_answers_again(server, expected, scheme, shared_memory):
    """Killed with a request under way; the next one has another port and knows no regions."""

    async def main(doomed):
        async with Setup(doomed, scheme, shared_memory) as setup:
            np.testing.assert_allclose(await setup.answer(), expected, rtol=1e-5)
            os.kill(doomed.pid, signal.SIGSTOP)
            call = asyncio.create_task(setup.answer())
            while (await setup.proxy.counters()).infer_requests < 2:
                await asyncio.sleep(0.01)
            os.kill(doomed.pid, signal.SIGKILL)
            with pytest.raises(UnavailableError):
                await call
            await setup.aim_at(server)
            np.testing.assert_allclose(await setup.healed(), expected, rtol=1e-5)

    with start(MODELS, SERVER) as doomed:
        asyncio.run(main(doomed))
    assert shared_regions() == set()
