"""Soft drop and N-subjettiness of top, W, Z and QCD jets; makes the numbers of substructure.md.

Usage: python docs/validate_substructure.py TOP.root BOSON.root QCD.root. The files are those of
the page. Prints the numbers and writes docs/substructure.png.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from numpy.typing import NDArray

from sonicmini.io.root_source import RootSource
from sonicmini.modules.columns import flat, jagged, offsets_of
from sonicmini.modules.jets.raw import AK8PuppiJets
from sonicmini.modules.jets.substructure import AK8PuppiSubstructure
from sonicmini.modules.jets.substructure_corrections import AK8PuppiSubJetCorrections
from sonicmini.modules.jets.substructure_slimmed import SlimmedFatJetSubstructure
from sonicmini.modules.puppi.puppi import Puppi
from sonicmini.modules.vertexing.primary import PrimaryVertexAssociation, PrimaryVertexSorting

Array = NDArray[Any]
Particle = dict[str, float]
FOLDER = Path(__file__).parent
PRODUCTS = ("PFCand", "Track", "PV", "GenPart")
MODULES = (
    PrimaryVertexSorting(),
    PrimaryVertexAssociation(),
    Puppi(),
    AK8PuppiJets(),
    AK8PuppiSubstructure(),
    AK8PuppiSubJetCorrections(),
)
MATCH, MIN_PT = 0.6, 300.0
TOP, Z, W = 6, 23, 24
WINDOWS = {TOP: (105.0, 210.0), W: (65.0, 105.0), Z: (65.0, 105.0)}
TAU32_CUT = 0.54
COLUMNS = ("msoftdrop", "raw msoftdrop", "tau1", "tau2", "tau3", "n2b1", "n2b2")


def chunks(file: str) -> Iterator[dict[str, ak.Array]]:
    """Products of a file, with all raw jets in the place of FatJet."""
    for chunk in RootSource([file], PRODUCTS).chunks():
        products = dict(chunk.products)
        for step in MODULES:
            products |= step.produce({name: products[name] for name in step.consumes})
        jets = products["AK8PuppiJet"]
        place = {"rawJetIdx": np.asarray(ak.flatten(ak.local_index(jets.pt)))}
        products["FatJet"] = jagged(offsets_of(jets), place)
        yield {**products, **SlimmedFatJetSubstructure().produce(products)}


def quarks(event: list[Particle]) -> Iterator[tuple[int, list[Particle]]]:
    """Each top quark and boson that decays to quarks, and these."""
    daughters: list[list[int]] = [[] for _ in event]
    for i, particle in enumerate(event):
        if (mother := int(particle["genPartIdxMother"])) >= 0:
            daughters[mother].append(i)

    def code(i: int) -> int:
        return abs(int(event[i]["pdgId"]))

    def of_boson(i: int) -> list[int]:
        while same := [k for k in daughters[i] if code(k) == code(i)]:
            i = same[0]
        return [k for k in daughters[i] if code(k) < TOP]

    for i, after in enumerate(daughters):
        if code(i) not in (TOP, W, Z) or any(code(k) == code(i) for k in after):
            continue
        found = of_boson(i) if code(i) != TOP else [k for k in after if code(k) == 5]
        if code(i) == TOP:
            found += [q for k in after if code(k) == W for q in of_boson(k)]
        if len(found) == (3 if code(i) == TOP else 2):
            yield code(i), [event[k] for k in found]


def distance(one: Particle, other: Particle) -> float:
    """In eta and azimuth."""
    turn = (one["phi"] - other["phi"] + np.pi) % (2 * np.pi) - np.pi
    return float(np.hypot(one["eta"] - other["eta"], turn))


def origins(products: dict[str, ak.Array]) -> Array:
    """For each raw jet the code of what has all its quarks in it, 0 for nothing."""
    result = []
    for jets, event in zip(
        products["AK8PuppiJet"].to_list(), products["GenPart"].to_list(), strict=True
    ):
        wanted = list(quarks(event)) if any(jet["pt"] > MIN_PT for jet in jets) else []
        for jet in jets:
            inside = [c for c, qs in wanted if all(distance(q, jet) < MATCH for q in qs)]
            result.append(min(inside, default=0))  # a top quark before its W
    return np.array(result, dtype=np.int64)


def jets_of(file: str) -> dict[str, Array]:
    """Columns of the groomed jets above the threshold."""
    parts: dict[str, list[Array]] = {}
    for products in chunks(file):
        rows, raw = products["FatJetSubstructure"], products["AK8PuppiJetSubstructure"]
        columns = {name: flat(rows, name) for name in rows.fields}
        columns["raw msoftdrop"] = flat(raw, "msoftdrop")
        columns["pt"] = flat(products["AK8PuppiJet"], "pt")
        good = (columns["pt"] > MIN_PT) & (columns["msoftdrop"] >= 0)
        columns["origin"] = origins(products)
        for name in (*COLUMNS, "pt", "origin"):
            parts.setdefault(name, []).append(columns[name][good])
    return {name: np.concatenate(values) for name, values in parts.items()}


def chosen(jets: dict[str, Array], mask: Array) -> dict[str, Array]:
    """Some of the jets."""
    return {name: values[mask] for name, values in jets.items()}


def like(background: dict[str, Array], signal: dict[str, Array]) -> Array:
    """Weights that give the background the signal's distribution of pT, in eight bins."""
    edges = np.percentile(signal["pt"], np.linspace(0, 100, 9))
    place = np.searchsorted(edges[1:-1], background["pt"])
    counts = np.bincount(place, minlength=8)
    inside = (background["pt"] >= edges[0]) & (background["pt"] <= edges[-1])
    return np.where(inside, 1.0 / counts[place], 0.0)


