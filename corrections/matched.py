"""Uncalibrated jets of the chain beside the generated jets that they belong to."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import awkward as ak
import numpy as np

from corrections.recipe import Sample
from corrections.simulated import sample_file
from sonicmini.event import Products
from sonicmini.io.root_source import RootSource
from sonicmini.module import Producer
from sonicmini.modules.columns import Bools, Floats, Ints, events_of, flat, offsets_of
from sonicmini.modules.gen.jets import GenJets
from sonicmini.modules.jets.raw import AK4CHSJets, AK4PuppiJets, AK8PuppiJets
from sonicmini.modules.jets.rho import FixedGridRho
from sonicmini.modules.puppi.puppi import Puppi
from sonicmini.modules.vertexing.primary import PrimaryVertexAssociation, PrimaryVertexSorting

JETS: Final = {"AK4PFchs": "AK4CHSJet", "AK4PFPuppi": "AK4PuppiJet", "AK8PFPuppi": "AK8PuppiJet"}
"""CMS's name of each kind of jets, and the product with them."""

RHO: Final = "fixedGridRhoFastjetAll"
GEN_PT_MIN: Final = 10.0
GEN_ETA_MAX: Final = 5.2

_INPUTS: Final = ("PFCand", "Track", "PV", "GenPart")
_CHAIN: Final[tuple[Producer, ...]] = (
    PrimaryVertexSorting(),
    PrimaryVertexAssociation(),
    Puppi(),
    FixedGridRho(),
    AK4CHSJets(),
    AK4PuppiJets(),
    AK8PuppiJets(),
)


@dataclass(frozen=True)
class Matched:
    """Pairs of generated and uncalibrated jet, each column of shape ``(pairs,)``; GeV.

    Attributes:
        pt: of the uncalibrated jet; also ``eta``, ``phi``, ``area``.
        gen_pt: of the generated jet; also ``gen_eta``, ``gen_phi``.
        rho: of the event.
        pileup: mean number of collisions of the sample.
    """

    pt: Floats
    eta: Floats
    phi: Floats
    area: Floats
    gen_pt: Floats
    gen_eta: Floats
    gen_phi: Floats
    rho: Floats
    pileup: Floats

    def where(self, chosen: Bools) -> "Matched":
        """Some of the pairs."""
        return Matched(**{name: values[chosen] for name, values in vars(self).items()})


def matched_file(sample: Sample, data: Path) -> Path:
    """Where the pairs of a sample are kept."""
    return data / f"{sample.name}.npz"


def make_matched(chosen: Sequence[Sample], data: Path) -> None:
    """Reconstructs and matches the jets of samples, showing progress; what is there is kept."""
    missing = [sample for sample in chosen if not matched_file(sample, data).is_file()]
    print(f"{len(chosen) - len(missing)} of {len(chosen)} samples have matched jets", flush=True)
    started, events = time.perf_counter(), 0
    for sample in missing:
        columns: dict[str, Floats] = {}
        for name, pairs in _matched(sample, data).items():
            columns |= {f"{name}_{key}": values for key, values in vars(pairs).items()}
        partial = matched_file(sample, data).with_suffix(".part.npz")
        np.savez_compressed(partial, allow_pickle=False, **columns)
        partial.replace(matched_file(sample, data))
        events += sample.events
        rate = events / (time.perf_counter() - started)
        print(f"{sample.name}  {events} events, {rate:.1f} events/s", flush=True)


def load_matched(chosen: Iterable[Sample], data: Path, name: str) -> tuple[Matched, Ints]:
    """The pairs of all samples that are there, for one kind of jets.

    Returns:
        The pairs, and the number of the sample of each.
    """
    parts: list[Matched] = []
    for path in (matched_file(sample, data) for sample in chosen):
        if path.is_file():
            with np.load(path) as file:
                columns = {item.name: file[f"{name}_{item.name}"] for item in fields(Matched)}
            parts.append(Matched(**columns))
    sizes = [len(part.pt) for part in parts]
    return _joined(parts), np.repeat(np.arange(len(parts)), sizes)


def _joined(parts: Sequence[Matched]) -> Matched:
    columns = {
        item.name: np.concatenate([getattr(part, item.name) for part in parts])
        for item in fields(Matched)
    }
    return Matched(**columns)


def reconstructed(path: Path) -> Iterable[dict[str, ak.Array]]:
    """The products of each chunk of a sample, with those of the chain up to uncalibrated jets."""
    for chunk in RootSource([path], products=(*_INPUTS, "Muon")).chunks():
        products = dict(chunk.products)
        for module in _CHAIN:
            products |= module.produce({name: products[name] for name in module.consumes})
        yield products


def _matched(sample: Sample, data: Path) -> dict[str, Matched]:
    parts: dict[str, list[Matched]] = {name: [] for name in JETS}
    for products in reconstructed(sample_file(sample, data)):
        for name in JETS:
            parts[name].append(match(products, name, sample.pileup))
    return {name: _joined(pairs) for name, pairs in parts.items()}


def match(products: Products, name: str, pileup: float) -> Matched:
    """Pairs each generated jet with the nearest jet, if they are each other's nearest.

    They may be half the radius apart: 0.2 for R = 0.4 and 0.4 for R = 0.8, as in CMS.

    Args:
        products: of a chunk.
        name: of the kind of jets.
        pileup: of the sample.
    """
    radius = 0.8 if name.startswith("AK8") else 0.4
    made = GenJets(radius=radius, pt_min=GEN_PT_MIN).produce({"GenPart": products["GenPart"]})
    gen = made["GenJet"][abs(made["GenJet"].eta) < GEN_ETA_MAX]
    jets = products[JETS[name]]
    gen = ak.with_field(gen, ak.local_index(gen.pt), "place")
    jets = ak.with_field(jets, ak.local_index(jets.pt), "place")
    pairs = ak.cartesian({"gen": gen, "jet": jets})
    turn = (pairs.jet.phi - pairs.gen.phi + np.pi) % (2 * np.pi) - np.pi
    distance = np.hypot(pairs.jet.eta - pairs.gen.eta, turn)
    near = distance < 0.5 * radius
    pairs, distance = pairs[near], distance[near]
    event = events_of(offsets_of(pairs))
    gen_place = flat(pairs.gen, "place", np.int64)
    jet_place = flat(pairs.jet, "place", np.int64)
    order = np.argsort(np.asarray(ak.flatten(distance)), kind="stable")
    first = _first_of(event[order], gen_place[order]) & _first_of(event[order], jet_place[order])
    kept = np.sort(order[first])
    rho = np.asarray(products["Rho"][RHO], dtype=np.float64)[event[kept]]
    columns = {key: flat(pairs.jet, key)[kept] for key in ("pt", "eta", "phi", "area")}
    columns |= {f"gen_{key}": flat(pairs.gen, key)[kept] for key in ("pt", "eta", "phi")}
    return Matched(**columns, rho=rho, pileup=np.full(len(kept), float(pileup)))


def _first_of(event: Ints, place: Ints) -> Bools:
    """Where each pair of event and place occurs first."""
    found = np.zeros(len(event), dtype=bool)
    found[np.unique(np.stack([event, place]), axis=1, return_index=True)[1]] = True
    return found
