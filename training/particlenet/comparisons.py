"""What is to be told from what in the test samples, by the network and by the baselines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sonicmini.modules.columns import Bools, Ints
from training.particlenet.baselines import (
    ImpactLikelihood,
    boson_subjettiness,
    top_subjettiness,
    track_significances,
)
from training.particlenet.jets import Jets
from training.particlenet.labels import AK4, AK8, AK8_MD, QCD
from training.particlenet.recipes import RECIPES
from training.particlenet.scores import Scores, scores

Values: TypeAlias = NDArray[Any]

HEAVY: Final = {"b": ("b", "bb"), "c": ("c", "cc")}
LIGHT: Final = ("uds", "g", "undef")
TOPS: Final = ("Tbcq", "Tbqq")
BOSONS: Final = ("Wcq", "Wqq", "Zbb", "Zcc", "Zqq", "Hbb", "Hcc")
X: Final = ("Xbb", "Xcc", "Xqq")

ALL: Final = np.inf
PT_EDGES: Final = (200, 400, 600, 800, 1200, ALL)

NETWORK: Final = "ParticleNet"
LEAST_X_MASS: Final = 40.0
"""GeV; the quarks of lighter X of these momenta are one prong."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Jets of a signal and of a background, and discriminators of them.

    Attributes:
        title: such as "b against light".
        where: which jets, in words.
        signal: which jets are signal.
        background: which are background.
        event: number of each jet's event.
        discriminators: values of all jets by name, the network's first.
        target: area under the curve that the network has to reach; None for no target.
        bins: other selections of the same jets, by name.
    """

    title: str
    where: str
    signal: Bools
    background: Bools
    event: Ints
    discriminators: Mapping[str, Values]
    target: float | None = None
    bins: Mapping[str, Bools] = field(default_factory=dict)


def ak4(data: Path, models: Path) -> list[Comparison]:
    """Heavy jets, CHS and PUPPI, against light ones: in top pairs and QCD, in top pairs alone."""
    recipe = RECIPES["ak4"]
    jets, other = (Jets.load(recipe, split, data) for split in ("test", "validation"))
    found = scores(recipe, jets, models)
    tracks, other_tracks = track_significances(jets.pf), track_significances(other.pf)
    other_light = _is(other, LIGHT, AK4)
    seen = (jets["pt"] > 30) & (np.abs(jets["eta"]) < 2.4)
    places = {
        "ttbar and QCD, pT > 30 GeV, |eta| < 2.4": seen & jets.of_processes("ttbar", "qcd"),
        "ttbar, pT > 30 GeV, |eta| < 2.4": seen & jets.of_processes("ttbar"),
    }
    bins = {"CHS": jets["chs"] == 1, "PUPPI": jets["chs"] == 0}
    bins |= _bins(jets, {"pt": (30, 50, 100, 200, ALL), "eta": (0, 0.8, 1.6, 2.4)})
    made: list[Comparison] = []
    for name, target, columns in (("b", 0.93, ("btagPNetB",)), ("c", 0.80, ())):
        heavy = _is(other, HEAVY[name], AK4)
        likelihood = ImpactLikelihood(other_tracks[heavy], other_tracks[other_light])
        discriminators = {
            NETWORK: found.among(HEAVY[name], LIGHT),
            **{column: found.columns[column] for column in columns},
            "impact parameter likelihood": likelihood(tracks),
            "second highest Sip3dSig": tracks[:, 1],
        }
        made += [
            Comparison(
                title=f"{name} against light",
                where=where,
                signal=_is(jets, HEAVY[name], AK4) & chosen,
                background=_is(jets, LIGHT, AK4) & chosen,
                event=jets["event"],
                discriminators=discriminators,
                target=target,
                bins=bins,
            )
            for where, chosen in places.items()
        ]
    return made


def ak8(data: Path, models: Path) -> list[Comparison]:
    """Tops and bosons against QCD."""
    recipe = RECIPES["ak8"]
    jets = Jets.load(recipe, "test", data)
    found = scores(recipe, jets, models)
    background = _is(jets, QCD, AK8) & jets.of_processes("qcd_boosted")
    bins = _bins(jets, {"pt": PT_EDGES, "eta": (0, 1.2, 2.4)})
    hard, above = jets["pt"] > 400, jets["pt"] > 200
    made = [
        Comparison(
            title="top against QCD",
            where="pT > 400 GeV",
            signal=_is(jets, TOPS, AK8) & hard,
            background=background & hard,
            event=jets["event"],
            discriminators={
                NETWORK: found.columns["particleNet_TvsQCD"],
                "tau32 and soft-drop mass": top_subjettiness(jets),
            },
            target=0.95,
            bins={name: chosen for name, chosen in bins.items() if "200 to" not in name},
        ),
        Comparison(
            title="W, Z, H against QCD",
            where="pT > 200 GeV",
            signal=_is(jets, BOSONS, AK8) & above,
            background=background & above,
            event=jets["event"],
            discriminators={
                NETWORK: found.among(BOSONS, QCD),
                "tau21 and soft-drop mass": boson_subjettiness(jets),
            },
            target=0.92,
            bins=bins,
        ),
    ]
    return made + [
        Comparison(
            title=f"{names[0] if len(names) == 1 else names[0][0]} against QCD",
            where="pT > 200 GeV",
            signal=_is(jets, names, AK8) & above,
            background=background & above,
            event=jets["event"],
            discriminators={
                NETWORK: found.among(names, QCD),
                "tau21 and soft-drop mass": boson_subjettiness(jets),
            },
        )
        for names in (("Wcq", "Wqq"), ("Zbb", "Zcc", "Zqq"), ("Hbb",), ("Hcc",), ("Hqqqq",))
    ]


def ak8_md(data: Path, models: Path) -> list[Comparison]:
    """X of any mass, and W, Z and Higgs bosons, against QCD."""
    recipe = RECIPES["ak8_md"]
    jets = Jets.load(recipe, "test", data)
    found = scores(recipe, jets, models)
    above = jets["pt"] > 200
    heavy = jets["target"] > LEAST_X_MASS
    return [
        _bosons_md(data, models),
        *(
            Comparison(
                title=f"{names[0] if len(names) == 1 else 'X'} against QCD",
                where=f"pT > 200 GeV, X of {LEAST_X_MASS:.0f} to 250 GeV",
                signal=_is(jets, names, AK8_MD) & above & heavy,
                background=_is(jets, QCD, AK8_MD) & above & jets.of_processes("qcd_boosted"),
                event=jets["event"],
                discriminators={
                    NETWORK: found.among(names, QCD),
                    "tau21": -_ratio(jets["tau2"], jets["tau1"]),
                },
                bins=_bins(jets, {"pt": PT_EDGES}) if names == X else {},
            )
            for names in (X, *((name,) for name in X))
        ),
    ]


def two_prong(network: str, data: Path, models: Path) -> tuple[Jets, Scores, Values]:
    """Jets of all classes of the general network, and what a network says of two prongs.

    Args:
        network: ``ak8`` or ``ak8_md``; both see the same jets in the same order.
        data: folder of the jets.
        models: repository.
    """
    recipe = RECIPES[network]
    jets = Jets.load(recipe, "test", data, RECIPES["ak8"].label)
    found = scores(recipe, jets, models)
    return jets, found, found.among(BOSONS if network == "ak8" else X, QCD)


def _bosons_md(data: Path, models: Path) -> Comparison:
    jets, _, values = two_prong("ak8_md", data, models)
    above = jets["pt"] > 200
    return Comparison(
        title="W, Z, H against QCD",
        where="pT > 200 GeV",
        signal=_is(jets, BOSONS, AK8) & above,
        background=_is(jets, QCD, AK8) & above & jets.of_processes("qcd_boosted"),
        event=jets["event"],
        discriminators={
            NETWORK: values,
            "general ParticleNet": two_prong("ak8", data, models)[2],
            "tau21 and soft-drop mass": boson_subjettiness(jets),
        },
        target=0.92,
    )


def _is(jets: Jets, names: Sequence[str], classes: Sequence[str]) -> Bools:
    return np.isin(jets.label, [classes.index(name) for name in names])


def _ratio(over: Values, under: Values) -> Values:
    return np.divide(over, under, out=np.ones_like(over), where=under > 0)


def _bins(jets: Jets, edges: Mapping[str, Sequence[float]]) -> dict[str, Bools]:
    """Intervals of columns by their names in words."""
    found = {}
    for column, limits in edges.items():
        values = np.abs(jets[column])
        title, unit = ("pT", " GeV") if column == "pt" else ("|eta|", "")
        for low, high in pairwise(limits):
            interval = f"above {low}" if high == ALL else f"{low} to {high}"
            found[f"{title} {interval}{unit}"] = (values >= low) & (values < high)
    return found
