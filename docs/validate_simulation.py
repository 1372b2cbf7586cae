"""Compares the simulated detector with what it should do; makes the numbers of simulation.md.

Usage: python docs/validate_simulation.py [EVENTS]. Simulates ttbar with 35 pileup collisions, runs
the CPU modules of the Mini-AOD chain on it, and writes docs/simulation/*.png and validation.json.
"""

import json
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import awkward as ak
import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from numpy.typing import NDArray

from sonicmini.modules.gen.jets import GenJets, GenMET
from sonicmini.modules.jets.raw import AK4PuppiJets
from sonicmini.modules.met.raw import RawMET, RawPuppiMET
from sonicmini.modules.packing.candidates import PackPFCandidates
from sonicmini.modules.puppi.puppi import Puppi
from sonicmini.modules.vertexing.primary import PrimaryVertexAssociation, PrimaryVertexSorting
from sonicmini.simulation.constants import BEAM_SPOT
from sonicmini.simulation.detector import reconstruct
from sonicmini.simulation.library import EVENTS as LIBRARY_EVENTS
from sonicmini.simulation.particles import ParticleBatch
from sonicmini.simulation.run import Block, simulate_block

Array = NDArray[Any]
FOLDER = Path(__file__).parent / "simulation"
PILEUP = 35.0
SEED = 4711
BLOCK = 100
MAX_DXY = 0.2
"""Impact parameter (cm) that tracks for b tagging have at most."""
PION_MASS = 0.13957
BINS_RESPONSE = (30.0, 50.0, 100.0, 200.0, 500.0)


def pions(number: int, seed: int) -> ParticleBatch:
    """Single prompt pions from the beam spot, pT 1 to 20 GeV, abs(eta) < 2.4, one per event."""
    random = np.random.default_rng(seed)
    pt, eta = random.uniform(1.0, 20.0, number), random.uniform(-2.4, 2.4, number)
    phi = random.uniform(-np.pi, np.pi, number)
    charge = random.choice([-1, 1], number).astype(np.int8)
    return ParticleBatch(
        offsets=np.arange(number + 1),
        pdgId=211 * charge.astype(np.int32),
        charge=charge,
        px=pt * np.cos(phi),
        py=pt * np.sin(phi),
        pz=pt * np.sinh(eta),
        energy=np.hypot(pt * np.cosh(eta), PION_MASS),
        vx=np.full(number, BEAM_SPOT[0]),
        vy=np.full(number, BEAM_SPOT[1]),
        vz=np.full(number, BEAM_SPOT[2]),
        collision=np.zeros(number, np.int16),
        seeds=random.integers(0, 2**32, number).astype(np.uint32),
    )


def pulls(tracks: ak.Array) -> dict[str, Array]:
    """Pulls of the leading track's dxy and dz to the beam spot, for events with one track."""
    one = tracks[(ak.num(tracks) == 1) & (ak.sum(tracks.isHighPurity, axis=1) == 1)][:, 0]
    x, y = one.vx - BEAM_SPOT[0], one.vy - BEAM_SPOT[1]
    dxy = -x * np.sin(one.phi) + y * np.cos(one.phi)
    dz = one.vz - BEAM_SPOT[2] - (x * np.cos(one.phi) + y * np.sin(one.phi)) * np.sinh(one.eta)
    dz_error = np.sqrt(one.covDszDsz) * np.cosh(one.eta)
    return {
        "dxy": np.asarray(dxy / np.sqrt(one.covDxyDxy)),
        "dz": np.asarray(dz / dz_error),
    }


def chain(products: dict[str, ak.Array]) -> dict[str, ak.Array]:
    """The products with those of the chain's CPU modules."""
    modules = (
        PrimaryVertexSorting(),
        PrimaryVertexAssociation(),
        Puppi(),
        PackPFCandidates(),
        AK4PuppiJets(),
        RawMET(),
        RawPuppiMET(),
        GenJets(),
        GenMET(),
    )
    for module in modules:
        products |= module.produce({name: products[name] for name in module.consumes})
    return products


