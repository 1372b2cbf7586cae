"""Pictures of the model card."""

import json
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import mplhep
import numpy as np

from training.deeptau.evaluate import JETS, Answered
from training.deeptau.metrics import Scores, curve

mpl.use("Agg")
import matplotlib.pyplot as plt

COLOURS: Final = {"ttbar": "tab:blue", "qcd": "tab:red", "e": "tab:green", "mu": "tab:purple"}
ISOLATION_POINTS: Final = ("loose", "medium", "tight")


def draw(answered: Answered, history: list[dict[str, Any]], folder: Path) -> None:
    """Draws all of them.

    Args:
        answered: candidates of the test files.
        history: of the training, an entry for each epoch.
        folder: of the model.
    """
    with plt.style.context(mplhep.style.CMS):
        _draw_jets(answered, folder / "jets.png")
        _draw_leptons(answered, folder / "leptons.png")
        _draw_history(history, folder / "training.png")


def _draw_jets(answered: Answered, path: Path) -> None:
    """Jets against taus: the network, the isolation, and the latter's working points."""
    figure, axes = plt.subplots(figsize=(9, 8), layout="constrained")
    taus = answered.are("tau")
    passed = answered.columns["idCombinedIso"]
    for process in JETS:
        jets, colour = answered.are("jet", process), COLOURS[process]
        if not jets.any():
            continue
        for name, scores, line in (
            ("DeepTau", answered.score("jet"), "-"),
            ("HPS isolation", answered.isolation, "--"),
        ):
            _line(axes, (scores[taus], scores[jets]), f"{name}, {process}", ls=line, color=colour)
        points = [
            [np.mean(passed[mask] >> bit & 1) for mask in (taus, jets)]
            for bit in range(len(ISOLATION_POINTS))
        ]
        label = f"HPS {', '.join(ISOLATION_POINTS)}, {process}"
        axes.plot(*np.transpose(points), "o", color=colour, label=label)
    _finish(figure, axes, "jets that pass for taus", path)


def _draw_leptons(answered: Answered, path: Path) -> None:
    figure, axes = plt.subplots(figsize=(9, 8), layout="constrained")
    taus = answered.are("tau")
    for name, words in (("e", "electrons"), ("mu", "muons")):
        scores, mask = answered.score(name), answered.are(name)
        _line(axes, (scores[taus], scores[mask]), f"DeepTau, {words}", color=COLOURS[name])
    _finish(figure, axes, "leptons that pass for taus", path)


def _line(axes: Any, scores: tuple[Scores, Scores], label: str, **style: Any) -> None:  # noqa: ANN401 - matplotlib's
    signal, background = curve(*scores)
    axes.plot(signal[background > 0], background[background > 0], label=label, **style)


def _finish(figure: Any, axes: Any, what: str, path: Path) -> None:  # noqa: ANN401 - matplotlib's
    axes.set(xlabel="efficiency of genuine taus", ylabel=what, yscale="log", xlim=(0, 1))
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend(fontsize="x-small")
    _save(figure, path)


def _draw_history(history: list[dict[str, Any]], path: Path) -> None:
    figure, axes = plt.subplots(figsize=(9, 6), layout="constrained")
    epochs = [line["epoch"] for line in history]
    for name in ("training", "validation"):
        axes.plot(epochs, [line[name] for line in history], "o-", label=name)
    axes.set(xlabel="epoch", ylabel="weighted cross entropy")
    axes.legend()
    _save(figure, path)


def read_history(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The options of a training, and an entry for each of its epochs."""
    options, *epochs = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return options, epochs


def _save(figure: Any, path: Path) -> None:  # noqa: ANN401 - matplotlib's
    figure.savefig(path, dpi=65, metadata={"Software": None})
    plt.close(figure)
