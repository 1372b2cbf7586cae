"""A request ends in an answer, the fallback's answer, or one error that tells every try."""

import asyncio

import numpy as np
import pytest

from sonicmini.errors import ModelError, ServerError, UnavailableError
from sonicmini.inference.batching import Dense
from sonicmini.inference.link import Load
from sonicmini.inference.mock import MockClient
from sonicmini.inference.route import Direct, Persistence, Servers
from sonicmini.overlap import Overlap
from tests.inference.fakes import FakeServer, link, refusal

INPUTS: Dense = {"x": np.ones((2, 3), np.float32)}
LOCAL = Direct("local", MockClient({"net": dict}))


def away(count):
    return [UnavailableError(f"fault {n}") for n in range(count)]


async def closed(route, *requests):
    try:
        return [await request for request in requests]
    finally:
        for one in route.links:
            await one.close()


def run(servers, requests=1, **options):
    """Sends requests one after the other; returns who answered, and the tries that failed."""
    tries = []

    async def main():
        options.setdefault("persistence", Persistence(tries=5, patience_s=5))
        route = Servers(
            [link(server) for server in servers],
            overlap=Overlap(1),
            on_try=lambda one: tries.append((one.backend, str(one.fault))),
            **options,
        )
        return await closed(route, *(route.send("net", INPUTS) for _ in range(requests)))

    answers = asyncio.run(main())
    return [answer.backend for answer in answers], tries


def test_an_answer_comes_with_its_sender():
    assert run([FakeServer("a")]) == (["a"], [])


def test_load_is_spread_over_servers():
    backends, _ = run([FakeServer("a"), FakeServer("b"), FakeServer("c")], requests=9)
    assert sorted(backends) == ["a"] * 3 + ["b"] * 3 + ["c"] * 3


def test_the_least_busy_server_is_taken():
    async def main():
        a, b = FakeServer("a"), FakeServer("b")
        busy = Load(in_flight=3)
        route = Servers([link(a, busy), link(b)], overlap=Overlap(1))
        answers = await asyncio.gather(*(route.send("net", INPUTS) for _ in range(4)))
        return sorted(answer.backend for answer in answers)

    assert asyncio.run(main()) in (["a", "b", "b", "b"], ["b"] * 4)


def test_the_preferred_server_is_taken_as_long_as_it_is_well():
    preferred = FakeServer("b", away(1))
    backends, tries = run([FakeServer("a"), preferred], requests=2, preferred="b")
    assert backends[0] == "a"
    assert tries == [("b", "fault 0")]


def test_a_transient_fault_is_tried_again_elsewhere():
    backends, tries = run([FakeServer("a", away(1)), FakeServer("b", away(1))])
    assert backends[0] in ("a", "b")
    assert len(tries) == 2
    assert {name for name, _ in tries} == {"a", "b"}


def test_and_on_the_same_server_if_there_is_no_other():
    backends, tries = run([FakeServer("a", away(3))])
    assert backends == ["a"]
    assert tries == [("a", "fault 0"), ("a", "fault 1"), ("a", "fault 2")]


def test_a_refusal_is_not_tried_again():
    server, other = FakeServer("a", [refusal()]), FakeServer("b")
    with pytest.raises(ServerError, match="wrong shape") as raised:
        run([server, other], preferred="a", fallback=LOCAL)
    assert not isinstance(raised.value, UnavailableError)
    assert (server.asked, other.asked) == (1, 0)


def test_tries_end_in_one_error_that_tells_them_all():
    with pytest.raises(UnavailableError) as raised:
        run([FakeServer("a", away(9))], persistence=Persistence(tries=3, patience_s=5))
    message = str(raised.value)
    assert "model net: no answer after 3 tries" in message
    assert all(f"- a: fault {n}" in message for n in range(3))
    assert "--fallback local" in message


def test_tries_end_in_the_fallback():
    persistence = Persistence(tries=3, patience_s=5)
    backends, tries = run([FakeServer("a", away(9))], persistence=persistence, fallback=LOCAL)
    assert backends == ["local"]
    assert len(tries) == 3


def lost(name):
    server = FakeServer(name, away(1))
    server.well = False
    return server


def test_an_outage_is_waited_out_once_and_then_ends_in_an_error():
    with pytest.raises(UnavailableError, match=r"(?s)one try.*- a: left alone, last: a is away"):
        run([lost("a")], persistence=Persistence(tries=5, patience_s=0.02))


def test_an_outage_is_waited_out_once_and_then_the_fallback_answers_at_once():
    server = lost("a")
    persistence = Persistence(tries=5, patience_s=0.02)
    backends, tries = run([server], 20, persistence=persistence, fallback=LOCAL)
    assert backends == ["local"] * 20
    assert server.asked == 1
    assert len(tries) == 1


def test_servers_that_are_given_up_are_not_waited_for():
    async def main():
        async def check():
            raise ModelError("other weights")

        route = Servers(
            [link(FakeServer("a", away(1)), check=check)],
            overlap=Overlap(1),
            persistence=Persistence(tries=5, patience_s=3600),
        )
        return await closed(route, route.send("net", INPUTS))

    with pytest.raises(UnavailableError, match="left alone, last: other weights"):
        asyncio.run(main())


def test_cancelling_a_request_frees_the_server():
    async def main():
        server = FakeServer("a")
        server.waits = True
        load, overlap = Load(), Overlap(1)
        route = Servers([link(server, load)], overlap=overlap)
        task = asyncio.create_task(route.send("net", INPUTS))
        while not server.asked:
            await asyncio.sleep(0)
        assert load.in_flight == 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        assert load.in_flight == 0
        assert route.links[0].usable

    asyncio.run(main())
