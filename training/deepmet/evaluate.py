"""Numbers of the model card, on events that training and validation never saw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sonicmini.modules.networks.deepmet import SCALE
from training.deepmet.features import Features
from training.deepmet.metrics import Resolution, improvement, places, resolution
from training.deepmet.publish import infer
from training.deepmet.tunes import TUNES

BOOTSTRAP: Final = 200
BINNED: Final[Mapping[tuple[str, int], Sequence[float]]] = {
    ("ttbar", 35): (10, 20, 30, 40, 55, 75, 100, 140, 200),
    ("zprime_tt_m1200", 35): (20, 40, 75, 100, 140, 200, 300, 450),
}
"""Samples whose response is measured in bins of the generator's missing momentum (GeV)."""
FEWEST: Final = 50
"""Events of a bin."""

Momenta: TypeAlias = Mapping[str, NDArray[np.floating]]


@dataclass(frozen=True)
class Measured:
    """A process at a pileup, all of it or a bin of the true momentum.

    Attributes:
        size: mean true momentum, GeV.
        resolutions: of each missing momentum.
        gains: by how much each tune's rms is below that of PUPPI, with its error.
    """

    process: str
    pileup: int
    events: int
    size: float
    resolutions: Mapping[str, Resolution]
    gains: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Report:
    """All that was measured: whole samples; by sample, bins as a text and what was found."""

    samples: Sequence[Measured]
    bins: Mapping[tuple[str, int], Mapping[str, Measured]]


def evaluate(samples: Mapping[tuple[str, int], Features], repository: Path) -> Report:
    """Measures the exported networks on test samples by process and pileup."""
    momenta = {key: _momenta(features, repository) for key, features in samples.items()}
    rows = [_measure(key, momenta[key], samples[key].gen_met) for key in samples]
    bins = {
        key: _in_bins(key, momenta[key], samples[key].gen_met) for key in BINNED if key in samples
    }
    return Report(rows, bins)


def _momenta(features: Features, repository: Path) -> Momenta:
    ours = {
        f"DeepMET {name}": infer(repository, tune.model, features) * SCALE
        for name, tune in TUNES.items()
    }
    return ours | {"PUPPI": features.puppi_met, "PF": features.pf_met}


def _measure(key: tuple[str, int], momenta: Momenta, true: NDArray[np.floating]) -> Measured:
    return Measured(
        *key,
        len(true),
        float(np.hypot(*true.T).mean()),
        {name: resolution(met, true, BOOTSTRAP) for name, met in momenta.items()},
        {
            name: improvement(met, momenta["PUPPI"], true)
            for name, met in momenta.items()
            if name.startswith("DeepMET")
        },
    )


def _in_bins(
    key: tuple[str, int], momenta: Momenta, true: NDArray[np.floating]
) -> dict[str, Measured]:
    edges = BINNED[key]
    place = places(true, edges)
    names = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    names.append(f"above {edges[-1]:g}")
    chosen = {name: place == index for index, name in enumerate(names)}
    return {
        name: _measure(key, {which: met[here] for which, met in momenta.items()}, true[here])
        for name, here in chosen.items()
        if np.count_nonzero(here) >= FEWEST
    }
