"""A server that failed is left alone, and comes back when it is well and passes its check."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.errors import ModelError, UnavailableError
from sonicmini.inference.link import Backoff
from tests.inference.fakes import FakeServer, link


@given(st.integers(1, 2000), st.floats(0.001, 1.0), st.floats(1.0, 60.0))
def test_delays_double_up_to_a_limit_with_jitter(faults, first_s, longest_s):
    backoff = Backoff(first_s, longest_s)
    full = min(longest_s, first_s * 2.0 ** min(faults - 1, 100))
    assert full * 0.66 <= backoff.delay_s(faults) <= full


def test_delays_differ_between_clients():
    assert len({Backoff().delay_s(3) for _ in range(20)}) > 1


def test_a_link_comes_back_when_the_server_is_well():
    async def main():
        server = FakeServer("a")
        server.well = False
        changes = []
        one = link(server)
        one.on_change = lambda: changes.append(one.usable)
        one.down(UnavailableError("reset"))
        one.down(UnavailableError("reset as well"))
        await asyncio.sleep(0.02)
        assert changes == [False]
        assert "a is away" in str(one.fault)
        server.well = True
        async with asyncio.timeout(5):
            while not one.usable:
                await asyncio.sleep(0.001)
        assert changes == [False, True]
        assert one.outages == 1

    asyncio.run(main())


@pytest.mark.parametrize("fault", [ModelError("other weights"), ZeroDivisionError("a bug")])
def test_a_server_that_returns_with_another_model_is_given_up(fault):
    async def check():
        raise fault

    async def main():
        one = link(FakeServer("a"), check=check)
        changed = asyncio.Event()
        one.down(UnavailableError("reset"))
        one.on_change = changed.set
        async with asyncio.timeout(5):
            await changed.wait()
        assert one.given_up
        assert not one.usable
        assert str(fault) in str(one.fault)

    asyncio.run(main())


class Recorded(Backoff):
    """Short delays that remember how many faults they were for."""

    def delay_s(self, faults):
        SEEN.append(faults)
        return 0.001


SEEN: list[int] = []


@pytest.mark.parametrize(("well_for_s", "expected"), [(0.0, [1, 2, 3]), (5.0, [1, 1, 1])])
def test_a_link_that_fails_soon_after_its_return_is_left_alone_for_longer(well_for_s, expected):
    async def main():
        SEEN.clear()
        one = link(FakeServer("a"))
        one.backoff = Recorded()
        for _ in expected:
            one.down(UnavailableError("refused"))
            async with asyncio.timeout(5):
                while not one.usable:
                    await asyncio.sleep(0.001)
            one.well_since -= well_for_s
        await one.close()
        assert expected == SEEN

    asyncio.run(main())


def test_a_fault_from_before_the_return_is_old_news():
    async def main():
        one = link(FakeServer("a"))
        one.well_since = 100.0
        one.down(UnavailableError("late time-out"), asked_at=99.0)
        assert one.outages == 0
        one.down(UnavailableError("reset"), asked_at=101.0)
        assert one.outages == 1
        await one.close()

    asyncio.run(main())


def test_closing_ends_the_watch():
    async def main():
        server = FakeServer("a")
        server.well = False
        one = link(server)
        one.down(UnavailableError("reset"))
        await one.close()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())
