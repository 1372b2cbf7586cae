"""Numbers of the model card, on candidates that training and validation never saw."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.deeptau.candidates import Candidates
from training.deeptau.layout import CLASSES
from training.deeptau.metrics import Scores, Value, mistaken, passing, score, threshold
from training.deeptau.working_points import AGAINST, Points, selected

EFFICIENCY: Final = 0.7
"""Of genuine taus, at which jets are counted."""

JETS: Final = ("ttbar", "qcd")
"""Processes whose jets are looked at."""

PT_BINS: Final = (20, 30, 40, 60, 100, np.inf)
DECAY_MODES: Final = {"0": (0,), "1, 2": (1, 2), "5, 6": (5, 6), "10": (10,), "11": (11,)}

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Answered:
    """Candidates of the test files within CMS's acceptance, and the network's answers.

    Attributes:
        columns: of the candidates, with ``process``.
        probabilities: shape (candidates, 4).
    """

    columns: dict[str, NDArray[Any]]
    probabilities: NDArray[np.float32]

    @classmethod
    def of(
        cls, samples: Mapping[str, Candidates], answers: Mapping[str, NDArray[np.float32]]
    ) -> "Answered":
        """From candidates and answers by process."""
        chosen = {process: selected(candidates) for process, candidates in samples.items()}
        columns = {
            name: np.concatenate([samples[key].columns[name][mask] for key, mask in chosen.items()])
            for name in next(iter(samples.values())).columns
        }
        columns["process"] = np.repeat(list(chosen), [mask.sum() for mask in chosen.values()])
        return cls(columns, np.concatenate([answers[key][mask] for key, mask in chosen.items()]))

    def score(self, against: str) -> Scores:
        """The discriminator against a class."""
        return score(self.probabilities, against)

    @property
    def isolation(self) -> Scores:
        """What the HPS algorithm has without a network: higher is more isolated."""
        return -np.asarray(self.columns["rawIso"])

    def are(self, name: str, process: str = "") -> Mask:
        """Which candidates are of a class, and of a process if one is given."""
        mask = np.asarray(self.columns["label"] == CLASSES.index(name))
        return mask & (self.columns["process"] == process) if process else mask


@dataclass(frozen=True)
class AgainstJets:
    """Jets of a process that pass for taus, at an efficiency of 70 %.

    Attributes:
        jets: their number.
        network: efficiency of jets with DeepTau.
        isolation: with the isolation of the HPS algorithm.
    """

    process: str
    jets: int
    network: Value
    isolation: Value


@dataclass(frozen=True)
class Bin:
    """Part of the candidates at the cuts that keep 70 % of all genuine taus.

    Attributes:
        taus, jets: their numbers.
        network, isolation: efficiencies of taus and of jets.
    """

    name: str
    taus: int
    jets: int
    network: tuple[Value, Value]
    isolation: tuple[Value, Value]


@dataclass(frozen=True)
class Point:
    """A working point.

    Attributes:
        signal: efficiency of genuine taus.
        background: of what it is against.
    """

    discriminator: str
    name: str
    threshold: float
    signal: Value
    background: Value


@dataclass(frozen=True)
class Measured:
    """All numbers of the card.

    Attributes:
        counts: of candidates by process and class.
        jets: by process.
        bins: of pT and of decay mode.
        points: of all discriminators.
    """

    counts: dict[str, dict[str, int]]
    jets: tuple[AgainstJets, ...]
    bins: tuple[Bin, ...]
    points: tuple[Point, ...]


def evaluate(answered: Answered, points: Points) -> Measured:
    """Measures the network; ``points`` are the thresholds beside it."""
    counts = {
        str(process): {
            name: int(np.count_nonzero(answered.are(name, str(process)))) for name in CLASSES
        }
        for process in dict.fromkeys(answered.columns["process"])
    }
    jets = tuple(_jets(answered, process) for process in JETS if process in counts)
    return Measured(counts, jets, tuple(_bins(answered)), tuple(_points(answered, points)))


def _jets(answered: Answered, process: str) -> AgainstJets:
    taus, jets = answered.are("tau"), answered.are("jet", process)
    found = [
        mistaken(scores[taus], scores[jets], EFFICIENCY)
        for scores in (answered.score("jet"), answered.isolation)
    ]
    return AgainstJets(process, int(jets.sum()), *found)


def _bins(answered: Answered) -> Iterator[Bin]:
    pt, mode = answered.columns["pt"], answered.columns["decayMode"]
    masks: dict[str, Mask] = {}
    for low, high in pairwise(PT_BINS):
        name = f"pT > {low} GeV" if np.isinf(high) else f"pT {low} to {high} GeV"
        masks[name] = (pt > low) & (pt <= high)
    for name, modes in DECAY_MODES.items():
        masks[f"decay mode {name}"] = np.isin(mode, modes)
    taus, jets = answered.are("tau"), answered.are("jet")
    for name, mask in masks.items():
        pairs = []
        for scores in (answered.score("jet"), answered.isolation):
            cut = threshold(scores[taus], EFFICIENCY)
            pairs.append((passing(scores[taus & mask], cut), passing(scores[jets & mask], cut)))
        yield Bin(name, int((taus & mask).sum()), int((jets & mask).sum()), *pairs)


def _points(answered: Answered, points: Points) -> Iterator[Point]:
    taus = answered.are("tau")
    for discriminator, other in AGAINST.items():
        scores, background = answered.score(other), answered.are(other)
        for name, cut in points[discriminator].items():
            yield Point(
                discriminator,
                name,
                cut,
                passing(scores[taus], cut),
                passing(scores[background], cut),
            )
