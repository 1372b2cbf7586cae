"""Measures leptons, photons and tracks of the Mini-AOD; writes the tables of leptons.md.

Usage: python docs/validate_leptons.py [AOD_FILE ...], by default the bundled ttbar sample. The
tables go between the marks in docs/leptons.md.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.io.root_source import RootSource
from sonicmini.modules.columns import Floats, Ints, jagged
from sonicmini.modules.jets.rho import FixedGridRho
from sonicmini.modules.leptons.electrons import SlimmedElectrons
from sonicmini.modules.leptons.impact import impact_parameters
from sonicmini.modules.leptons.isolated_tracks import IsolatedTracks
from sonicmini.modules.leptons.muons import SlimmedMuons
from sonicmini.modules.leptons.photons import SlimmedPhotons
from sonicmini.modules.packing.candidates import PackPFCandidates
from sonicmini.modules.packing.lost_tracks import LostTracks
from sonicmini.modules.puppi.puppi import Puppi
from sonicmini.modules.vertexing.primary import PrimaryVertexAssociation, PrimaryVertexSorting

FOLDER = Path(__file__).parent
SAMPLE = FOLDER.parent / "sample_data" / "ttbar.root"
PAGE = FOLDER / "leptons.md"
BEGIN, END = "<!-- written by docs/validate_leptons.py -->\n", "<!-- end -->\n"
MIN_PT, MAX_ETA, MAX_DR = 20.0, 2.4, 0.05
PROMPT, PROMPT_TAU = 1 << 0, 1 << 3
CHAIN = (
    *(PrimaryVertexSorting(), PrimaryVertexAssociation(), Puppi(), PackPFCandidates()),
    *(FixedGridRho(), SlimmedMuons(), SlimmedPhotons(), SlimmedElectrons()),
    *(LostTracks(), IsolatedTracks()),
)
KEPT = ("SlimmedMuon", "SlimmedElectron", "SlimmedPhoton", "LostTrack", "IsoTrack", "GenPart")

MUON_CUTS: dict[str, Callable[[ak.Array], ak.Array]] = {
    "looseId": lambda m: m.looseId,
    "mediumId": lambda m: m.mediumId,
    "mediumPromptId": lambda m: m.mediumPromptId,
    "tightId": lambda m: m.tightId,
    "softId": lambda m: m.softId,
    "highPtId = 2": lambda m: m.highPtId == 2,
    "pfRelIso04_all < 0.25": lambda m: m.pfRelIso04_all < 0.25,
    "pfRelIso04_all < 0.15": lambda m: m.pfRelIso04_all < 0.15,
    "miniPFRelIso_all < 0.1": lambda m: m.miniPFRelIso_all < 0.1,
    "PUPPI isolation < 0.22": lambda m: m.puppiIsoId >= 2,
    "tkRelIso < 0.1": lambda m: m.tkRelIso < 0.1,
    "sip3d < 4": lambda m: m.sip3d < 4,
    "tightId, pfRelIso04_all < 0.15": lambda m: m.tightId & (m.pfRelIso04_all < 0.15),
}
ELECTRON_CUTS: dict[str, Callable[[ak.Array], ak.Array]] = {
    "cutBased >= 1 (veto)": lambda e: e.cutBased >= 1,
    "cutBased >= 2 (loose)": lambda e: e.cutBased >= 2,
    "cutBased >= 3 (medium)": lambda e: e.cutBased >= 3,
    "cutBased = 4 (tight)": lambda e: e.cutBased == 4,
    "pfRelIso03_all < 0.1": lambda e: e.pfRelIso03_all < 0.1,
    "miniPFRelIso_all < 0.1": lambda e: e.miniPFRelIso_all < 0.1,
    "sip3d < 4": lambda e: e.sip3d < 4,
}
PHOTON_CUTS: dict[str, Callable[[ak.Array], ak.Array]] = {
    "cutBased >= 1 (loose)": lambda p: p.cutBased >= 1,
    "cutBased >= 2 (medium)": lambda p: p.cutBased >= 2,
    "cutBased = 3 (tight)": lambda p: p.cutBased == 3,
}


def processed(files: Iterable[str]) -> dict[str, ak.Array]:
    """The collections of all events, with impact parameters to the true vertex beside."""
    parts: list[dict[str, ak.Array]] = []
    for chunk in RootSource(files).chunks():
        products: dict[str, ak.Array] = dict(chunk.products)
        for module in CHAIN:
            products |= module.produce({name: products[name] for name in module.consumes})
        part = {name: products[name] for name in KEPT}
        part["nPV"] = ak.num(products["SlimmedPV"].z)
        for name, own in (("SlimmedMuon", "Muon"), ("SlimmedElectron", "Electron")):
            part[name] = with_true_vertex(part[name], products, own)
        parts.append(part)
    return {name: ak.concatenate([part[name] for part in parts]) for name in parts[0]}


def with_true_vertex(leptons: ak.Array, products: Products, own: str) -> ak.Array:
    """Adds the pulls of dxy and dz with respect to the true vertex."""
    truth, given = products["Generator"], products[own]
    zero = np.zeros(len(truth))
    columns = {name: np.asarray(truth[f"v{name}"], np.float64) for name in ("x", "y", "z")}
    names = ("covXX", "covYY", "covZZ", "covXY", "covXZ", "covYZ")
    vertices = jagged(np.arange(len(truth) + 1), columns | dict.fromkeys(names, zero))
    event, track = matched_tracks(leptons, given, ak.num(products["Track"].pt))
    found = impact_parameters(products["Track"], vertices, track, event)
    for name in ("dxy", "dz"):
        pull = found[name] / np.where(found[f"{name}Err"] > 0, found[f"{name}Err"], 1)
        leptons = ak.with_field(leptons, ak.unflatten(pull, ak.num(leptons.pt)), f"{name}True")
    return leptons


def matched_tracks(leptons: ak.Array, given: ak.Array, n_tracks: ak.Array) -> tuple[Ints, Ints]:
    """Events and tracks of leptons, found again in the input by their momentum."""
    pairs = ak.cartesian({"one": leptons.pt, "other": given.pt}, nested=True)
    place = ak.argmax(pairs.one == pairs.other, axis=2)
    index = np.asarray(ak.flatten(given.trackIdx[place]), np.int64)
    event = np.repeat(np.arange(len(leptons)), ak.num(leptons.pt))
    first = np.append(0, np.cumsum(n_tracks))[event]
    return event, np.where(index >= 0, first + index, -1)


def near_truth(objects: ak.Array, particles: ak.Array) -> ak.Array:
    """Whether each object is near one of the particles."""
    pairs = ak.cartesian(
        {"a": objects[["eta", "phi"]], "b": particles[["eta", "phi"]]}, nested=True
    )
    turn = (pairs.a.phi - pairs.b.phi + np.pi) % (2 * np.pi) - np.pi
    return ak.any(np.hypot(pairs.a.eta - pairs.b.eta, turn) < MAX_DR, axis=2)


def truth(events: dict[str, ak.Array], pdg_id: int) -> tuple[ak.Array, ak.Array]:
    """Stable leptons: prompt ones, and those with prompt ones of tau decays."""
    particles = events["GenPart"]
    stable = particles[(abs(particles.pdgId) == pdg_id) & (particles.status == 1)]
    prompt = (stable.statusFlags & PROMPT) > 0
    of_tau = (stable.statusFlags & PROMPT_TAU) > 0
    return stable[prompt], stable[prompt | of_tau]


def hard(objects: ak.Array) -> ak.Array:
    """Objects that the tables count."""
    return objects[(objects.pt > MIN_PT) & (abs(objects.eta) < MAX_ETA)]


def sorted_out(events: dict[str, ak.Array], name: str, pdg_id: int) -> tuple[ak.Array, ak.Array]:
    """Reconstructed leptons above the cuts: prompt ones and those that are no prompt lepton."""
    prompt, any_prompt = truth(events, pdg_id)
    found = hard(events[name])
    return found[near_truth(found, prompt)], found[~near_truth(found, any_prompt)]


def percent(passed: ak.Array) -> str:
    """A fraction with its error."""
    flat = np.asarray(ak.flatten(passed, axis=None), dtype=np.float64)
    if len(flat) == 0:
        return ""
    fraction = flat.mean()
    error = np.sqrt(max(fraction * (1 - fraction), 1 / len(flat)) / len(flat))
    return f"{100 * fraction:.1f} ± {100 * error:.1f}"


def row(*cells: object) -> str:
    """A row of a table."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |\n"


