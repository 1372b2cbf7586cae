"""Substructure of large jets: soft drop and its subjets, N-subjettiness, energy correlators.

CMSSW: ``applySubstructure`` of ``PhysicsTools/PatAlgos`` for AK8 PUPPI jets.
"""

from dataclasses import dataclass
from typing import NamedTuple

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.clustering import polar
from sonicmini.modules.columns import (
    Bools,
    Columns,
    Floats,
    Ints,
    events_of,
    flat,
    jagged,
    offsets_from,
    offsets_of,
)
from sonicmini.modules.jets.energy_correlators import n_ratios
from sonicmini.modules.jets.n_subjettiness import MAX_AXES, n_subjettiness
from sonicmini.modules.jets.soft_drop import DEFAULT_CUT, SoftDropCut, SoftDropped, soft_drop
from sonicmini.modules.jets.substructure_clustering import on_cylinder

NOT_COMPUTED = -1.0
"""Value of every column for jets that it is not computed for."""

_TAUS = tuple(f"tau{n}" for n in range(1, MAX_AXES + 1))
_RATIOS = ("n2b1", "n2b2", "n3b1", "n3b2")
COLUMNS = ("msoftdrop", *_TAUS, *_RATIOS)
"""Of a jet, besides the indices of its subjets."""


class Constituents(NamedTuple):
    """Constituents of some jets.

    Attributes:
        p4: px, py, pz, E in GeV, one jet after the other, shape ``(constituents, 4)``.
        offsets: of the jets in them, shape ``(jets + 1,)``.
    """

    p4: Floats
    offsets: Ints

    def of(self, jets: Bools) -> "Constituents":
        """Those of the chosen jets."""
        return self.where(jets[events_of(self.offsets)], jets)

    def where(self, kept: Bools, jets: Bools) -> "Constituents":
        """The kept ones; all of them belong to the chosen jets."""
        counts = np.bincount(events_of(self.offsets)[kept], minlength=len(jets))
        return Constituents(self.p4[kept], offsets_from(counts[jets]))


@dataclass(frozen=True, kw_only=True)
class AK8PuppiSubstructure(Producer):
    """Soft drop, subjets, N-subjettiness and energy correlators of AK8 PUPPI jets.

    CMS looks at jets above a corrected pT of 170 GeV; here it is the raw one, with some room.

    Attributes:
        pt_min: jets below (GeV, raw) get no substructure.
        rapidity_max: jets beyond are not groomed; they have N-subjettiness only.
        pt_min_n3: groomed jets below (GeV) get no N3; their subjets do.
        soft_drop: condition on the splittings.
    """

    consumes = ("AK8PuppiJet", "AK8PuppiJetCand", "PFCand", "PuppiWeight")
    produces = ("AK8PuppiJetSubstructure", "AK8PuppiSubJet")
    pt_min: float = 150.0
    rapidity_max: float = 2.4
    pt_min_n3: float = 250.0
    soft_drop: SoftDropCut = DEFAULT_CUT

    def produce(self, inputs: Products) -> Products:
        """Returns columns parallel to the jets, -1 where they are not computed, and the subjets.

        Subjets have ``jetIdx``, their place in AK8PuppiJet, and come by jet, the one of higher pT
        first; ``subJetIdx1`` and ``subJetIdx2`` point to them, -1 for none.
        """
        jets = inputs["AK8PuppiJet"]
        pt = flat(jets, "pt")
        high = pt > self.pt_min
        constituents = constituents_of(inputs, high)
        columns: Columns = {name: np.full(len(pt), NOT_COMPUTED) for name in COLUMNS}
        taus = n_subjettiness(*constituents, self.soft_drop.r0)
        for name, tau in zip(_TAUS, taus.T, strict=True):
            columns[name][high] = tau
        central = np.abs(_rapidity(jets)) < self.rapidity_max
        constituents = constituents.of(central[high])
        dropped = soft_drop(*constituents, self.soft_drop)
        for name, values in self._groomed(constituents, dropped).items():
            columns[name][high & central] = values
        jet = np.flatnonzero(high & central)[_is_split(dropped)]
        offsets = offsets_of(jets)
        columns |= _subjet_indices(jet, offsets)
        return {
            "AK8PuppiJetSubstructure": jagged(offsets, columns),
            "AK8PuppiSubJet": _by_event(
                subjets_of(constituents, dropped, self.soft_drop.r0), jet, offsets
            ),
        }

    def _groomed(self, constituents: Constituents, dropped: SoftDropped) -> Columns:
        momentum = polar(dropped.p4, np.float64)
        everything = np.ones(len(dropped.p4), dtype=np.bool_)
        p4, offsets = constituents.where(dropped.part >= 0, everything)
        n2, n3 = n_ratios(on_cylinder(p4), offsets, momentum["pt"] > self.pt_min_n3)
        return {"msoftdrop": momentum["mass"]} | _ratio_columns(n2, n3)


