import multiprocessing
import os
import time

import pytest

from sonicmini.errors import SonicminiError
from sonicmini.simulation.pool import ordered_map


def slow_first(number):
    time.sleep(0.3 if number == 0 else 0.0)
    return number, os.getpid()


def fail_at_three(number):
    if number == 3:
        raise ValueError("three")
    return number


def die(number):
    os._exit(number)


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order(workers):
    results = list(ordered_map(slow_first, range(10), workers))
    assert [number for number, _ in results] == list(range(10))
    processes = {process for _, process in results}
    assert (os.getpid() in processes) == (workers == 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_of_the_function_arrive(workers):
    results = ordered_map(fail_at_three, range(10), workers)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)


def test_a_worker_that_dies_is_reported():
    with pytest.raises(SonicminiError, match="fewer --workers"):
        list(ordered_map(die, [1], 2))


def test_tasks_are_taken_as_they_are_needed():
    taken = []

    def tasks():
        for number in range(100):
            taken.append(number)
            yield number

    next(ordered_map(fail_at_three, tasks(), 1))
    assert taken == [0]


def slow(number):
    time.sleep(0.0 if number == 0 else 20.0)
    return number


def test_workers_end_when_nobody_waits_for_them():
    results = ordered_map(slow, range(100), 2)
    next(results)
    start = time.monotonic()
    results.close()
    assert time.monotonic() - start < 10.0
    assert multiprocessing.active_children() == []