def table(
    cuts: dict[str, Callable[[ak.Array], ak.Array]],
    good: ak.Array,
    other: ak.Array,
    title: tuple[str, str, str],
) -> str:
    """Efficiencies of cuts for two kinds of objects."""
    counts = [int(ak.count(objects.pt)) for objects in (good, other)]
    text = row(title[0], *(f"{t} ({n}), %" for t, n in zip(title[1:], counts, strict=True)))
    text += row("---", "--:", "--:")
    for name, cut in cuts.items():
        text += row(name, percent(cut(good)), percent(cut(other)))
    return text + "\n"


def width(values: ak.Array) -> str:
    """Half of the central 68 % of values."""
    flat: Floats = np.asarray(ak.flatten(values, axis=None), dtype=np.float64)
    low, high = np.percentile(flat, [15.87, 84.13])
    return f"{(high - low) / 2:.2f}"


def impact_table(events: dict[str, ak.Array]) -> str:
    """Widths of pulls, and significances."""
    text = row("", "prompt muons", "other muons", "prompt electrons", "other electrons")
    text += row("---", *["--:"] * 4)
    kinds: list[ak.Array] = [
        kind[kind.dxyErr > 0]
        for name, pdg_id in (("SlimmedMuon", 13), ("SlimmedElectron", 11))
        for kind in sorted_out(events, name, pdg_id)
    ]
    pulls: dict[str, Callable[[ak.Array], ak.Array]] = {
        "dxy / dxyErr, PV 0": lambda k: k.dxy / k.dxyErr,
        "dz / dzErr, PV 0": lambda k: k.dz / k.dzErr,
        "dxy over its error, true vertex": lambda k: k.dxyTrue,
        "dz over its error, true vertex": lambda k: k.dzTrue,
    }
    for name, pull in pulls.items():
        text += row(f"width of {name}", *(width(pull(kind)) for kind in kinds))
    medians = (np.median(np.asarray(ak.flatten(kind.sip3d))) for kind in kinds)
    return text + row("median of sip3d", *(f"{value:.2f}" for value in medians)) + "\n"


