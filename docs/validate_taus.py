"""Compares reconstructed taus with generated ones; makes the numbers and the picture of taus.md.

Usage: python docs/validate_taus.py TAUS.root... JETS.root. All files but the last have hadronic
taus (ztautau), the last has jets (ttbar). Prints the numbers and writes docs/taus.png.
"""

import json
import sys
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import awkward as ak
import matplotlib as mpl
import mplhep
import numpy as np
from matplotlib import pyplot as plt
from numpy.typing import NDArray

from sonicmini.io.root_source import RootSource
from sonicmini.modules.jets.raw import AK4CHSJets
from sonicmini.modules.taus.hps import HPSTaus
from sonicmini.modules.vertexing.primary import PrimaryVertexAssociation, PrimaryVertexSorting

Array = NDArray[Any]
FOLDER = Path(__file__).parent
MODULES = (PrimaryVertexSorting(), PrimaryVertexAssociation(), AK4CHSJets(), HPSTaus())
PRODUCTS = ("PFCand", "Track", "PV", "GenPart", "Generator")
MODES = (0, 1, 2, 5, 6, 10, 11)
MIN_PT, MAX_ETA, MATCH = 20.0, 2.3, 0.3
MIN_TAU_PT = 18.0  # of Mini-AOD
MAX_DZ = 0.1  # of PV 0 from the true vertex (cm)
PROMPT_BITS = 1 << 0 | 1 << 5  # isPrompt, isDirectPromptTauDecayProduct
SELECTIONS = {
    "new decay modes": (),
    "old decay modes": ("decayModeFinding",),
    "old, loose isolation": (
        "decayModeFinding",
        "byLooseCombinedIsolationDeltaBetaCorr3Hits",
    ),
    "old, medium isolation": (
        "decayModeFinding",
        "byMediumCombinedIsolationDeltaBetaCorr3Hits",
    ),
    "old, tight isolation": (
        "decayModeFinding",
        "byTightCombinedIsolationDeltaBetaCorr3Hits",
    ),
}


def events(files: Iterable[str]) -> Iterable[dict[str, ak.Array]]:
    """Chunks of files with the products of the modules that taus need."""
    for chunk in RootSource(files, PRODUCTS).chunks():
        products = dict(chunk.products)
        for step in MODULES:
            products |= step.produce({name: products[name] for name in step.consumes})
        yield products


def visible_taus(particles: ak.Array) -> ak.Array:
    """Visible momenta and decay modes of generated taus that decay to hadrons, one by event."""
    found: list[list[dict[str, float]]] = []
    for event in particles.to_list():
        daughters: dict[int, list[dict[str, float]]] = {}
        for particle in event:
            mother = particle["genPartIdxMother"]
            if mother >= 0 and abs(event[mother]["pdgId"]) == 15:
                daughters.setdefault(mother, []).append(particle)
        found.append([_visible(parts) for parts in daughters.values() if _is_hadronic(parts)])
    return ak.Array(found)


def _is_hadronic(parts: list[dict[str, float]]) -> bool:
    codes = {abs(part["pdgId"]) for part in parts}
    return 16 in codes and not codes & {11, 13, 15}


def _visible(parts: list[dict[str, float]]) -> dict[str, float]:
    """Momentum and decay mode of a tau's decay products without neutrinos."""
    total = np.zeros(4)
    charged = pi0 = 0
    for part in parts:
        code = abs(part["pdgId"])
        if code in (12, 14, 16):
            continue
        pt, eta, phi = part["pt"], part["eta"], part["phi"]
        energy = np.hypot(pt * np.cosh(eta), part["mass"])
        total += (pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), energy)
        charged += code in (211, 321)
        pi0 += code == 111
    pt = float(np.hypot(total[0], total[1]))
    mass2 = total[3] ** 2 - total[:3] @ total[:3]
    return {
        "pt": pt,
        "eta": float(np.arcsinh(total[2] / pt)),
        "phi": float(np.arctan2(total[1], total[0])),
        "mass": float(np.sqrt(max(mass2, 0.0))),
        "decayMode": 5 * (charged - 1) + min(pi0, 4),
    }


def distance(one: ak.Array, other: ak.Array) -> ak.Array:
    """Distances in eta and azimuth of all pairs, nested under the first."""
    first, second = ak.unzip(ak.cartesian([one, other], nested=True))
    d_phi = (first.phi - second.phi + np.pi) % (2 * np.pi) - np.pi
    return np.hypot(first.eta - second.eta, d_phi)