def simulate(number: int) -> tuple[list[dict[str, ak.Array]], float]:
    """Blocks of events through simulation and chain, and the simulation's events per CPU second."""
    blocks, spent = [], 0.0
    simulate_block(Block("ttbar", PILEUP, SEED + 1, LIBRARY_EVENTS, range(2)))
    for start in range(0, number, BLOCK):
        stop = min(start + BLOCK, number)
        before = time.process_time()
        products = simulate_block(Block("ttbar", PILEUP, SEED, LIBRARY_EVENTS, range(start, stop)))
        spent += time.process_time() - before
        blocks.append(chain(products))
    return blocks, number / spent


def joined(blocks: list[dict[str, ak.Array]], product: str) -> ak.Array:
    """One product of all blocks."""
    return ak.concatenate([block[product] for block in blocks])


def components(met: ak.Array) -> Array:
    """X and y of a missing momentum, shape (2, events)."""
    return np.stack([np.asarray(met.pt * np.cos(met.phi)), np.asarray(met.pt * np.sin(met.phi))])


def spread(values: Array) -> dict[str, float]:
    """Rms and half of the central 68.3 %."""
    flat = np.ravel(values)
    low, high = np.percentile(flat, [15.85, 84.15])
    return {
        "rms": round(float(np.sqrt(np.mean(flat**2))), 2),
        "width68": round(float(high - low) / 2, 2),
    }


def distance(one: ak.Array, other: ak.Array) -> ak.Array:
    """Distances in eta and azimuth of all pairs, nested under the first."""
    first, second = ak.unzip(ak.cartesian([one, other], nested=True))
    d_phi = (first.phi - second.phi + np.pi) % (2 * np.pi) - np.pi
    return np.hypot(first.eta - second.eta, d_phi)


