"""``preprocess.json`` of a network: medians and widths of its features in the training sample.

The format is weaver's, as CMS stores it beside its networks.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sonicmini.modules.networks.particlenet.inputs import KNOWN
from sonicmini.modules.networks.particlenet.preprocess import FILE, Preprocess
from training.particlenet.recipes import POINTS, UNSCALED, Recipe

BOUND: Final = 5
"""Scaled features are cut off at this, up and down."""

UNBOUNDED: Final = 1e32
_RATIOS: Final = ("pfcand_btagPtRatio", "pfcand_btagPParRatio")
"""From 0 to 1 and far from a bell: bounded, but not scaled, as in CMS's networks."""

_OF_TRACKS: Final = ("quality", "normchi2", "dz", "dzsig", "dxy", "dxysig", "btag")
_DIGITS: Final = 3

Numbers = tuple[float, float]


def write_preprocess(
    recipe: Recipe, rows: Mapping[str, NDArray[np.float16]], folder: Path
) -> Preprocess:
    """Writes the file for a network and reads it back as production does.

    Args:
        recipe: of the network.
        rows: features of candidates, ``pf``, and of vertices, ``sv``, in the training sample.
        folder: where it is written.
    """
    lengths = {"pf": recipe.family.pf_length, "sv": recipe.family.sv_length}
    groups = {}
    for kind, prefix, names in (("pf", "pfcand_", recipe.pf), ("sv", "sv_", recipe.sv)):
        numbers = scales(names, rows[kind])
        numbers[f"{prefix}mask"] = (0.0, 1.0)
        points = tuple(f"{prefix}{name}" for name in POINTS)
        for group, features in (("points", points), ("features", names), ("mask", None)):
            chosen = (f"{prefix}mask",) if features is None else features
            groups[f"{kind}_{group}"] = _group(chosen, numbers, lengths[kind])
    names = recipe.classes
    content = {
        "output_names": list(names) if recipe.is_regression else [f"label_{n}" for n in names],
        "input_names": list(groups),
        **groups,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return Preprocess.read(folder, KNOWN)


def scales(names: Sequence[str], rows: NDArray[np.float16]) -> dict[str, Numbers]:
    """Median and norm factor of features, (0, 1) for those that are not scaled.

    The norm factor is one over half the width of the central 68 %, or, where that is nothing,
    over the median. What only tracks have is measured on candidates with a track.

    Args:
        names: of the features.
        rows: raw features, shape ``(rows, features)``.
    """
    names = list(names)
    quality = "pfcand_quality"
    tracked = rows[rows[:, names.index(quality)] > 0] if quality in names else rows
    return {
        name: (0.0, 1.0)
        if name in UNSCALED or name in _RATIOS
        else _scale((tracked if _is_of_tracks(name) else rows)[:, index])
        for index, name in enumerate(names)
    }


def _is_of_tracks(name: str) -> bool:
    return name.removeprefix("pfcand_").startswith(_OF_TRACKS)


def _scale(values: NDArray[np.float16]) -> Numbers:
    """Median and norm factor, with few digits."""
    low, median, high = np.quantile(values.astype(np.float64), (0.1587, 0.5, 0.8413))
    width = (high - low) / 2 or max(abs(median), 1.0)
    return _rounded(float(median)), _rounded(float(1 / width))


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _group(
    features: Sequence[str], numbers: Mapping[str, Numbers], lengths: tuple[int, int]
) -> dict[str, object]:
    """One input in the format of the file."""
    infos = {}
    for name in features:
        median, norm = numbers[name]
        bound = UNBOUNDED if name in UNSCALED else BOUND
        infos[name] = {
            "median": median,
            "norm_factor": norm,
            "replace_inf_value": 0,
            "lower_bound": -bound,
            "upper_bound": bound,
            "pad": 0,
        }
    return {
        "var_names": list(features),
        "var_infos": infos,
        "min_length": lengths[0],
        "max_length": lengths[1],
    }
