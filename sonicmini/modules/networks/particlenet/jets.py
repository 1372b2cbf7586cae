"""Which candidates and vertices a network sees of each jet, and in which order.

CMSSW: ``DeepBoostedJetTagInfoProducer``, with the settings of the ParticleNet taggers.
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from sonicmini.event import Products
from sonicmini.modules.columns import (
    Bools,
    Floats,
    Ints,
    events_of,
    flat,
    kernel,
    offsets_from,
    offsets_of,
)


@dataclass(frozen=True, kw_only=True)
class JetKind:
    """Jets that a network is made for.

    Attributes:
        jets: their product.
        links: pairs of jet and packed candidate.
        radius: within it lie the secondary vertices of a jet.
        min_pt: corrected pT (GeV); jets below it have no candidates and no vertices.
        min_puppi_weight: candidates below it are left out.
        subjets: product of their subjets, if they have any.
    """

    jets: str
    links: str
    radius: float
    min_pt: float
    min_puppi_weight: float = 0.0
    subjets: str | None = None

    @property
    def consumes(self) -> tuple[str, ...]:
        """All products that features may be made of."""
        subjets = () if self.subjets is None else (self.subjets,)
        return (self.jets, self.links, "PackedPFCand", "SlimmedPV", "SV", *subjets)


AK4_CHS: Final = JetKind(jets="JetCHS", links="JetCHSPFCand", radius=0.4, min_pt=15.0)
AK4_PUPPI: Final = JetKind(jets="Jet", links="JetPFCand", radius=0.4, min_pt=15.0)
AK8: Final = JetKind(
    jets="FatJet",
    links="FatJetPFCand",
    radius=0.8,
    min_pt=170.0,
    min_puppi_weight=0.01,
    subjets="SubJet",
)


class Members(NamedTuple):
    """Objects of jets, one jet after the other.

    Attributes:
        jet: of each row, among the jets of all events, ascending.
        member: the object of each row, among those of all events.
        counts: number of rows of each jet, shape ``(jets,)``.
    """

    jet: Ints
    member: Ints
    counts: Ints


def candidates_of(inputs: Products, kind: JetKind, max_length: int) -> Members:
    """The packed candidates of each jet by falling pT, without PUPPI weight.

    Candidates of equal pT keep their order. Jets below the least pT and those of events without
    vertex have none.

    Args:
        inputs: products of a chunk.
        kind: of jets.
        max_length: at most so many of a jet, the first ones.
    """
    jet, member = _links(inputs, kind)
    pt = flat(inputs["PackedPFCand"], "pt", None).take(member)
    return _first(jet, member, pt, Limits(_number(inputs[kind.jets]), max_length))


def with_candidates(inputs: Products, kind: JetKind) -> Bools:
    """Jets that have at least one candidate by these rules, shape ``(jets,)``."""
    jet, _ = _links(inputs, kind)
    return np.bincount(jet, minlength=_number(inputs[kind.jets])) > 0


def _links(inputs: Products, kind: JetKind) -> tuple[Ints, Ints]:
    """Pairs of jet and candidate that count, both among those of all events."""
    candidates, links = inputs["PackedPFCand"], inputs[kind.links]
    event = events_of(offsets_of(links))
    jet = flat(links, "jetIdx", np.int64) + offsets_of(inputs[kind.jets])[event]
    member = flat(links, "pfCandIdx", np.int64) + offsets_of(candidates)[event]
    seen = _described(inputs, kind)[jet]
    if kind.min_puppi_weight > 0.0:
        seen &= flat(candidates, "puppiWeight", None)[member] >= np.float32(kind.min_puppi_weight)
    return jet[seen], member[seen]


def _number(jets: ak.Array) -> int:
    return int(offsets_of(jets)[-1])


def vertices_of(inputs: Products, kind: JetKind, max_length: int) -> Members:
    """The secondary vertices around each jet by falling significance of the transverse flight.

    The distance is that of the momenta in pseudorapidity and azimuth. Vertices of equal
    significance keep their order. Jets without candidates for want of pT or of a primary vertex
    have no vertices either.

    Args:
        inputs: products of a chunk.
        kind: of jets.
        max_length: at most so many of a jet, the first ones.
    """
    jets, vertices = inputs[kind.jets], inputs["SV"]
    offsets = offsets_of(vertices)
    event = events_of(offsets_of(jets))
    counts = np.where(_described(inputs, kind), np.diff(offsets)[event], 0)
    jet = np.repeat(np.arange(len(event)), counts)
    start = np.cumsum(counts) - counts
    member = np.arange(len(jet)) + (offsets[event] - start)[jet]
    eta = flat(vertices, "eta")[member] - flat(jets, "eta")[jet]
    phi = wrapped(flat(vertices, "phi")[member] - flat(jets, "phi")[jet])
    near = eta**2 + phi**2 < kind.radius**2
    jet, member = jet[near], member[near]
    significance = flat(vertices, "dxySig")[member]
    return _first(jet, member, significance, Limits(len(event), max_length))


def _described(inputs: Products, kind: JetKind) -> Bools:
    """Jets that may have features: with enough pT, in an event with a primary vertex."""
    jets = inputs[kind.jets]
    has_vertex = np.diff(offsets_of(inputs["SlimmedPV"])) > 0
    enough: Bools = flat(jets, "pt") >= kind.min_pt
    return enough & has_vertex[events_of(offsets_of(jets))]


def wrapped(phi: Floats) -> Floats:
    """Differences of azimuths, from -pi to pi."""
    return np.asarray(phi - 2.0 * np.pi * np.rint(phi / (2.0 * np.pi)))


class Limits(NamedTuple):
    """Number of jets, and of members of each at most."""

    jets: int
    members: int


def _first(jet: Ints, member: Ints, value: NDArray[np.floating[Any]], limits: Limits) -> Members:
    """The members of each jet by falling value, cut off."""
    counts = np.minimum(np.bincount(jet, minlength=limits.jets), limits.members)
    rows = _ranked(jet, value.astype(np.float64), offsets_from(counts))
    return Members(jet.take(rows), member.take(rows), counts)


@kernel
def _ranked(jet: Ints, value: Floats, first: Ints) -> Ints:
    """Rows by jet and falling value, equal ones in their order.

    Args:
        jet: of each row.
        value: of each row.
        first: where the rows of each jet begin, as many as are wanted; shape ``(jets + 1,)``.
    """
    rows = np.empty(first[-1], dtype=np.int64)
    filled = np.zeros(len(first) - 1, dtype=np.int64)
    for row in range(len(jet)):
        start = first[jet[row]]
        size = first[jet[row] + 1] - start
        place = filled[jet[row]]
        if place < size:
            filled[jet[row]] += 1
        elif value[rows[start + size - 1]] < value[row]:
            place = size - 1
        else:
            continue
        while place > 0 and value[rows[start + place - 1]] < value[row]:
            rows[start + place] = rows[start + place - 1]
            place -= 1
        rows[start + place] = row
    return rows