def hadrons(particles: ak.Array, quark: int) -> ak.Array:
    """Generated hadrons with a b or c quark above 5 GeV."""
    code = abs(particles.pdgId)
    heavy = ((code // 100) % 10 == quark) | ((code // 1000) % 10 == quark)
    return particles[heavy & (code > 100) & (code < 10000) & (particles.pt > 5.0)]


def near(jets: ak.Array, others: ak.Array, radius: float) -> ak.Array:
    """Whether each jet has one of the others within a radius."""
    return ak.fill_none(ak.min(distance(jets, others), axis=2) < radius, value=False)


def displaced(blocks: list[dict[str, ak.Array]]) -> dict[str, float]:
    """Fraction of tracks with significance of dxy above 3 in b, c and light jets."""
    jets, links = joined(blocks, "AK4PuppiJet"), joined(blocks, "AK4PuppiJetCand")
    candidates, particles = joined(blocks, "PackedPFCand"), joined(blocks, "GenPart")
    candidates = candidates[ak.argsort(candidates.pfCandIdx)]  # in the order of the input
    good = (jets.pt > 30.0) & (abs(jets.eta) < 2.4)
    b_jet, c_jet = near(jets, hadrons(particles, 5), 0.4), near(jets, hadrons(particles, 4), 0.4)
    flavour = ak.where(b_jet, 5, ak.where(c_jet, 4, 0))
    track = candidates[links.candIdx]
    chosen = (track.charge != 0) & (track.pt > 1.0) & good[links.jetIdx]
    chosen = chosen & (abs(track.pdgId) == 211) & (track.puppiWeight > 0.5)
    chosen = chosen & (abs(track.dxy) < MAX_DXY)
    significance = abs(track.dxy / track.dxyErr)[chosen]
    flavour = flavour[links.jetIdx][chosen]
    return {
        name: round(float(ak.mean(ak.flatten(significance[flavour == value]) > 3.0)), 3)
        for name, value in (("b", 5), ("c", 4), ("light", 0))
    }


def response(blocks: list[dict[str, ak.Array]]) -> dict[str, dict[str, float]]:
    """Median and half width of pT over that of the matched generated jet, by the latter's pT."""
    jets, generated = joined(blocks, "AK4PuppiJet"), joined(blocks, "GenJet")
    generated = generated[(generated.pt > BINS_RESPONSE[0]) & (abs(generated.eta) < 2.4)]
    separations = distance(generated, jets)
    closest = ak.argmin(separations, axis=2)
    matched = ak.fill_none(ak.min(separations, axis=2) < 0.2, value=False)
    pt = ak.flatten(generated.pt[matched])
    ratio = ak.flatten(jets.pt[closest[matched]]) / pt
    result = {}
    for low, high in pairwise(BINS_RESPONSE):
        values = np.asarray(ratio[(pt >= low) & (pt < high)])
        q = np.percentile(values, [15.85, 50.0, 84.15])
        result[f"{low:g}-{high:g}"] = {
            "median": round(float(q[1]), 3),
            "width": round(float(q[2] - q[0]) / 2, 3),
            "jets": len(values),
        }
    return result


def counts(blocks: list[dict[str, ak.Array]]) -> dict[str, float]:
    """Mean numbers per event."""
    candidates = joined(blocks, "PFCand")
    means = {"all": ak.num(candidates)}
    names = {211: "chargedHadron", 22: "photon", 130: "neutralHadron", 1: "hfHadron", 2: "hfEM"}
    for code, name in names.items():
        means[name] = ak.sum(abs(candidates.pdgId) == code, axis=1)
    for product in ("Track", "PV", "Muon", "Electron", "Photon", "V0"):
        means[product] = ak.num(joined(blocks, product))
    return {name: round(float(ak.mean(values)), 2) for name, values in means.items()}


def histogram(name: str, label: str, series: dict[str, Array], bins: Array) -> None:
    """A small normalised histogram of a few series as a PNG."""
    figure, axes = plt.subplots(figsize=(4.2, 3.2), layout="constrained")
    for title, values in series.items():
        axes.hist(np.ravel(values), bins=bins, histtype="step", density=True, label=title)
    axes.set_xlabel(label)
    axes.set_ylabel("fraction / bin width")
    axes.legend(fontsize=8)
    figure.savefig(FOLDER / f"{name}.png", dpi=80)
    plt.close(figure)


def main(number: int) -> None:
    """Make all numbers and plots."""
    mpl.use("Agg")
    FOLDER.mkdir(exist_ok=True)
    prompt = pulls(reconstruct(pions(20000, SEED))["Track"])
    blocks, rate = simulate(number)
    generated = components(joined(blocks, "GenMET"))
    residuals = {
        "PF": components(joined(blocks, "RawMET")) - generated,
        "PUPPI": components(joined(blocks, "RawPuppiMET")) - generated,
    }
    leading = joined(blocks, "SlimmedPV").z[:, 0] - joined(blocks, "Generator").vz
    met = {name: spread(values) for name, values in residuals.items()}
    numbers = {
        "process": "ttbar",
        "pileup": PILEUP,
        "events": number,
        "countsPerEvent": counts(blocks),
        "promptPulls": {
            name: {
                "width68": spread(values)["width68"],
                "beyond3": round(float(np.mean(abs(values) > 3)), 4),
            }
            for name, values in prompt.items()
        },
        "displacedTracks": displaced(blocks),
        "puppiJetResponse": response(blocks),
        "leadingVertexRight": round(float(np.mean(abs(leading) < 0.05)), 4),
        "met": met,
        "puppiOverPF": {
            key: round(met["PUPPI"][key] / met["PF"][key], 3) for key in ("rms", "width68")
        },
        "simulatedPerCpuSecond": round(rate, 1),
    }
    (FOLDER / "validation.json").write_text(json.dumps(numbers, indent=1) + "\n")
    histogram("pulls", "pull of prompt tracks", prompt, np.linspace(-6, 6, 61))
    histogram("met", "MET - true MET, one component (GeV)", residuals, np.linspace(-100, 100, 51))
    totals = np.asarray(ak.num(joined(blocks, "PFCand")))
    histogram("candidates", "candidates per event", {"ttbar": totals}, np.linspace(0, 3500, 36))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