def matched(generated: ak.Array, taus: ak.Array) -> tuple[Array, ak.Array]:
    """Whether each generated tau has a reconstructed one, and that one (None without)."""
    separation = distance(generated, taus)
    nearest = ak.argmin(separation, axis=2, mask_identity=True)
    near = ak.fill_none(ak.min(separation, axis=2) < MATCH, value=False)
    partner = taus[ak.mask(nearest, near)]
    return np.asarray(ak.flatten(near)), ak.flatten(partner)


def selected(taus: ak.Array, flags: Iterable[str]) -> ak.Array:
    """Taus above the threshold that have a decay mode and these flags."""
    mask = (taus.pt > MIN_TAU_PT) & (abs(taus.eta) < MAX_ETA) & taus.decayModeFindingNewDMs
    for flag in flags:
        mask = mask & taus[flag]
    return taus[mask]


def signal(files: Iterable[str]) -> dict[str, Array]:
    """Per generated tau: its pT and mode, passes of the selections, and its partner's columns."""
    parts: dict[str, list[Array]] = {}
    for products in events(files):
        generated = visible_taus(products["GenPart"])
        good = (generated.pt > MIN_PT) & (abs(generated.eta) < MAX_ETA)
        generated = generated[good]
        taus = products["HPSTau"]
        for name, flags in SELECTIONS.items():
            passes, partner = matched(generated, selected(taus, flags))
            parts.setdefault(name, []).append(passes)
            if not flags:
                for column in ("pt", "mass", "decayMode", "flightLengthSig", "ipDxy"):
                    values = ak.to_numpy(ak.fill_none(partner[column], -99))
                    parts.setdefault(f"reco {column}", []).append(values)
        right = abs(products["SlimmedPV"].z[:, 0] - products["Generator"].vz) < MAX_DZ
        right = ak.broadcast_arrays(right, generated.pt)[0]
        parts.setdefault("right vertex", []).append(ak.to_numpy(ak.flatten(right)))
        for column in ("pt", "decayMode", "mass"):
            parts.setdefault(column, []).append(ak.to_numpy(ak.flatten(generated[column])))
    return {name: np.concatenate(values) for name, values in parts.items()}


def background(files: Iterable[str]) -> dict[str, Array]:
    """Per jet that is no tau nor lepton: its pT, and whether a tau of each selection is in it."""
    parts: dict[str, list[Array]] = {}
    for products in events(files):
        particles, jets = products["GenPart"], products["AK4CHSJet"]
        code = abs(particles.pdgId)
        lepton = ((code == 11) | (code == 13)) & (particles.statusFlags & PROMPT_BITS != 0)
        leptons = particles[lepton & (particles.pt > 5.0)]
        places = ak.local_index(jets.pt)
        good = (jets.pt > MIN_PT) & (abs(jets.eta) < MAX_ETA)
        for others in (leptons, visible_taus(particles)):
            good = good & ak.fill_none(ak.min(distance(jets, others), axis=2) > 0.5, value=True)
        parts.setdefault("pt", []).append(ak.to_numpy(ak.flatten(jets.pt[good])))
        for name, flags in SELECTIONS.items():
            taus = selected(products["HPSTau"], flags)
            first, second = ak.unzip(ak.cartesian([places, taus.jetIdx], nested=True))
            passes = ak.any(first == second, axis=2)
            parts.setdefault(name, []).append(ak.to_numpy(ak.flatten(passes[good])))
    return {name: np.concatenate(values) for name, values in parts.items()}


def fraction(passes: Array) -> str:
    """Fraction in per cent with its binomial error."""
    n = max(len(passes), 1)
    rate = float(np.mean(passes)) if len(passes) else 0.0
    return f"{100 * rate:.1f} +- {100 * np.sqrt(rate * (1 - rate) / n):.1f}"


