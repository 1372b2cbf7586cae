import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.compare.events import EventId, match_events


def ids(*events):
    return np.array([(1, 2, event) for event in events], np.uint64).reshape(-1, 3)


def test_the_same_events():
    match, pairs = match_events(ids(5, 6, 7), ids(5, 6, 7))
    assert match.agrees
    assert (match.events_a, match.events_b, match.common) == (3, 3, 3)
    assert pairs.a.tolist() == pairs.b.tolist() == [0, 1, 2]


def test_missing_and_extra_events():
    match, pairs = match_events(ids(5, 6, 7, 9), ids(4, 5, 7, 9, 10))
    assert not match.agrees
    assert match.common == 3
    assert match.only_a == (EventId(1, 2, 6),)
    assert match.only_b == (EventId(1, 2, 4), EventId(1, 2, 10))
    assert match.out_of_order == 0
    assert (pairs.a.tolist(), pairs.b.tolist()) == ([0, 2, 3], [1, 2, 3])


def test_another_order():
    match, pairs = match_events(ids(5, 6, 7), ids(6, 5, 7))
    assert not match.agrees
    assert match.common == 3
    assert match.out_of_order == 1
    assert match.first_out_of_order == EventId(1, 2, 6)
    assert pairs.b.tolist() == [1, 0, 2]


def test_the_same_number_in_another_run_is_another_event():
    other = ids(5)
    other[0, 0] = 3
    match, _ = match_events(ids(5), other)
    assert match.common == 0
    assert match.only_b == (EventId(3, 2, 5),)


def test_repeated_events_are_matched_in_their_order():
    match, pairs = match_events(ids(5, 5, 6), ids(5, 6, 5, 5))
    assert match.common == 3
    assert match.only_b == (EventId(1, 2, 5),)
    assert pairs.b.tolist() == [0, 2, 1]


def test_only_the_first_few_are_listed():
    match, pairs = match_events(ids(*range(20)), ids())
    assert match.common == 0
    assert match.only_a == tuple(EventId(1, 2, event) for event in range(5))
    assert len(pairs.within(0, 20).a) == 0
    assert match_events(ids(), ids())[0].agrees


EVENTS = st.lists(st.integers(0, 12), max_size=20)


@given(a=EVENTS, b=EVENTS)
def test_pairs_are_equal_events_and_as_many_as_can_be(a, b):
    match, pairs = match_events(ids(*a), ids(*b))
    assert np.array_equal(ids(*a)[pairs.a], ids(*b)[pairs.b])
    assert match.common == len(pairs.a) == sum(min(a.count(x), b.count(x)) for x in set(a))
    assert len(set(pairs.b.tolist())) == match.common
    assert pairs.a.tolist() == sorted(set(pairs.a.tolist()))
    assert match.agrees == (a == b)
    parts = [pairs.within(start, start + 7) for start in range(0, 21, 7)]
    assert np.concatenate([part.b for part in parts]).tolist() == pairs.b.tolist()