def area(signal: Array, background: Array, weights: Array) -> float:
    """Probability that a signal jet has the lower value."""
    order = np.argsort(background)
    sums = np.concatenate([[0.0], np.cumsum(weights[order])])
    sides = [np.searchsorted(background[order], signal, side) for side in ("left", "right")]
    below = np.mean([sums[side] for side in sides], axis=0)
    return float(np.mean(1.0 - below / sums[-1]))


def in_window(jets: dict[str, Array], kind: int) -> Array:
    """Whether the corrected mass is that of such a particle."""
    low, high = WINDOWS[kind]
    return np.asarray((jets["msoftdrop"] > low) & (jets["msoftdrop"] < high))


def masses(jets: dict[str, Array], kind: int) -> dict[str, Any]:
    """Quantiles and the fraction in the window."""
    own = chosen(jets, jets["origin"] == kind)
    result: dict[str, Any] = {"jets": len(own["pt"])}
    for name in ("raw msoftdrop", "msoftdrop"):
        result[name] = np.percentile(own[name], [16, 50, 84]).round(1).tolist()
    return result | {"in window": round(float(np.mean(in_window(own, kind))), 3)}


def variables(jets: dict[str, Array]) -> dict[str, Array]:
    """What separates jets; lower for signal."""
    tau1, tau2, tau3 = (np.maximum(jets[f"tau{n}"], 1e-9) for n in (1, 2, 3))
    return {"tau32": tau3 / tau2, "tau21": tau2 / tau1, "n2b1": jets["n2b1"], "n2b2": jets["n2b2"]}


def separation(
    signal: dict[str, Array], background: dict[str, Array], kind: int
) -> dict[str, list[float]]:
    """Areas for all jets and in the window of the mass."""
    weights = like(background, signal)
    result = {}
    windows = [in_window(jets, kind) for jets in (signal, background)]
    for name, values in variables(signal).items():
        other = variables(background)[name]
        inside = area(values[windows[0]], other[windows[1]], weights[windows[1]])
        result[name] = [round(area(values, other, weights), 3), round(inside, 3)]
    return result


def tagged(jets: dict[str, Array]) -> Array:
    """A simple selection of top jets."""
    return np.asarray(in_window(jets, TOP) & (variables(jets)["tau32"] < TAU32_CUT))


def numbers(samples: Iterable[dict[str, Array]]) -> dict[str, Any]:
    """All of the page."""
    tops, bosons, qcd = samples
    top = chosen(tops, tops["origin"] == TOP)
    vector = chosen(bosons, (bosons["origin"] == W) | (bosons["origin"] == Z))
    weights = like(qcd, top)
    return {
        "top": masses(tops, TOP),
        "W": masses(bosons, W),
        "Z": masses(bosons, Z),
        "qcd jets": len(qcd["pt"]),
        "qcd in window of top": round(float(np.average(in_window(qcd, TOP), weights=weights)), 3),
        "qcd jets in window of top": int(np.sum(in_window(qcd, TOP) & (weights > 0))),
        "top against qcd": separation(top, qcd, TOP),
        "boson against qcd": separation(vector, qcd, W),
        "tagged top": round(float(np.mean(tagged(top))), 3),
        "tagged qcd": round(float(np.average(tagged(qcd), weights=weights)), 4),
    }


def picture(tops: dict[str, Array], bosons: dict[str, Array], qcd: dict[str, Array]) -> None:
    """Masses, and tau3/tau2 in the window."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    top = chosen(tops, tops["origin"] == TOP)
    bins = np.linspace(0, 260, 53)
    kinds = {"top": top["msoftdrop"], "QCD": qcd["msoftdrop"]}
    for name, code in (("W", W), ("Z", Z)):
        kinds[name] = bosons["msoftdrop"][bosons["origin"] == code]
    for name, values in kinds.items():
        left.hist(values, bins, weights=like(qcd, top) if name == "QCD" else None, **_style(name))
    left.set(xlabel="soft-drop mass (GeV)", ylabel="density", ylim=(0, 0.05))
    left.legend()
    bins = np.linspace(0, 1, 41)
    for name, jets in (("top", top), ("QCD", qcd)):
        window = in_window(jets, TOP)
        weights = like(qcd, top)[window] if name == "QCD" else None
        right.hist(variables(jets)["tau32"][window], bins, weights=weights, **_style(name))
    right.set(xlabel="tau3 / tau2, soft-drop mass 105 to 210 GeV", ylabel="density")
    right.legend()
    figure.savefig(FOLDER / "substructure.png", dpi=80)
    plt.close(figure)


def _style(name: str) -> dict[str, Any]:
    colours = {"top": "C0", "QCD": "0.5", "W": "C1", "Z": "C2"}
    return {"histtype": "step", "density": True, "label": name, "color": colours[name]}


def main(*files: str) -> None:
    """Makes the numbers and the picture."""
    mpl.use("Agg")
    samples = [jets_of(file) for file in files]
    sys.stdout.write(json.dumps(numbers(samples), indent=1) + "\n")
    picture(*samples)


if __name__ == "__main__":
    main(*sys.argv[1:4])
