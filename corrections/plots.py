"""Pictures of the response before and after calibration."""

from itertools import pairwise
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib import pyplot as plt

from corrections.binning import medians, within
from corrections.closure import ETA
from corrections.matched import Matched
from sonicmini.modules.columns import Floats

_GEN_PT: Final = (20, 25, 30, 40, 50, 65, 80, 100, 140, 200, 300, 450, 700, 1000, 1500, 2500)
_LEAST: Final = 30


def closure(name: str, pairs: Matched, pt: Floats, path: Path) -> None:
    """Draws the median response of uncalibrated and of calibrated jets by generated pT.

    Args:
        name: of the kind of jets.
        pairs: of the independent sample.
        pt: of their jets, corrected.
        path: of the picture.
    """
    mpl.use("Agg")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    shown = (("uncalibrated", pairs.pt, (0.5, 1.5)), ("calibrated", pt, (0.9, 1.1)))
    for axis, (title, values, limits) in zip(axes, shown, strict=True):
        for edges in pairwise(ETA):
            inside = within(pairs.eta, *edges)
            gen_pt = pairs.gen_pt[inside]
            points = medians(gen_pt, values[inside] / gen_pt, _GEN_PT, _LEAST)
            axis.errorbar(
                [point.gen_pt for point in points],
                [point.value for point in points],
                yerr=[point.error for point in points],
                marker="o",
                markersize=3,
                label=f"{edges[0]:g} < |eta| < {edges[1]:g}",
            )
        axis.axhspan(0.98, 1.02, color="0.85", zorder=0)
        axis.set(xscale="log", ylim=limits)
        axis.set(xlabel="generated pT (GeV)", ylabel="median response", title=f"{name}, {title}")
    axes[0].legend()
    figure.savefig(path, dpi=90)
    plt.close(figure)
