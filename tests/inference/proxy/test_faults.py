"""Schedules of faults are repeatable and refuse what would never end."""

from itertools import islice

import pytest

from sonicmini.inference.proxy.faults import (
    Cut,
    Freeze,
    Garbage,
    Random,
    Refuse,
    Reset,
    Script,
    in_turn,
)


def first(plan, count):
    return list(islice(in_turn(plan), count))


def test_a_fault_hits_every_request_and_none_hits_none():
    assert first(Cut(3), 3) == [Cut(3)] * 3
    assert first(None, 3) == [None] * 3


def test_a_script_ends_with_peace():
    assert first(Script((Reset(), None, Cut())), 5) == [Reset(), None, Cut(), None, None]


def test_chance_is_repeatable_and_as_frequent_as_wanted():
    plan = Random((Reset(), Cut()), probability=0.1, seed=7)
    drawn = first(plan, 10_000)
    assert drawn == first(plan, 10_000)
    assert drawn != first(Random((Reset(), Cut()), probability=0.1, seed=8), 10_000)
    # 10 standard deviations of the binomial distribution.
    assert 700 < sum(fault is not None for fault in drawn) < 1300
    assert {Reset(), Cut(), None} == set(drawn)


@pytest.mark.parametrize("fault", [Refuse(), Freeze()])
def test_a_fault_without_end_cannot_be_one_of_many(fault):
    with pytest.raises(ValueError, match="never ends: give it for_s"):
        in_turn(Script((fault,)))
    with pytest.raises(ValueError, match="never ends: give it for_s"):
        in_turn(Random((fault,), probability=0.5))


def test_garbage_is_never_http():
    garbage = {Garbage(100, seed).data() for seed in range(100)}
    assert len(garbage) == 100
    assert not any(data.startswith(b"HTTP") for data in garbage)
    assert {len(data) for data in garbage} == {100}
