"""Efficiency, purity and resolution of secondary vertices; the numbers of secondary-vertices.md.

Usage: python docs/validate_secondary_vertices.py FILE... of ``sonicmini simulate ttbar``. Runs the
modules of the chain that it takes, writes tables to the standard output and a picture beside this
file.
"""

import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import awkward as ak
import matplotlib as mpl
import mplhep
import numpy as np
from matplotlib import pyplot as plt
from numpy.typing import NDArray

from sonicmini.io.root_source import RootSource
from sonicmini.modules.jets.raw import AK4PuppiJets
from sonicmini.modules.puppi.puppi import Puppi
from sonicmini.modules.vertexing.inclusive import InclusiveVertexFinder
from sonicmini.modules.vertexing.primary import PrimaryVertexAssociation, PrimaryVertexSorting

Array = NDArray[Any]
PICTURE = Path(__file__).with_suffix("").with_name("secondary-vertices.png")
PT_BINS = (30.0, 50.0, 100.0, 200.0, 1000.0)
FLAVOURS = {"b": 5, "c": 4, "light": 0, "tau": 15}
CONE = 0.4
HADRON_CONE = 0.2
HEAVY, STRANGE, TAU, OTHER, NONE = range(5)
ORIGINS = ("b or c hadron", "strange hadron", "tau", "other of the hard collision", "no match")
K0S_MASS = 0.4976


class Tag(NamedTuple):
    """Cuts on a vertex that tags a b jet, as of CMS's secondary vertex tagger.

    Attributes:
        dxy_sig: least significance of the flight length across the beam.
        pv_fraction: largest share of tracks used in the fit of PV 0 with weight above 1/2.
        dxy: range of the flight length (cm).
        mass: largest (GeV).
        k0s: half width of the vetoed window (GeV) around the K0s for two opposite tracks.
    """

    dxy_sig: float = 3.0
    pv_fraction: float = 0.65
    dxy: tuple[float, float] = (0.01, 2.5)
    mass: float = 6.5
    k0s: float = 0.05


TAGS = {
    "CMS": Tag(),
    "8 sigma": Tag(dxy_sig=8.0),
    "fraction 0.5": Tag(pv_fraction=0.5),
}


def blocks(files: list[str]) -> Iterator[dict[str, ak.Array]]:
    """Products of 100 events each with those of the modules."""
    modules = (
        PrimaryVertexSorting(),
        PrimaryVertexAssociation(),
        Puppi(),
        AK4PuppiJets(),
        InclusiveVertexFinder(),
    )
    for chunk in RootSource(files).chunks():
        products = dict(chunk.products)
        for module in modules:
            products |= module.produce({name: products[name] for name in module.consumes})
        yield products


def separation(one: ak.Array, other: ak.Array) -> ak.Array:
    """Distances in eta and azimuth of all pairs, nested under the first."""
    first, second = ak.unzip(ak.cartesian([one, other], nested=True))
    d_phi = (first.phi - second.phi + np.pi) % (2 * np.pi) - np.pi
    return np.hypot(first.eta - second.eta, d_phi)


def near(one: ak.Array, other: ak.Array) -> ak.Array:
    """Whether each has one of the others within the cone."""
    return ak.fill_none(ak.min(separation(one, other), axis=2) < CONE, value=False)


