"""Waiting is hidden as far as the threads have work."""

import pytest

from sonicmini.overlap import Overlap


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_time_counts_while_awaiting_and_is_hidden_by_the_share_of_busy_threads(clock):
    overlap = Overlap(2, clock)
    with overlap.working():
        clock.now += 5  # nothing awaited
        with overlap.awaiting():
            clock.now += 1  # one of two threads
            with overlap.working():
                clock.now += 2  # both
                with overlap.working(), overlap.awaiting():
                    clock.now += 4  # one more is queued, and one more awaited: still both
    with overlap.awaiting():
        clock.now += 8  # nobody works
    assert overlap.awaited_s == 1 + 2 + 4 + 8
    assert overlap.hidden_s == 0.5 + 2 + 4


def test_reset_keeps_what_is_under_way(clock):
    overlap = Overlap(1, clock)
    with overlap.awaiting():
        clock.now += 3
        overlap.reset()
        clock.now += 2
    assert (overlap.awaited_s, overlap.hidden_s) == (2.0, 0.0)