def numbers(taus: dict[str, Array], jets: dict[str, Array]) -> dict[str, Any]:
    """The table of efficiencies and fake rates, and the decay modes found for each true one."""
    result: dict[str, Any] = {"taus": len(taus["pt"]), "jets": len(jets["pt"])}
    result["right vertex"] = fraction(taus["right vertex"])
    for name in SELECTIONS:
        result[name] = {
            "all": fraction(taus[name]),
            **{str(mode): fraction(taus[name][taus["decayMode"] == mode]) for mode in MODES},
            "right vertex": fraction(taus[name][taus["right vertex"]]),
            "above 40 GeV": fraction(taus[name][taus["pt"] > 40.0]),
            "jets": fraction(jets[name]),
            "jets above 30 GeV": fraction(jets[name][jets["pt"] > 30.0]),
        }
    result["confusion"] = confusion(taus).round(1).tolist()
    found = taus["new decay modes"]
    ratio = taus["reco pt"][found] / taus["pt"][found]
    result["response"] = np.percentile(ratio, [15.85, 50.0, 84.15]).round(3).tolist()
    three = found & (taus["reco decayMode"] == 10) & (taus["decayMode"] == 10)
    result["flightLengthSig"] = np.percentile(taus["reco flightLengthSig"][three], [16, 50, 84])
    result["flightLengthSig"] = result["flightLengthSig"].round(2).tolist()
    return result


def confusion(taus: dict[str, Array]) -> Array:
    """Per cent of found taus by true (row) and reconstructed mode (column)."""
    found = taus["new decay modes"]
    table = np.zeros((len(MODES), len(MODES)))
    for i, true in enumerate(MODES):
        of_mode = taus["reco decayMode"][found & (taus["decayMode"] == true)]
        for j, mode in enumerate(MODES):
            table[i, j] = 100.0 * np.mean(of_mode == mode) if len(of_mode) else 0.0
    return table


def by_pt(axes: plt.Axes, data: dict[str, Array], bins: Array) -> None:
    """Fractions of the selections in bins of pT."""
    for name in SELECTIONS:
        rates = []
        for low, high in pairwise(bins):
            inside = (data["pt"] >= low) & (data["pt"] < high)
            rates.append(np.mean(data[name][inside]) if inside.any() else np.nan)
        mplhep.histplot(rates, bins, ax=axes, label=name, edges=False)
    axes.set_xscale("log")
    axes.set_xticks(bins, [f"{edge:g}" for edge in bins])
    axes.minorticks_off()


def picture(taus: dict[str, Array], jets: dict[str, Array]) -> None:
    """Efficiency, fake rate, decay modes and masses."""
    figure, grid = plt.subplots(2, 2, figsize=(9.5, 7.5), layout="constrained")
    by_pt(grid[0, 0], taus, np.array([20.0, 25, 30, 40, 50, 70, 100]))
    grid[0, 0].set(xlabel="generated visible pT (GeV)", ylabel="efficiency", ylim=(0, 1))
    by_pt(grid[0, 1], jets, np.array([20.0, 30, 40, 60, 80, 120, 200, 400]))
    grid[0, 1].set(xlabel="uncalibrated jet pT (GeV)", ylabel="jets taken for taus")
    grid[0, 1].set(yscale="log", ylim=(1e-3, 1.0))
    grid[0, 1].legend(fontsize=7)
    table = confusion(taus)
    grid[1, 0].imshow(table, cmap="Blues", vmin=0, vmax=100)
    for (i, j), value in np.ndenumerate(table):
        colour = "white" if value > 60 else "black"
        grid[1, 0].text(j, i, f"{value:.0f}", ha="center", va="center", color=colour, fontsize=8)
    ticks = range(len(MODES))
    grid[1, 0].set(xticks=ticks, yticks=ticks, xticklabels=MODES, yticklabels=MODES)
    grid[1, 0].set(xlabel="reconstructed decay mode", ylabel="true decay mode")
    bins = np.linspace(0.0, 2.0, 41)
    found = taus["old, loose isolation"]
    for colour, mode in (("C0", 1), ("C1", 10)):
        for kind, column, style in (("found", "reco ", "-"), ("generated", "", ":")):
            values = taus[f"{column}mass"][found & (taus[f"{column}decayMode"] == mode)]
            counts = np.histogram(values, bins)[0]
            label = f"mode {mode}, {kind}"
            mplhep.histplot(counts, bins, ax=grid[1, 1], color=colour, ls=style, label=label)
    grid[1, 1].set(xlabel="visible mass (GeV)", ylabel="taus / 50 MeV")
    grid[1, 1].legend(fontsize=7)
    figure.savefig(FOLDER / "taus.png", dpi=80)
    plt.close(figure)


def main(*files: str) -> None:
    """Makes the numbers and the picture."""
    mpl.use("Agg")
    taus, jets = signal(files[:-1]), background(files[-1:])
    sys.stdout.write(json.dumps(numbers(taus, jets), indent=1) + "\n")
    picture(taus, jets)


if __name__ == "__main__":
    main(*sys.argv[1:])
