"""Pictures of the model card."""

from pathlib import Path
from typing import Any, Final

import matplotlib as mpl

from training.deepmet.evaluate import Measured, Report

mpl.use("Agg")
import matplotlib.pyplot as plt

_STYLES: Final = {
    "DeepMET resolution": {"color": "tab:blue"},
    "DeepMET response": {"color": "tab:red"},
    "PUPPI": {"color": "tab:orange"},
    "PF": {"color": "tab:green"},
}
_QUANTITIES: Final = (
    ("response", "response", "response_error"),
    ("rms of a component / response (GeV)", "corrected", "corrected_error"),
)


def draw(report: Report, folder: Path) -> None:
    """Draws response and resolution against the true momentum and against pileup."""
    figure, axes = plt.subplots(
        len(report.bins), 2, figsize=(9, 3.2 * len(report.bins)), layout="constrained"
    )
    for (process, pileup), row in zip(report.bins, axes, strict=True):
        measured = list(report.bins[process, pileup].values())
        _draw_pair(row, [one.size for one in measured], measured)
        row[0].set_ylim(0.5, 1.5)
        row[1].legend(title=f"{process}, pileup {pileup}")
        for axis in row:
            axis.set_xlabel("generator MET (GeV)")
    _save(figure, folder / "response.png")
    measured = sorted(
        (one for one in report.samples if one.process == "ttbar"), key=lambda one: one.pileup
    )
    figure, row = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    _draw_pair(row, [one.pileup for one in measured], measured)
    row[1].legend(title="ttbar")
    for axis in row:
        axis.set_xlabel("mean number of collisions")
    _save(figure, folder / "pileup.png")


def _draw_pair(axes: Any, centres: list[float], measured: list[Measured]) -> None:  # noqa: ANN401
    """Response and corrected resolution of all missing momenta."""
    for axis, (label, value, error) in zip(axes, _QUANTITIES, strict=True):
        for name, style in _STYLES.items():
            found = [one.resolutions[name] for one in measured]
            axis.errorbar(
                centres,
                [getattr(one, value) for one in found],
                [getattr(one, error) for one in found],
                **{"fmt": "o-", "ms": 3, "lw": 1, "label": name, **style},
            )
        axis.set_ylabel(label)
    axes[0].axhspan(0.95, 1.05, color="0.9", zorder=0)
    axes[1].set_ylim(bottom=0)


def _save(figure: "plt.Figure", path: Path) -> None:
    figure.savefig(path, dpi=90, metadata={"Software": None})
    plt.close(figure)