def constituents_of(inputs: Products, chosen: Bools) -> Constituents:
    """The constituents of chosen AK8 jets, times their PUPPI weight.

    Args:
        inputs: AK8PuppiJet, AK8PuppiJetCand, PFCand and PuppiWeight.
        chosen: jets, shape ``(jets,)``.
    """
    links, candidates = inputs["AK8PuppiJetCand"], inputs["PFCand"]
    event = events_of(offsets_of(links))
    jet = offsets_of(inputs["AK8PuppiJet"])[event] + flat(links, "jetIdx", np.int64)
    wanted = chosen[jet]
    candidate = offsets_of(candidates)[event] + flat(links, "candIdx", np.int64)
    candidate = candidate[wanted]
    pt, eta, phi, mass = (flat(candidates, name)[candidate] for name in _P4)
    weight = flat(inputs["PuppiWeight"], "weight")[candidate]
    energy = np.hypot(pt * np.cosh(eta), mass)
    p4 = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), energy], axis=1)
    counts = np.bincount(jet[wanted], minlength=len(chosen))[chosen]
    return Constituents(p4 * weight[:, np.newaxis], offsets_from(counts))


_P4 = ("pt", "eta", "phi", "mass")


def subjets_of(constituents: Constituents, dropped: SoftDropped, r0: float) -> Columns:
    """The subjets, both of each jet that has them, one jet after the other.

    Args:
        constituents: of the jets before soft drop.
        dropped: its result.
        r0: of N-subjettiness.
    """
    split = _is_split(dropped)
    jet = events_of(constituents.offsets)
    used = np.flatnonzero((dropped.part >= 0) & split[jet])
    subjet = 2 * (np.cumsum(split) - 1)[jet[used]] + dropped.part[used]
    order = np.argsort(subjet, kind="stable")
    p4 = constituents.p4[used[order]]
    offsets = offsets_from(np.bincount(subjet, minlength=2 * int(split.sum())))
    momentum = dropped.subjets[split].reshape(-1, 4)
    columns = polar(momentum, np.float64) | {"rawFactor": np.zeros(len(momentum))}
    columns |= dict(zip(_TAUS, n_subjettiness(p4, offsets, r0).T, strict=True))
    everything = np.ones(len(momentum), dtype=np.bool_)
    return columns | _ratio_columns(*n_ratios(on_cylinder(p4), offsets, everything))


def _is_split(dropped: SoftDropped) -> Bools:
    return np.asarray(dropped.subjets[:, 1, 3] > 0)


def _ratio_columns(n2: Floats, n3: Floats) -> Columns:
    return dict(zip(_RATIOS, (*n2.T, *n3.T), strict=True))


def _rapidity(jets: ak.Array) -> Floats:
    pt, eta, mass = (flat(jets, name) for name in ("pt", "eta", "mass"))
    return np.asarray(np.arcsinh(pt * np.sinh(eta) / np.hypot(pt, mass)))


def _subjet_indices(jet: Ints, offsets: Ints) -> Columns:
    """The places of the subjets in their events.

    Args:
        jet: the jets that have two, ascending, among those of all events.
        offsets: of the events in the jets.
    """
    event = events_of(offsets)[jet]
    first = 2 * (np.arange(len(jet)) - np.searchsorted(event, event))
    columns: Columns = {}
    for name, step in (("subJetIdx1", 0), ("subJetIdx2", 1)):
        columns[name] = np.full(offsets[-1], -1)
        columns[name][jet] = first + step
    return columns


def _by_event(columns: Columns, jet: Ints, offsets: Ints) -> ak.Array:
    """The subjets of all events as a product, with the jet of each."""
    of_subjet = np.repeat(jet, 2)
    event = events_of(offsets)[of_subjet]
    columns["jetIdx"] = of_subjet - offsets[event]
    return jagged(offsets_from(np.bincount(event, minlength=len(offsets) - 1)), columns)
