"""From DeepTau's probabilities to NanoAOD's discriminators and working points."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sonicmini.errors import ModelError
from sonicmini.modules.columns import Bools, Columns

FILE: Final = "working_points.json"
AGAINST: Final = {"VSe": 0, "VSmu": 1, "VSjet": 3}
"""What taus are told from, and the place of its probability among the outputs."""

_TAU = 2
_NOT_SENT = -1.0
_NAME = "DeepTau2018v2p5"

WorkingPoints: TypeAlias = Mapping[str, NDArray[np.float64]]
"""Ascending thresholds of each discriminator, the loosest working point first."""


def read_working_points(folder: Path) -> WorkingPoints | None:
    """Reads the thresholds that lie beside a network: for each discriminator its points by name.

    Returns:
        None if the network has none.

    Raises:
        ModelError: the file is unreadable, a discriminator is missing, or its thresholds are not
            ascending numbers.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ModelError(f"DeepTau: {path} is unreadable: {error}") from error
    points = content if isinstance(content, dict) else {}
    faults = [fault for name in AGAINST if (fault := _fault(name, points.get(name)))]
    if faults:
        raise ModelError("\n- ".join([f"DeepTau: {path}:", *faults]))
    return {name: np.array([*points[name].values()], np.float64) for name in AGAINST}


def _fault(name: str, points: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    if not isinstance(points, dict) or not points:
        return f"{name} has no working points"
    thresholds = [*points.values()]
    if not all(isinstance(value, int | float) for value in thresholds):
        return f"{name} has a threshold that is not a number"
    return f"{name} is not ascending" if np.any(np.diff(thresholds) <= 0) else ""


def discriminators(
    probabilities: NDArray[np.float32], sent: Bools, points: WorkingPoints | None
) -> Columns:
    """Scores and the numbers of working points that they pass.

    A score is the probability of a tau over the sum of both (CMSSW: ``DeepTauIdBase``).

    Args:
        probabilities: of an electron, a muon, a tau and a jet, one row for each tau that was sent.
        sent: which of all taus were; the score of others is -1, which passes no working point.
        points: None if there are none; the numbers are -1 then.
    """
    columns: Columns = {}
    tau = probabilities[:, _TAU]
    for name, other in AGAINST.items():
        both = tau + probabilities[:, other]
        score = np.full(len(sent), _NOT_SENT, np.float32)
        score[sent] = np.divide(tau, both, out=np.zeros_like(tau), where=both > 0)
        columns[f"raw{_NAME}{name}"] = score
        passed = np.full(len(score), -1)
        if points is not None:
            # A score that is the threshold does not pass.
            passed = np.searchsorted(points[name].astype(np.float32), score, side="left")
        columns[f"id{_NAME}{name}"] = passed.astype(np.int16)
    return columns
