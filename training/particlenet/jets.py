"""Jets of many files, as the extraction kept them, in memory."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sonicmini.modules.columns import Bools, Ints, offsets_from
from training.particlenet.extraction import feature_file
from training.particlenet.recipes import Recipe, kind_of
from training.samples import Sample, Split

_FEATURES: Final = ("pf", "pf_counts", "sv", "sv_counts")


@dataclass(frozen=True)
class Rows:
    """Raw features of the candidates or vertices of jets, one jet after the other.

    Attributes:
        values: shape ``(rows, features)``.
        counts: rows of each jet.
    """

    values: NDArray[np.float16]
    counts: Ints

    def of(self, jets: Ints) -> NDArray[np.float16]:
        """The rows of some jets, in their order."""
        counts = self.counts[jets]
        starts = offsets_from(self.counts)[jets] - (np.cumsum(counts) - counts)
        rows: NDArray[np.float16] = self.values[np.arange(counts.sum()) + np.repeat(starts, counts)]
        return rows


@dataclass(frozen=True)
class Jets:
    """Jets that a network uses.

    Attributes:
        pf: features of candidates that the network sees, as ``sv`` of vertices.
        label: places in the classes of the network.
        columns: all other columns.
        process: index in ``processes`` of the process of each jet's event.
        processes: names.
    """

    pf: Rows
    sv: Rows
    label: Ints
    columns: dict[str, NDArray[Any]]
    process: Ints
    processes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.label)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """A column."""
        return self.columns[name]

    def only(self, chosen: Bools) -> "Jets":
        """Some of the jets."""
        jets = np.flatnonzero(chosen)
        return replace(
            self,
            pf=Rows(self.pf.of(jets), self.pf.counts[jets]),
            sv=Rows(self.sv.of(jets), self.sv.counts[jets]),
            label=self.label[jets],
            columns={name: values[jets] for name, values in self.columns.items()},
            process=self.process[jets],
        )

    def sample(self, number: int) -> "Jets":
        """At most so many jets, drawn at random, always the same."""
        places = np.random.default_rng(1).permutation(len(self)) < number
        return self if number >= len(self) else self.only(places)

    def of_processes(self, *names: str) -> Bools:
        """Which jets are of events of these processes, whatever the mass of their resonance."""
        wanted = [kind_of(name) in names for name in self.processes]
        return np.asarray(wanted, np.bool_)[self.process]

    @classmethod
    def load(cls, recipe: Recipe, split: Split, data: Path, label: str | None = None) -> "Jets":
        """Reads all jets of a split that have been extracted.

        Args:
            recipe: of the network that is to see them.
            split: training, validation or test.
            data: folder of the files.
            label: column of classes in stead of the recipe's, to choose the jets by.

        Raises:
            FileNotFoundError: there are none.
        """
        samples, label = present(recipe, split, data), label or recipe.label
        if not samples:
            raise FileNotFoundError(f"no {split} jets of {recipe.network} in {data}: run features")
        files = [feature_file(recipe.family, sample, data) for sample in samples]
        columns = _concatenated(_read(file, recipe, label) for file in files)
        counts = columns.pop("_jets")
        names = tuple(dict.fromkeys(sample.process for sample in samples))
        process = np.array([names.index(sample.process) for sample in samples])
        pf, pf_counts, sv, sv_counts = (columns.pop(name) for name in _FEATURES)
        return cls(
            Rows(pf, pf_counts),
            Rows(sv, sv_counts),
            columns[label].astype(np.int64),
            columns,
            np.repeat(process, counts),
            names,
        )


def present(recipe: Recipe, split: Split, data: Path) -> list[Sample]:
    """Files of events whose jets have been extracted."""
    family = recipe.family
    return [
        sample for sample in family.samples(split) if feature_file(family, sample, data).is_file()
    ]


def places(names: Sequence[str], among: Sequence[str]) -> Ints:
    """Where names stand among others."""
    return np.array([among.index(name) for name in names])


def _read(file: Path, recipe: Recipe, label: str) -> dict[str, NDArray[Any]]:
    """The jets of a file that have a class, and their number as ``_jets``."""
    with np.load(file) as arrays:
        columns = {name: arrays[name] for name in arrays.files}
    jets = np.flatnonzero(columns[label] >= 0)
    found: dict[str, NDArray[Any]] = {"_jets": np.array([len(jets)])}
    for kind, names, among in (
        ("pf", recipe.pf, recipe.family.pf),
        ("sv", recipe.sv, recipe.family.sv),
    ):
        rows = Rows(columns.pop(kind), columns.pop(f"{kind}_counts"))
        found[kind] = rows.of(jets)[:, places(names, among)]
        found[f"{kind}_counts"] = rows.counts[jets]
    return found | {name: values[jets] for name, values in columns.items()}


def _concatenated(parts: Iterable[dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    whole = list(parts)
    # Column by column, and what is done is let go: features are most of the memory.
    return {name: np.concatenate([part.pop(name) for part in whole]) for name in list(whole[0])}
