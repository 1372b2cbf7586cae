"""Sums of pT around leptons, photons and tracks: the one loop behind all their isolations.

CMSSW: ``PFIsolation``, ``CITKPFIsolationSumProducer`` and ``pat::getMiniPFIsolation`` differ in the
cone, in what is left out next to the object and in which candidates count as from the vertex.
"""

import math
from typing import NamedTuple

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from sonicmini.modules.columns import Bools, Columns, Floats, Ints, flat, kernel, offsets_of

CHARGED, NEUTRAL, PHOTON, PILEUP = range(4)
"""Columns of the sums: charged hadrons of PV 0, neutral ones, photons, charged from elsewhere."""


class Surroundings(NamedTuple):
    """The candidates that may be around an object, each column of shape ``(candidates,)``.

    Attributes:
        pt: GeV, weighted or not.
        pdg_id: absolute identity; hadrons are 211 and 130.
        from_pv: belongs to PV 0; says something of charged candidates only.
        leptons: electrons and muons from elsewhere count as pileup too, shape ``(1,)``.
        offsets: of the events, shape ``(events + 1,)``.
    """

    pt: NDArray[np.float32]
    eta: NDArray[np.float32]
    phi: NDArray[np.float32]
    pdg_id: NDArray[np.int16]
    from_pv: Bools
    leptons: Bools
    offsets: Ints


class Centres(NamedTuple):
    """The objects, each column of shape ``(objects,)``.

    Attributes:
        event: of each object.
        own: its candidate among those of all events, which never counts; -1 for none.
    """

    eta: Floats
    phi: Floats
    event: Ints
    own: Ints


class Cones(NamedTuple):
    """What counts around each object.

    Attributes:
        radius: distance in eta and phi within which candidates count, shape ``(objects,)``.
        threshold: pT (GeV) that they must exceed, except charged hadrons of PV 0.
        veto: distance up to which they are left out, for each kind, shape ``(objects, 4)``.
        strip: the same for photons in eta alone, shape ``(objects,)``.
    """

    radius: Floats
    threshold: Floats
    veto: Floats
    strip: Floats


def cones(
    radius: Floats, veto: Floats, threshold: float = 0.0, strip: Floats | None = None
) -> Cones:
    """Cones with a common threshold.

    Args:
        radius: of each object.
        veto: of each kind, or of each object and kind.
        threshold: in GeV.
        strip: of each object; none if not given.
    """
    n = len(radius)
    return Cones(
        radius,
        np.full(n, threshold),
        np.ascontiguousarray(np.broadcast_to(veto, (n, 4)), dtype=np.float64),
        np.zeros(n) if strip is None else strip,
    )


@kernel
def _kind(identity: int, from_pv: bool, leptons: bool) -> int:  # noqa: FBT001 - a kernel
    """The column that a candidate counts in, -1 for none."""
    if identity == 130:
        return NEUTRAL
    if identity == 22:
        return PHOTON
    if identity == 211:
        return CHARGED if from_pv else PILEUP
    return PILEUP if leptons and not from_pv and identity in (11, 13) else -1


@kernel
def cone_sums(around: Surroundings, centres: Centres, within: Cones) -> Floats:
    """Sums of pT (GeV) around each object by kind, shape ``(objects, 4)``."""
    sums = np.zeros((len(centres.eta), 4))
    for i in range(len(centres.eta)):
        event, radius = centres.event[i], within.radius[i]
        for k in range(around.offsets[event], around.offsets[event + 1]):
            d_eta = abs(around.eta[k] - centres.eta[i])
            if d_eta >= radius or k == centres.own[i]:
                continue
            d_phi = abs(around.phi[k] - centres.phi[i])
            distance = math.hypot(d_eta, min(d_phi, abs(2.0 * math.pi - d_phi)))
            kind = _kind(around.pdg_id[k], around.from_pv[k], around.leptons[0])
            if distance >= radius or kind < 0 or distance <= within.veto[i, kind]:
                continue
            if kind == PHOTON and d_eta < within.strip[i]:
                continue
            if kind == CHARGED or around.pt[k] > within.threshold[i]:
                sums[i, kind] += around.pt[k]
    return sums


