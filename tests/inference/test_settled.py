import asyncio
import itertools

from sonicmini.inference.settled import settled


def reading(values):
    numbers = iter(values)

    async def read():
        return next(numbers)

    return asyncio.run(settled(read)), list(itertools.islice(numbers, 3))


def test_late_counts_are_waited_for():
    assert reading([10, 11, 11, 12, 13]) == (11, [12, 13])


def test_what_stands_still_is_read_twice():
    assert reading([10, 10, 11]) == (10, [11])


def test_what_never_stands_still_is_read_a_few_times():
    found, rest = reading(range(100))
    assert (found, rest) == (5, [6, 7, 8])