def pileup_table(events: dict[str, ak.Array]) -> str:
    """Isolation of prompt leptons with few and with many vertices."""
    middle = float(np.median(events["nPV"]))
    low = np.asarray(events["nPV"] <= middle)
    few, many = ({name: array[keep] for name, array in events.items()} for keep in (low, ~low))
    text = row("prompt, passing", f"up to {middle:.0f} vertices, %", "more vertices, %")
    text += row("---", "--:", "--:")
    for name, pdg_id, cuts in (
        ("SlimmedMuon", 13, MUON_CUTS),
        ("SlimmedElectron", 11, ELECTRON_CUTS),
    ):
        for cut in ("pfRelIso04_all < 0.15", "pfRelIso03_all < 0.1", "miniPFRelIso_all < 0.1"):
            if cut in cuts:
                passed = (
                    percent(cuts[cut](sorted_out(part, name, pdg_id)[0])) for part in (few, many)
                )
                text += row(f"{name.removeprefix('Slimmed').lower()}s, {cut}", *passed)
    return text + "\n"


def report(events: dict[str, ak.Array]) -> str:
    """All tables."""
    n = len(events["nPV"])
    text = f"{n} ttbar events, pT > {MIN_PT:.0f} GeV, abs(eta) < {MAX_ETA}:\n\n"
    for name, pdg_id, cuts in (
        ("SlimmedMuon", 13, MUON_CUTS),
        ("SlimmedElectron", 11, ELECTRON_CUTS),
    ):
        kind = name.removeprefix("Slimmed").lower()
        prompt, _ = truth(events, pdg_id)
        prompt = hard(prompt)
        text += f"{percent(near_truth(prompt, events[name]))} % of {ak.count(prompt.pt)} prompt"
        text += f" {kind}s are reconstructed.\n\n"
        good, other = sorted_out(events, name, pdg_id)
        text += table(cuts, good, other, (f"{kind}s", "prompt", "other"))
    photons = hard(events["SlimmedPhoton"])
    prompt, any_prompt = truth(events, 11)
    good, other = photons[near_truth(photons, prompt)], photons[~near_truth(photons, any_prompt)]
    other = other[other.electronVeto]
    text += table(
        PHOTON_CUTS, good, other, ("photons", "of prompt electrons", "other, electronVeto")
    )
    text += impact_table(events) + pileup_table(events)
    counts = {name: ak.count(events[name].pt) / n for name in KEPT[:-1]}
    lost = ak.sum(events["IsoTrack"].isFromLostTrack) / n
    text += "Per event: " + ", ".join(f"{count:.2f} {name}" for name, count in counts.items())
    return text + f"; {lost:.2f} isolated tracks are lost tracks.\n"


def main() -> None:
    """Writes the tables."""
    text = report(processed(sys.argv[1:] or [str(SAMPLE)]))
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + "\n" + text + "\n" + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