def has_quark(particles: ak.Array, quark: int) -> ak.Array:
    """Hadrons with this quark."""
    code = abs(particles.pdgId)
    inside = ((code // 100) % 10 == quark) | ((code // 1000) % 10 == quark)
    return inside & (code > 100) & (code < 10000)


def flavours(jets: ak.Array, particles: ak.Array) -> ak.Array:
    """5, 4 by hadrons above 5 GeV in the cone, 15 by a tau, 0 for others."""
    hard = particles[particles.pt > 5.0]
    tau = hard[(abs(hard.pdgId) == 15) & (hard.status == 2)]
    result = ak.where(near(jets, tau), 15, 0)
    for quark in (4, 5):
        result = ak.where(near(jets, hard[has_quark(hard, quark)]), quark, result)
    return result


def with_flight(vertices: ak.Array, pv: ak.Array) -> ak.Array:
    """Direction of the flight from PV 0, as eta and phi."""
    x, y, z = (vertices[axis] - pv[axis] for axis in ("x", "y", "z"))
    return ak.zip({"eta": np.arcsinh(z / np.hypot(x, y)), "phi": np.arctan2(y, x)})


def per_vertex(products: dict[str, ak.Array], values: ak.Array) -> ak.Array:
    """Values of the tracks of vertices, nested under the vertices."""
    number = products["InclusiveSV"].ntracks
    flat = ak.unflatten(ak.flatten(values), ak.flatten(number))
    return ak.unflatten(flat, ak.num(number))


def ancestry(particles: ak.Array) -> ak.Array:
    """Where each particle comes from: the first of ORIGINS that one of its ancestors is."""
    code = abs(particles.pdgId)
    heavy = has_quark(particles, 4) | has_quark(particles, 5)
    strange = ((code == 310) | (code // 1000 == 3)) & (particles.status == 2)
    kind = ak.where(heavy, HEAVY, ak.where(strange, STRANGE, ak.where(code == 15, TAU, OTHER)))
    mother, result = particles.genPartIdxMother, ak.full_like(kind, OTHER)
    while ak.any(mother >= 0):
        safe = ak.where(mother >= 0, mother, 0)
        result = ak.where(mother >= 0, np.minimum(result, kind[safe]), result)
        mother = ak.where(mother >= 0, particles.genPartIdxMother[safe], -1)
    return result


def truth(products: dict[str, ak.Array]) -> tuple[ak.Array, ak.Array]:
    """Origin of each track of a vertex, and its particle's true production vertex, nested."""
    candidates = products["PFCand"][products["InclusiveSVCand"].candIdx]
    tracks = products["Track"][candidates.trackIdx]
    particles = ak.with_field(products["GenPart"], ancestry(products["GenPart"]), "origin")
    code = abs(particles.pdgId)
    charged = (code == 211) | (code == 321) | (code == 2212) | (code == 11) | (code == 13)
    stable = particles[(particles.status == 1) & charged & (particles.pt > 0.2)]
    one, other = ak.unzip(ak.cartesian([tracks, stable], nested=True))
    apart = separation(tracks, stable)
    best = ak.argmin(apart + 0.1 * abs(other.pt / one.pt - 1.0), axis=2, keepdims=True)
    good = (apart < 0.02) & (abs(other.pt / one.pt - 1.0) < 0.1)
    matched = ak.fill_none(ak.firsts(good[best], axis=2), value=False)
    match = ak.firsts(other[best], axis=2)
    origin = ak.where(matched, ak.fill_none(match.origin, NONE), NONE)
    place = {
        axis: ak.fill_none(match[f"v{axis}"], 0.0) + products["Generator"][f"v{axis}"]
        for axis in ("x", "y", "z")
    }
    return per_vertex(products, origin), per_vertex(products, ak.zip(place))


def pv_fraction(products: dict[str, ak.Array]) -> ak.Array:
    """Share of each vertex's tracks that the fit of PV 0 uses."""
    candidates = products["PFCand"][products["InclusiveSVCand"].candIdx]
    tracks = products["Track"][candidates.trackIdx]
    used = (tracks.pvIdx == products["SlimmedPV"].pvIdx[:, 0]) & (tracks.pvWeight > 0.5)
    return ak.mean(per_vertex(products, used), axis=2)


def last_hadrons(particles: ak.Array) -> ak.Array:
    """B hadrons, and c hadrons of no b hadron, that decay weakly: no mothers of such hadrons."""
    with_origin = ak.with_field(particles, ancestry(particles), "origin")
    parts = []
    for quark in (5, 4):
        same = has_quark(particles, quark)
        rows = ak.local_index(same)
        mothers = particles.genPartIdxMother[same]
        is_mother = ak.any(rows[:, :, np.newaxis] == mothers[:, np.newaxis, :], axis=2)
        kept = same & ~is_mother & (particles.pt > 15.0) & (abs(particles.eta) < 2.4)
        if quark == 4:
            kept = kept & (with_origin.origin != HEAVY) & ~has_quark(particles, 5)
        parts.append(ak.with_field(particles[kept], quark, "quark"))
    return ak.concatenate(parts, axis=1)


def measured(products: dict[str, ak.Array]) -> dict[str, ak.Array]:
    """Jets with flavour, vertices with all that is wanted of them."""
    jets = products["AK4PuppiJet"]
    jets = jets[(jets.pt > PT_BINS[0]) & (abs(jets.eta) < 2.4)]
    vertices, pv = products["InclusiveSV"], products["SlimmedPV"][:, 0]
    origin, place = truth(products)
    flight = with_flight(vertices, pv)
    near_jet = near(flight, jets) | near(vertices, jets)
    closest = ak.argmin(separation(flight, jets), axis=2)
    flavour = flavours(jets, products["GenPart"])
    return {
        "hadrons": last_hadrons(products["GenPart"]),
        "jets": jets,
        "flavour": flavour,
        "vertices": vertices,
        "flight": flight,
        "fraction": pv_fraction(products),
        "origin": origin,
        "place": place,
        "jetFlavour": ak.where(near_jet, ak.fill_none(flavour[closest], -1), -1),
    }


def passes(data: dict[str, ak.Array], tag: Tag) -> ak.Array:
    """Vertices that pass the cuts."""
    sv = data["vertices"]
    k0s = (sv.ntracks == 2) & (sv.charge == 0) & (abs(sv.mass - K0S_MASS) < tag.k0s)
    passed = (sv.dxySig > tag.dxy_sig) & (sv.dxy > tag.dxy[0]) & (sv.dxy < tag.dxy[1])
    return passed & (sv.mass < tag.mass) & ~k0s & (data["fraction"] < tag.pv_fraction)


def tagged(data: dict[str, ak.Array], chosen: ak.Array) -> ak.Array:
    """Jets with one of the chosen vertices in the cone, by flight or momentum."""
    jets = data["jets"]
    return near(jets, data["flight"][chosen]) | near(jets, data["vertices"][chosen])


def percent(values: ak.Array) -> str:
    """Mean with binomial error."""
    n, mean = ak.count(values), float(ak.mean(values)) if ak.count(values) else 0.0
    return f"{100 * mean:.1f} +- {100 * np.sqrt(mean * (1 - mean) / max(n, 1)):.1f}"


def rates(data: dict[str, ak.Array]) -> Iterator[str]:
    """Table: share of jets with a vertex, by cuts and flavour, then by pT."""
    choices = {"any": ak.ones_like(data["fraction"]) > 0}
    choices |= {name: passes(data, tag) for name, tag in TAGS.items()}
    yield "| vertex | pT (GeV) | b | c | light | tau |\n|---|---|---|---|---|---|\n"
    for name, chosen in choices.items():
        found = tagged(data, chosen)
        for low, high in ((PT_BINS[0], PT_BINS[-1]), *pairwise(PT_BINS)):
            inside = (data["jets"].pt > low) & (data["jets"].pt < high)
            cells = [
                percent(ak.flatten(found[inside & (data["flavour"] == code)]))
                for code in FLAVOURS.values()
            ]
            yield f"| {name} | {low:g}-{high:g} | {' | '.join(cells)} |\n"


def hadron_rates(data: dict[str, ak.Array]) -> Iterator[str]:
    """Table: share of hadrons with a vertex of two of their tracks near their direction."""
    true = ak.sum(data["origin"] == HEAVY, axis=2) >= 2
    yield "\n| vertex | b hadrons | c hadrons |\n|---|---|---|\n"
    choices = {"any": true} | {name: true & passes(data, tag) for name, tag in TAGS.items()}
    for name, chosen in choices.items():
        apart = separation(data["hadrons"], data["flight"][chosen])
        found = ak.fill_none(ak.min(apart, axis=2) < HADRON_CONE, value=False)
        cells = [percent(ak.flatten(found[data["hadrons"].quark == quark])) for quark in (5, 4)]
        yield f"| {name} | {' | '.join(cells)} |\n"


def purity(data: dict[str, ak.Array]) -> Iterator[str]:
    """Table: origin of the tracks of vertices, by flavour of the jet."""
    yield f"\n| vertices | in jets | vertices per event | {' | '.join(ORIGINS)} |\n"
    yield "|---|---|---|" + "---|" * len(ORIGINS) + "\n"
    for name, chosen in (("all", None), ("CMS", passes(data, TAGS["CMS"]))):
        for jet, code in (*FLAVOURS.items(), ("none", -1)):
            inside = data["jetFlavour"] == code
            inside = inside if chosen is None else inside & chosen
            origin = ak.flatten(data["origin"][inside], axis=None)
            shares = [f"{100 * ak.mean(origin == kind):.0f} %" for kind in range(len(ORIGINS))]
            number = ak.sum(inside) / len(inside)
            yield f"| {name} | {jet} | {number:.2f} | {' | '.join(shares)} |\n"


def residuals(data: dict[str, ak.Array]) -> dict[str, Array]:
    """Position less truth (um) and pulls, for vertices all of whose tracks have one true vertex."""
    place, origin, sv = data["place"], data["origin"], data["vertices"]
    spread = sum(ak.max(place[axis], axis=2) - ak.min(place[axis], axis=2) for axis in "xyz")
    pure = (spread < 1e-3) & ak.all(origin == HEAVY, axis=2)
    pure = ak.fill_none(pure, value=False)
    sv, flight = sv[pure], data["flight"][pure]
    gap = [np.asarray(ak.flatten(sv[a] - ak.firsts(place[a][pure], axis=2))) for a in "xyz"]
    error = [np.sqrt(np.asarray(ak.flatten(sv[f"cov{2 * a.upper()}"]))) for a in "xyz"]
    phi, eta = np.asarray(ak.flatten(flight.phi)), np.asarray(ak.flatten(flight.eta))
    along = (gap[0] * np.cos(phi) + gap[1] * np.sin(phi) + gap[2] * np.sinh(eta)) / np.cosh(eta)
    result = {f"pull {axis}": g / e for axis, g, e in zip("xyz", gap, error, strict=True)}
    result["along the flight (um)"] = 1e4 * along
    result["across, in the bending plane (um)"] = 1e4 * (
        gap[1] * np.cos(phi) - gap[0] * np.sin(phi)
    )
    return result


def widths(values: dict[str, Array]) -> Iterator[str]:
    """Table: median, half of the central 68.3 %, tails."""
    yield "\n| quantity | vertices | median | half of the central 68.3 % | beyond 3 widths |\n"
    yield "|---|---|---|---|---|\n"
    for name, array in values.items():
        low, middle, high = np.percentile(array, [15.85, 50, 84.15])
        width = (high - low) / 2
        far = np.mean(np.abs(array - middle) > 3 * width)
        yield f"| {name} | {len(array)} | {middle:.2f} | {width:.2f} | {100 * far:.1f} % |\n"


def picture(data: dict[str, ak.Array], values: dict[str, Array]) -> None:
    """Efficiencies against pT, significances, residuals and pulls."""
    figure, axes = plt.subplots(2, 2, figsize=(9, 6.6), layout="constrained")
    found = tagged(data, passes(data, TAGS["CMS"]))
    for name, code in list(FLAVOURS.items())[:3]:
        mine = data["flavour"] == code
        pt = np.asarray(ak.flatten(data["jets"].pt[mine]))
        hit = np.asarray(ak.flatten(found[mine]))
        bins = np.array([30, 40, 50, 70, 100, 140, 200, 300])
        total, some = np.histogram(pt, bins)[0], np.histogram(pt[hit], bins)[0]
        rate = some / total
        error = np.sqrt(rate * (1 - rate) / total)
        mplhep.histplot(rate, bins, yerr=error, histtype="errorbar", label=name, ax=axes[0, 0])
        inside = data["jetFlavour"] == code
        sig = np.asarray(ak.flatten(data["vertices"].dxySig[inside]))
        mplhep.histplot(
            *np.histogram(np.minimum(sig, 59.9), np.linspace(0, 60, 31)),
            density=True,
            label=name,
            ax=axes[0, 1],
        )
    axes[0, 0].set(xlabel="jet pT (GeV)", ylabel="share of jets with a vertex (CMS)", yscale="log")
    axes[0, 1].set(xlabel="dxySig of vertices in jets", ylabel="density", yscale="log")
    for name, array in values.items():
        pull = name.startswith("pull")
        bins = np.linspace(-5, 5, 41) if pull else np.linspace(-1000, 1000, 81)
        mplhep.histplot(*np.histogram(array, bins), label=name, ax=axes[1, int(pull)])
    axes[1, 0].set(xlabel="position - truth", ylabel="vertices", yscale="log", ylim=(0.5, 5000))
    axes[1, 1].set(xlabel="pull", ylabel="vertices")
    for panel in axes.flat:
        panel.legend(fontsize=8)
    figure.savefig(PICTURE, dpi=80)


def main(files: list[str]) -> None:
    """All tables and the picture."""
    mpl.use("Agg")
    parts = [measured(products) for products in blocks(files)]
    data = {name: ak.concatenate([part[name] for part in parts]) for name in parts[0]}
    counts = {name: int(ak.sum(data["flavour"] == code)) for name, code in FLAVOURS.items()}
    values = residuals(data)
    write = sys.stdout.write
    write(f"{len(data['jets'])} events, jets: {counts}\n\n")
    for table in (rates(data), hadron_rates(data), purity(data), widths(values)):
        sys.stdout.writelines(table)
    picture(data, values)


if __name__ == "__main__":
    main(sys.argv[1:])
