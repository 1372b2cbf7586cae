"""One branch of two files: how many values differ, by how much, and where."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sonicmini.compare.events import EventId, Pairs, event_id
from sonicmini.compare.values import (
    Floats,
    Rule,
    Values,
    badness,
    differ,
    differences,
    limits,
    outside,
    relative,
)
from sonicmini.io.branches import BranchValues, EventFile

Verdict: TypeAlias = Literal["agree", "agree within tolerance", "differ"]


@dataclass(frozen=True)
class Place:
    """One value in both files.

    Attributes:
        index: of the object in its event; None if there is one value per event.
    """

    event: EventId
    index: int | None
    a: float
    b: float


@dataclass(frozen=True)
class CountDifference:
    """An event in which a branch has another number of values."""

    event: EventId
    a: int
    b: int


@dataclass(frozen=True, kw_only=True)
class BranchComparison:
    """A branch that both files have.

    Attributes:
        type: as ROOT has it, ``[]`` for any number of values in an event.
        tolerance: of its values; None if they must be equal.
        compared: values compared: those of events with equal counts.
        differing: values that are not the same.
        outside: values that differ by more than they may.
        max_absolute: largest difference; infinite between a number and none (NaN).
        max_relative: largest difference over the larger of both values.
        worst: the value that is furthest from what is allowed; None if none differs.
        counts_differing: events with another number of values.
        first_count: the first of them.
    """

    name: str
    type: str
    tolerance: float | None
    compared: int = 0
    differing: int = 0
    outside: int = 0
    max_absolute: float = 0.0
    max_relative: float = 0.0
    worst: Place | None = None
    counts_differing: int = 0
    first_count: CountDifference | None = None

    @property
    def verdict(self) -> Verdict:
        """Of this branch."""
        if self.outside or self.counts_differing:
            return "differ"
        return "agree within tolerance" if self.differing else "agree"


@dataclass(frozen=True)
class FilePair:
    """Two open files and their common events.

    Attributes:
        ids: of the events of the first file.
    """

    a: EventFile
    b: EventFile
    ids: NDArray[np.uint64]
    pairs: Pairs

    def parts(self) -> Iterator[Pairs]:
        """The common events, some at a time."""
        for start, stop in self.a.cuts():
            part = self.pairs.within(start, stop)
            if len(part.a):
                yield part

    def read(self, branch: str, part: Pairs) -> tuple[BranchValues, BranchValues]:
        """A branch's values in some of the common events, of both files."""
        return self.a.read(branch, part.a), self.b.read(branch, part.b)


def compare_branch(files: FilePair, name: str, rule: Rule) -> BranchComparison:
    """Compares a branch that both files have with the same type.

    Raises:
        InputError: a file is damaged.
    """
    tally = _Tally()
    for part in files.parts():
        a, b = files.read(name, part)
        same = _same_counts(a, b)
        tally.add_counts(a, b, files.ids[part.a])
        found = _Found(
            a=_of_events(a, same),
            b=_of_events(b, same),
            rule=rule,
            lengths=_lengths(files, name, part) if rule.angle and rule.tolerance else None,
            ids=files.ids[part.a],
            counts=None if a.counts is None else np.where(same, a.counts, 0),
        )
        tally.add_values(found)
    return BranchComparison(
        name=name,
        type=files.a.types[name],
        tolerance=rule.tolerance,
        **{key: value for key, value in vars(tally).items() if key != "badness"},
    )


@dataclass(frozen=True, kw_only=True)
class _Found:
    """Values of some events with equal counts, and what they are judged by.

    Attributes:
        lengths: of the vectors whose angles the values are.
        ids: of the events.
        counts: values of each event; None if there is one of each.
    """

    a: Values
    b: Values
    rule: Rule
    lengths: Floats | None
    ids: NDArray[np.uint64]
    counts: NDArray[np.int64] | None

    def place(self, position: int) -> Place:
        """Where the value at this position stands in the file."""
        event, index = position, None
        if self.counts is not None:
            ends = np.cumsum(self.counts)
            event = int(np.searchsorted(ends, position, side="right"))
            index = int(position - ends[event] + self.counts[event])
        a, b = self.a[position].item(), self.b[position].item()
        return Place(event_id(self.ids[event]), index, a, b)


@dataclass
class _Tally:
    """What is known of a branch after some of its events; ``badness`` is that of ``worst``."""

    compared: int = 0
    differing: int = 0
    outside: int = 0
    max_absolute: float = 0.0
    max_relative: float = 0.0
    worst: Place | None = None
    counts_differing: int = 0
    first_count: CountDifference | None = None
    badness: float = -1.0

    def add_counts(self, a: BranchValues, b: BranchValues, ids: NDArray[np.uint64]) -> None:
        """Counts events with another number of values."""
        if a.counts is None or b.counts is None:
            return
        unequal = np.flatnonzero(a.counts != b.counts)
        self.counts_differing += len(unequal)
        if len(unequal) and self.first_count is None:
            first = unequal[0]
            self.first_count = CountDifference(
                event_id(ids[first]), int(a.counts[first]), int(b.counts[first])
            )

    def add_values(self, found: _Found) -> None:
        """Compares values one by one."""
        self.compared += len(found.a)
        places = np.flatnonzero(differ(found.a, found.b))
        if not len(places):
            return
        a, b = found.a[places], found.b[places]
        difference = differences(a, b, found.rule)
        lengths = None if found.lengths is None else found.lengths[places]
        limit = limits(a, b, found.rule, lengths)
        self.differing += len(places)
        self.outside += int(np.count_nonzero(outside(difference, limit)))
        self.max_absolute = max(self.max_absolute, float(difference.max()))
        self.max_relative = max(self.max_relative, float(relative(a, b, difference).max()))
        bad = badness(difference, limit)
        worst = int(np.argmax(bad))
        if bad[worst] > self.badness:
            self.badness = float(bad[worst])
            self.worst = found.place(int(places[worst]))


def _same_counts(a: BranchValues, b: BranchValues) -> NDArray[np.bool_]:
    """Events with as many values in one as in the other."""
    if a.counts is None or b.counts is None:
        return np.ones(len(a.values), bool)
    same: NDArray[np.bool_] = a.counts == b.counts
    return same


def _of_events(branch: BranchValues, chosen: NDArray[np.bool_]) -> Values:
    if chosen.all():
        return branch.values
    return branch.values[chosen if branch.counts is None else np.repeat(chosen, branch.counts)]


def _lengths(files: FilePair, angle: str, part: Pairs) -> Floats | None:
    """The shorter of both vectors' lengths, for each angle; None if the files do not have them."""
    name = f"{angle.removesuffix('phi')}pt"
    if not files.a.types[angle] == files.a.types.get(name) == files.b.types.get(name):
        return None
    a, b = files.read(name, part)
    same = _same_counts(a, b)
    lengths = [np.abs(_of_events(one, same)).astype(np.float64) for one in (a, b)]
    return np.fmin(*lengths)
