"""Missing transverse momentum of particle-flow candidates, uncorrected (CMSSW: ``RecoMET``)."""

from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.columns import (
    Bools,
    Floats,
    Ints,
    events_of,
    flat,
    momenta,
    offsets_from,
    offsets_of,
    single,
)

_FORWARD = 3.0
"""abs(eta) from which on there is only the forward calorimeter."""
_HF = (1, 2)
"""Identities of its candidates."""
_COMPATIBLE = 4
"""Least stored quality of the association of tracks that count for ``TkMET``."""


@dataclass(frozen=True, kw_only=True)
class RawMET(Producer):
    """The missing transverse momentum of all candidates."""

    consumes = ("PFCand",)
    produces = ("RawMET",)

    def produce(self, inputs: Products) -> Products:
        """Returns pt, phi and sumEt."""
        p4 = momenta(inputs["PFCand"])
        return {"RawMET": missing_momentum(p4, offsets_of(inputs["PFCand"]))}


@dataclass(frozen=True, kw_only=True)
class RawPuppiMET(Producer):
    """The missing transverse momentum of candidates times their PUPPI weight without leptons.

    Electrons and muons have weight 1.
    """

    consumes = ("PFCand", "PuppiWeight")
    produces = ("RawPuppiMET",)

    def produce(self, inputs: Products) -> Products:
        """Returns pt, phi and sumEt."""
        weight = flat(inputs["PuppiWeight"], "weightNoLep")
        used = weight > 0
        p4 = momenta_of(inputs["PFCand"], used) * weight[used, np.newaxis]
        return {"RawPuppiMET": _of_used(p4, inputs["PFCand"], used)}


@dataclass(frozen=True, kw_only=True)
class RawChsMET(Producer):
    """The missing transverse momentum of candidates that are not from a pileup vertex.

    Used is what has ``fromPV`` above 0, as in CMSSW's ``pfCHS`` of Mini-AOD.
    """

    consumes = ("PFCand", "PFCandVertex")
    produces = ("RawChsMET",)

    def produce(self, inputs: Products) -> Products:
        """Returns pt, phi and sumEt."""
        used = not_from_pileup(inputs["PFCandVertex"])
        p4 = momenta_of(inputs["PFCand"], used)
        return {"RawChsMET": _of_used(p4, inputs["PFCand"], used)}


@dataclass(frozen=True, kw_only=True)
class TkMET(Producer):
    """The missing transverse momentum of charged candidates of the leading vertex.

    Used are those that PV 0 is the vertex of, with ``pvAssocQuality`` of at least 4: used in its
    fit, or compatible with it (CMSSW: ``chargedPackedCandsForTkMet``).
    """

    consumes = ("PFCand", "PFCandVertex")
    produces = ("TkMET",)

    def produce(self, inputs: Products) -> Products:
        """Returns pt, phi and sumEt."""
        candidates, vertex = inputs["PFCand"], inputs["PFCandVertex"]
        used = (
            (flat(candidates, "charge", None) != 0)
            & (flat(vertex, "pvAssocQuality", None) >= _COMPATIBLE)
            & (flat(vertex, "pvIdx", None) == 0)
        )
        return {"TkMET": _of_used(momenta_of(candidates, used), candidates, used)}


@dataclass(frozen=True, kw_only=True)
class RawMETNoHF(Producer):
    """The missing transverse momentum of candidates outside the forward calorimeter."""

    consumes = ("PFCand",)
    produces = ("RawMETNoHF",)

    def produce(self, inputs: Products) -> Products:
        """Returns pt, phi and sumEt."""
        used = not_forward(inputs["PFCand"])
        p4 = momenta_of(inputs["PFCand"], used)
        return {"RawMETNoHF": _of_used(p4, inputs["PFCand"], used)}


def not_from_pileup(vertex: ak.Array) -> Bools:
    """Candidates that charged-hadron subtraction keeps in Mini-AOD, given ``PFCandVertex``."""
    kept: Bools = flat(vertex, "fromPV", None) > 0
    return kept


def not_forward(candidates: ak.Array) -> Bools:
    """Candidates with abs(eta) below 3 that are not of the forward calorimeter."""
    central: Bools = np.abs(flat(candidates, "eta", None)) < _FORWARD
    return central & ~np.isin(flat(candidates, "pdgId", None), _HF)


def momenta_of(candidates: ak.Array, used: NDArray[Any]) -> Floats:
    """Momenta of some candidates, px, py, pz, E in GeV, shape ``(chosen, 4)``.

    Args:
        candidates: jagged collection.
        used: mask or positions among the candidates of all events.
    """
    pt, eta, phi, mass = (flat(candidates, name)[used] for name in ("pt", "eta", "phi", "mass"))
    pz = pt * np.sinh(eta)
    energy = np.sqrt(pt**2 + pz**2 + mass**2)
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pz, energy], axis=1)


def _of_used(p4: Floats, candidates: ak.Array, used: Bools) -> ak.Array:
    offsets = offsets_of(candidates)
    counts = np.bincount(events_of(offsets)[used], minlength=len(offsets) - 1)
    return missing_momentum(p4, offsets_from(counts))


def missing_momentum(p4: Floats, offsets: Ints) -> ak.Array:
    """The opposite of the summed momentum: pt, phi, and the scalar sum of transverse energies.

    Args:
        p4: px, py, pz, E of the candidates of all events (GeV), shape ``(candidates, 4)``.
        offsets: of the events.
    """
    event, n = events_of(offsets), len(offsets) - 1
    px, py, pz, energy = p4.T
    pt2 = px**2 + py**2
    with np.errstate(invalid="ignore"):  # 0/0 of candidates without momentum
        et = np.nan_to_num(energy * np.sqrt(pt2 / (pt2 + pz**2)))
    x, y, sum_et = (summed(values, event, n) for values in (px, py, et))
    columns = {"pt": np.hypot(x, y), "phi": np.arctan2(0.0 - y, 0.0 - x), "sumEt": sum_et}
    return single({name: values.astype(np.float32) for name, values in columns.items()})


def summed(values: Floats, group: Ints, n: int) -> Floats:
    """The sum of each group, shape ``(n,)``; ``group`` says to which one each value belongs."""
    found: Floats = np.bincount(group, values, minlength=n).astype(np.float64, copy=False)
    return found
