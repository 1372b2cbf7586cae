"""Thresholds of the working points: those with CMS's efficiencies, on our own taus."""

import json
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.deeptau.candidates import Candidates
from training.deeptau.layout import CLASSES
from training.deeptau.metrics import score, threshold

Points = dict[str, dict[str, float]]

FILE: Final = "working_points.json"

AGAINST: Final = {"VSe": "e", "VSmu": "mu", "VSjet": "jet"}
"""The class that each discriminator tells taus from."""

EFFICIENCIES: Final[Points] = {
    "VSe": {
        "VVVLoose": 0.995,
        "VVLoose": 0.99,
        "VLoose": 0.98,
        "Loose": 0.95,
        "Medium": 0.90,
        "Tight": 0.80,
        "VTight": 0.70,
        "VVTight": 0.60,
    },
    "VSmu": {"VLoose": 0.9995, "Loose": 0.999, "Medium": 0.998, "Tight": 0.995},
    "VSjet": {
        "VVVLoose": 0.98,
        "VVLoose": 0.95,
        "VLoose": 0.90,
        "Loose": 0.80,
        "Medium": 0.70,
        "Tight": 0.60,
        "VTight": 0.50,
        "VVTight": 0.40,
    },
}
"""Of genuine taus, by working point (arXiv:2201.08458: there with pT of 30 to 70 GeV)."""

MIN_PT, MAX_ETA = 20.0, 2.3
"""GeV, none: what CMS's identification is made for."""


def selected(candidates: Candidates) -> NDArray[np.bool_]:
    """Which candidates are within CMS's acceptance."""
    pt, eta = candidates.columns["pt"], candidates.columns["eta"]
    return np.asarray((pt > MIN_PT) & (np.abs(eta) < MAX_ETA))


def working_points(probabilities: NDArray[np.float32], candidates: Candidates) -> Points:
    """The thresholds, the loosest first, ascending.

    Args:
        probabilities: of the candidates, shape (candidates, 4).
        candidates: of which the genuine taus within the acceptance are used.
    """
    genuine = selected(candidates) & (candidates.columns["label"] == CLASSES.index("tau"))
    found: Points = {}
    for name, other in AGAINST.items():
        scores = score(probabilities, other)[genuine]
        cuts = [threshold(scores, wanted) for wanted in EFFICIENCIES[name].values()]
        found[name] = dict(zip(EFFICIENCIES[name], _ascending(cuts), strict=True))
    return found


def write(points: Points, folder: Path) -> None:
    """Writes the thresholds beside the network."""
    (folder / FILE).write_text(json.dumps(points, indent=2) + "\n", encoding="utf-8")


def _ascending(cuts: list[float]) -> list[float]:
    """Rounded to what a score can be; equal ones are moved apart by the least possible."""
    found: list[np.float32] = []
    for cut in map(np.float32, cuts):
        above = np.nextafter(found[-1], np.float32(2)) if found else cut
        found.append(max(cut, above))
    return [float(cut) for cut in found]
