"""Which server has which model is found out before the first event."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from sonicmini.errors import ModelError, ServerError, UnavailableError
from sonicmini.inference.discovery import Examiner, discover
from sonicmini.inference.known import KnownAnswer
from sonicmini.inference.repository import TensorSpec
from tests.inference.fakes import QUICK, FakeServer, refusal
from tests.inference.test_known import ANSWER, SPEC

SIGNATURE = (
    [replace(tensor, dims=(-1, *tensor.dims)) for tensor in SPEC.inputs],
    [replace(tensor, dims=(-1, *tensor.dims)) for tensor in SPEC.outputs],
)


def good(name, faults=()):
    server = FakeServer(name, faults, signature=SIGNATURE)
    server.answer = lambda _: ANSWER
    return server


def find(*servers, models=("net",), patience_s=0.0, **options):
    examiner = Examiner(
        specs=dict.fromkeys(models, SPEC),
        known=dict.fromkeys(models, KnownAnswer({}, ANSWER)),
        tolerance=1e-4,
        **options,
    )

    async def main():
        served = await discover(servers, examiner, patience_s=patience_s, backoff=QUICK)
        states = {
            model: {one.server.name: one.usable for one in links}
            for model, links in served.links.items()
        }
        for links in served.links.values():
            for one in links:
                await one.close()
        return states, served.missing

    return (*asyncio.run(main()), examiner.differing)


def test_servers_that_answer_rightly_are_used():
    states, missing, _ = find(good("a"), good("b"))
    assert states == {"net": {"a": True, "b": True}}
    assert missing == {}


def test_a_server_without_the_model_is_not_asked_for_it():
    lacking = good("b", [UnavailableError("b does not have net")] * 9)
    assert find(good("a"), lacking)[0] == {"net": {"a": True}}


def test_one_bad_moment_does_not_cost_a_server_its_model():
    assert find(good("a", [UnavailableError("503")]))[0] == {"net": {"a": True}}


def test_a_server_that_is_away_may_come_later():
    away = good("b")
    away.well = False
    assert find(good("a"), away)[0] == {"net": {"a": True, "b": False}}


def test_a_slow_starter_is_waited_for_if_nobody_else_has_the_model():
    slow = good("a")
    slow.well = False

    async def starts():
        slow.asked += 1
        slow.well = slow.asked > 3
        if not slow.well:
            raise UnavailableError("a is loading")

    slow.check_ready = starts
    assert find(slow, patience_s=5.0)[0] == {"net": {"a": True}}


def test_every_model_without_a_server_is_told_with_what_the_servers_said():
    lacking = good("a", [UnavailableError("a does not have it")] * 99)
    away = good("b")
    away.well = False
    _, missing, _ = find(lacking, away, models=("net", "other"))
    assert missing == dict.fromkeys(("net", "other"), "a does not have it; b is away")


def test_another_network_of_the_same_name_is_an_error():
    other = good("b")
    other.answer = lambda _: {"y": 1.01 * ANSWER["y"]}
    with pytest.raises(ModelError, match="b has another network of this name"):
        find(good("a"), other)


def test_unless_it_is_accepted_and_recorded():
    other = good("b")
    other.answer = lambda _: {"y": 1.01 * ANSWER["y"]}
    states, _, differing = find(other, allow_different=True)
    assert states == {"net": {"b": True}}
    assert differing == {("b", "net")}


def test_another_interface_is_never_accepted():
    wrong = TensorSpec("x", np.dtype(np.float32), (-1, 4, -1))
    server = good("a")
    server._signature = ([wrong, *SIGNATURE[0][1:]], SIGNATURE[1])
    with pytest.raises(ModelError, match=r"a differs from config.pbtxt: input x float32\[3, -1\]"):
        find(server, allow_different=True)


def test_a_server_that_tells_nothing_of_its_interface_is_asked_all_the_same():
    server = good("a")
    server._signature = None
    assert find(server)[0] == {"net": {"a": True}}


def test_refusals_of_all_servers_come_in_one_message():
    with pytest.raises(ServerError) as raised:
        find(good("a", [refusal("a: no token")]), good("b", [refusal("b: no token")]), good("c"))
    assert str(raised.value) == "a: no token\nb: no token"
