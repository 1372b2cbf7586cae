"""The pictures of the model cards."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Final

import matplotlib as mpl
import mplhep
import numpy as np

from sonicmini.modules.columns import Bools
from training.particlenet.comparisons import NETWORK, Comparison, Values
from training.particlenet.metrics import Value, auc, response, roc

mpl.use("Agg")
import matplotlib.pyplot as plt

COLOURS: Final = ("C0", "C1", "C2", "C3")
LINES: Final = ("-", "--", ":", "-.")
LEAST_JETS: Final = 50
_EPOCH = re.compile(r"epoch +(\d+).*? loss ([\d.]+) +validation ([\d.]+)")


def curves(compared: Sequence[Comparison], path: Path) -> None:
    """Background against signal efficiency: a panel a comparison, a line a discriminator."""
    with _panels(len(compared), path) as axes:
        for axis, one in zip(axes, compared, strict=True):
            for (name, values), line in zip(one.discriminators.items(), LINES, strict=False):
                signal, background = values[one.signal], values[one.background]
                curve = roc(signal, background)
                area = auc(signal, background).value
                label = f"{name} ({area:.3f})"
                axis.plot(curve.signal, curve.background, line, label=label, lw=2)
            axis.set(xlabel="signal efficiency", ylabel="background efficiency")
            axis.set(yscale="log", ylim=(1e-4, 1), xlim=(0, 1))
            axis.legend(title=f"{one.title}\n{one.where}")
            axis.grid(alpha=0.3)


def shapes(compared: Sequence[Comparison], path: Path) -> None:
    """Distributions of the network's discriminator, signal and background."""
    edges = np.linspace(0, 1, 41)
    with _panels(len(compared), path) as axes:
        for axis, one in zip(axes, compared, strict=True):
            values = one.discriminators[NETWORK]
            for name, part in (("signal", one.signal), ("background", one.background)):
                counts = np.histogram(values[part], edges)[0]
                fractions = counts / max(1, counts.sum())
                errors = np.sqrt(counts) / max(1, counts.sum())
                mplhep.histplot(fractions, edges, yerr=errors, ax=axis, label=name)
            axis.set(xlabel="discriminator", ylabel="fraction of jets", yscale="log")
            axis.legend(title=one.title)


def sculpting(
    both: tuple[Values, Mapping[str, Values]],
    efficiency: float,
    divergences: Mapping[str, Value],
    path: Path,
) -> None:
    """Spectra of the soft-drop mass of QCD jets: all, and those that pass each discriminator."""
    mass, discriminators = both
    edges = np.linspace(0, 260, 27)
    with _panels(1, path) as (axis,):
        counts = np.histogram(mass, edges)[0]
        mplhep.histplot(counts / counts.sum(), edges, ax=axis, label="all", color="grey")
        for (name, values), colour in zip(discriminators.items(), COLOURS, strict=False):
            cut = np.quantile(values, 1 - efficiency)
            counts = np.histogram(mass[values > cut], edges)[0]
            fractions, errors = (x / counts.sum() for x in (counts, np.sqrt(counts)))
            label = f"{name}: {divergences[name]} bits"
            mplhep.histplot(fractions, edges, yerr=errors, ax=axis, label=label, color=colour)
        axis.set(xlabel="soft-drop mass (GeV)", ylabel="fraction of jets")
        axis.legend(title=f"QCD jets, {100 * efficiency:.0f} % pass")


def masses(
    true: Values, found: Mapping[str, Values], selections: Mapping[str, Bools], path: Path
) -> None:
    """Mass over truth of resonances, and its resolution against the true mass."""
    chosen = next(iter(selections.values()))
    edges = np.linspace(0, 2, 61)
    bins = np.array([40, 60, 80, 100, 120, 140, 160, 180, 210, 250])
    with _panels(2, path) as (left, right):
        for (name, values), colour in zip(found.items(), COLOURS, strict=False):
            counts = np.histogram(values[chosen] / true[chosen], edges)[0]
            fractions = counts / counts.sum()
            mplhep.histplot(fractions, edges, ax=left, label=name, color=colour)
            points = [
                (float(true[inside].mean()), response(values[inside], true[inside])[1])
                for low, high in pairwise(bins)
                if (inside := chosen & (true >= low) & (true < high)).sum() >= LEAST_JETS
            ]
            x, y = [one for one, _ in points], [one.value for _, one in points]
            errors = [one.error for _, one in points]
            right.errorbar(x, y, errors, fmt="o-", label=name, color=colour)
        left.set(xlabel="mass / true mass", ylabel="fraction of jets")
        right.set(xlabel="true mass (GeV)", ylabel="resolution", ylim=(0, None))
        left.legend(title=next(iter(selections)))
        right.legend()


def learning(history: Path, path: Path) -> None:
    """Losses of training and validation against the epoch."""
    found = _EPOCH.findall(history.read_text(encoding="utf-8"))
    epochs = [int(epoch) for epoch, _, _ in found]
    with _panels(1, path) as (axis,):
        axis.plot(epochs, [float(loss) for _, loss, _ in found], "o-", label="training")
        axis.plot(epochs, [float(loss) for _, _, loss in found], "o-", label="validation")
        axis.set(xlabel="epoch", ylabel="loss")
        axis.legend()


@contextmanager
def _panels(number: int, path: Path) -> Iterator[Sequence["plt.Axes"]]:
    """Panels side by side, at most two in a row, which are saved at the end."""
    columns = min(number, 2)
    rows = -(-number // columns)
    with plt.style.context([mplhep.style.CMS, {"font.size": 15, "legend.fontsize": "x-small"}]):
        figure, axes = plt.subplots(
            rows, columns, figsize=(7.5 * columns, 6.5 * rows), layout="constrained", squeeze=False
        )
        for axis in axes.flat[number:]:
            axis.remove()
        yield axes.flat[:number]
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=60, metadata={"Software": None})
        plt.close(figure)