def aod_surroundings(candidates: ak.Array, association: ak.Array) -> Surroundings:
    """Candidates before packing, as PF isolation of AOD sees them.

    Charged ones are from elsewhere if their track was used by another vertex or by none and
    another is closest along the beam (``pfPileUp`` with ``checkClosestZVertex``).
    """
    return Surroundings(
        *_directions(candidates),
        from_pv=flat(association, "puppiFromPV", np.uint8) >= 2,
        leptons=np.array([True]),
        offsets=offsets_of(candidates),
    )


def packed_surroundings(
    packed: ak.Array, *, max_dz: float = 0.0, weighted: bool = False
) -> Surroundings:
    """Packed candidates; charged ones with ``fromPV`` of 2 and more belong to PV 0.

    Args:
        packed: the packed candidates.
        max_dz: so do those closer to PV 0 along the beam (cm).
        weighted: pT times the PUPPI weight.
    """
    pt, eta, phi, pdg_id = _directions(packed)
    from_pv = flat(packed, "fromPV", np.uint8) > 1
    if max_dz > 0:
        from_pv |= np.abs(flat(packed, "dz", np.float32)) < np.float32(max_dz)
    if weighted:
        pt = pt * flat(packed, "puppiWeight", np.float32)
    return Surroundings(pt, eta, phi, pdg_id, from_pv, np.array([False]), offsets_of(packed))


def puppi_columns(packed: ak.Array, centres: Centres, within: Cones) -> Columns:
    """Sums of pT (GeV) times PUPPI weight around objects, under the names of Mini-AOD."""
    sums = cone_sums(packed_surroundings(packed, weighted=True), centres, within)
    return {name: sums[:, kind].astype(np.float32) for name, kind in _PUPPI_NAMES.items()}


_PUPPI_NAMES = {
    "puppiChargedHadronIso": CHARGED,
    "puppiNeutralHadronIso": NEUTRAL,
    "puppiPhotonIso": PHOTON,
}


def rho(densities: ak.Array) -> Floats:
    """The density (GeV) that corrects isolation for pileup, shape ``(events,)``."""
    return np.asarray(densities["fixedGridRhoFastjetAll"], dtype=np.float64)


def combined_puppi(packed: ak.Array, centres: Centres, within: Cones) -> Floats:
    """Sum of pT (GeV) around muons, times the mean of PUPPI's weights with and without leptons.

    Charged hadrons of all vertices count (CMSSW: ``PATMuonProducer::puppiCombinedIsolation``).
    """
    weight, no_lep = (
        flat(packed, name, np.float32) for name in ("puppiWeight", "puppiWeightNoLep")
    )
    around = packed_surroundings(packed)
    around = around._replace(
        pt=around.pt * (weight + no_lep) / 2, from_pv=np.ones(len(weight), dtype=np.bool_)
    )
    total: Floats = cone_sums(around, centres, within).sum(axis=1)
    return total


def _directions(
    candidates: ak.Array,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.int16]]:
    pt, eta, phi = (flat(candidates, name, np.float32) for name in ("pt", "eta", "phi"))
    return pt, eta, phi, np.abs(flat(candidates, "pdgId", np.int16))


def mini_radius(pt: Floats) -> Floats:
    """The cone of mini-isolation, which shrinks with pT (GeV): 10 / pT between 0.05 and 0.2.

    K. Rehermann, B. Tweedie, JHEP 03 (2011) 059; CMSSW: ``miniIsoParams``.
    """
    radius: Floats = np.clip(10.0 / pt, 0.05, 0.2)
    return radius


def less_area(sums: Floats, correction: Floats) -> Floats:
    """Charged hadrons plus neutral ones and photons less what pileup adds to those (GeV)."""
    neutral = sums[:, NEUTRAL] + sums[:, PHOTON] - correction
    total: Floats = sums[:, CHARGED] + np.maximum(neutral, 0.0)
    return total


def less_half_pileup(sums: Floats) -> Floats:
    """The same with half of the charged pileup as correction: CMS's delta beta (GeV)."""
    return less_area(sums, 0.5 * sums[:, PILEUP])
