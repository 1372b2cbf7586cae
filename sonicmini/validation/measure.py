"""Measures quantities on a Mini-AOD file, some events at a time."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import awkward as ak
import numpy as np

from sonicmini.io.branches import EventFile, open_events
from sonicmini.validation.quantity import Quantity
from sonicmini.validation.sums import Sums


@dataclass(frozen=True)
class Measurement:
    """What was found in a file.

    Attributes:
        events: number of them.
        sums: by the name of the quantity.
        absent: quantities whose branches the file does not have, with the first missing branch.
    """

    events: int
    sums: dict[str, Sums]
    absent: dict[str, str]


def measure(
    path: str, quantities: Iterable[Quantity], advance: Callable[[int], None] = lambda _: None
) -> Measurement:
    """Measures all quantities that the file has the branches for.

    Args:
        path: of a Mini-AOD file.
        quantities: their names must differ.
        advance: told of events done.

    Raises:
        InputError: the file is missing, damaged or not of this kind.
    """
    with open_events(path) as file:
        absent, wanted = _missing(file, quantities)
        branches = sorted({name for quantity in wanted for name in quantity.branches})
        sums: dict[str, Sums] = {}
        for start, stop in file.cuts():
            arrays = {name: _read(file, name, start, stop) for name in branches}
            for quantity in wanted:
                found = quantity.measure([arrays[name] for name in quantity.branches])
                known = sums.get(quantity.name)
                sums[quantity.name] = found if known is None else known + found
            advance(stop - start)
        return Measurement(file.entries, sums, absent)


def _missing(
    file: EventFile, quantities: Iterable[Quantity]
) -> tuple[dict[str, str], list[Quantity]]:
    absent: dict[str, str] = {}
    wanted: list[Quantity] = []
    for quantity in quantities:
        missing = [name for name in quantity.branches if name not in file.types]
        if missing:
            absent[quantity.name] = missing[0]
        else:
            wanted.append(quantity)
    return absent, wanted


def _read(file: EventFile, name: str, start: int, stop: int) -> ak.Array:
    found = file.read(name, np.arange(start, stop))
    if found.counts is None:
        return ak.Array(found.values)
    return ak.unflatten(found.values, found.counts)
