"""Numbers and pictures of the model card, on events that training and validation never saw."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from sonicmini.modules.networks.deepmet import SCALE
from training.deepmet.export import infer
from training.deepmet.features import Features
from training.deepmet.metrics import Resolution, improvement, resolution

mpl.use("Agg")
import matplotlib.pyplot as plt

BOOTSTRAP = 200
TARGET_PILEUP = 35
BINS = np.array([0, 20, 40, 60, 80, 110, 150, 200])
COLOURS = {"DeepMET": "tab:blue", "PUPPI": "tab:orange", "PF": "tab:green"}

Momenta = Mapping[str, NDArray[np.floating]]


@dataclass(frozen=True)
class Measured:
    """One row of the card: a process at a pileup."""

    process: str
    pileup: int
    events: int
    resolutions: dict[str, Resolution]
    improvement: float
    improvement_error: float


def evaluate(
    samples: Mapping[tuple[str, int], Features], repository: Path, folder: Path
) -> list[Measured]:
    """Measures the exported network on test samples and draws the pictures of the card.

    Args:
        samples: by process and pileup.
        repository: with the exported network.
        folder: for the pictures.
    """
    momenta = {key: _momenta(features, repository) for key, features in samples.items()}
    rows = [_measure(key, samples[key], momenta[key]) for key in samples]
    target = ("ttbar", TARGET_PILEUP)
    _draw_truth(samples[target], momenta[target], folder / "response.png")
    _draw_pileup([row for row in rows if row.process == "ttbar"], folder / "pileup.png")
    return rows


def _momenta(features: Features, repository: Path) -> Momenta:
    return {
        "DeepMET": infer(repository, features) * SCALE,
        "PUPPI": features.puppi_met,
        "PF": features.pf_met,
    }


def _measure(key: tuple[str, int], features: Features, momenta: Momenta) -> Measured:
    return Measured(
        *key,
        features.size,
        {name: resolution(met, features.gen_met, BOOTSTRAP) for name, met in momenta.items()},
        *improvement(momenta["DeepMET"], momenta["PUPPI"], features.gen_met),
    )


def _draw_truth(features: Features, momenta: Momenta, path: Path) -> None:
    """Response and resolution in bins of the true missing momentum."""
    size = np.hypot(*features.gen_met.T)
    places = np.digitize(size, BINS) - 1
    bins = [index for index in range(len(BINS) - 1) if np.count_nonzero(places == index) >= 50]
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for name, met in momenta.items():
        measured = [
            resolution(met[places == index], features.gen_met[places == index], 50)
            for index in bins
        ]
        centres = [size[places == index].mean() for index in bins]
        style = {"fmt": "o-", "ms": 3, "lw": 1, "color": COLOURS[name], "label": name}
        late = slice(1, None)  # the direction of a small momentum means little
        axes[0].errorbar(
            centres[late],
            [one.response for one in measured][late],
            [one.response_error for one in measured][late],
            **style,
        )
        axes[1].errorbar(
            centres, [one.rms for one in measured], [one.rms_error for one in measured], **style
        )
    axes[0].axhspan(0.95, 1.05, color="0.9", zorder=0)
    axes[0].set_ylabel("response")
    axes[1].set_ylabel("rms of a component (GeV)")
    for axis in axes:
        axis.set_xlabel("generator MET (GeV)")
    axes[1].set_ylim(bottom=0)
    axes[1].legend(title=f"ttbar, pileup {TARGET_PILEUP}")
    _save(figure, path)


def _draw_pileup(rows: list[Measured], path: Path) -> None:
    """Resolution against the mean number of collisions."""
    figure, axis = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    rows = sorted(rows, key=lambda row: row.pileup)
    for name, colour in COLOURS.items():
        axis.errorbar(
            [row.pileup for row in rows],
            [row.resolutions[name].rms for row in rows],
            [row.resolutions[name].rms_error for row in rows],
            fmt="o-",
            ms=3,
            lw=1,
            color=colour,
            label=name,
        )
    axis.set_xlabel("mean number of collisions")
    axis.set_ylabel("rms of a component (GeV)")
    axis.set_ylim(bottom=0)
    axis.legend(title="ttbar")
    _save(figure, path)


def _save(figure: "plt.Figure", path: Path) -> None:
    figure.savefig(path, dpi=90, metadata={"Software": None})
    plt.close(figure)
