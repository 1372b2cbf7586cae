"""The variables by which jets of pileup are told from others.

CMSSW: ``PileupJetIdAlgo`` (``RecoJets/JetProducers``), as it sees candidates before packing.
"""

from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Bools, Columns, Floats, Ints, kernel
from sonicmini.modules.jets.constituents import Constituents

_RING = 0.1  # width in the distance from the axis
_MAX_DZ = 0.2  # cm
_NAMES = (
    *("beta", "dR2Mean", "frac01", "frac02", "frac03", "frac04"),
    *("majW", "minW", "pull", "jetR", "jetRchg"),
)


class Candidates(NamedTuple):
    """Candidates of all events, each column of shape ``(candidates,)``.

    Attributes:
        charged: those with charge.
        dz: longitudinal distance (cm) of the track from PV 0; of no meaning for neutral ones.
    """

    pt: Floats
    eta: Floats
    phi: Floats
    charged: Bools
    dz: Floats


class Axes(NamedTuple):
    """Uncorrected jets, each column of shape ``(jets,)``."""

    pt: Floats
    eta: Floats
    phi: Floats


def pileup_id_variables(jets: Axes, constituents: Constituents, candidates: Candidates) -> Columns:
    """NanoAOD's ``puId_*`` but the numbers of constituents.

    ``beta``: part of the pT of charged constituents within 0.2 cm of PV 0; ``dR2Mean``: mean
    square distance from the axis, by pT2; ``frac01`` to ``frac04``: pT in rings of 0.1 around the
    axis over that of the jet; ``majW``, ``minW``: widths along the principal axes, by pT2;
    ``pull``: length of the pull vector; ``jetR``, ``jetRchg``: largest pT of all and of charged
    constituents (in jets without: the least of all) over the sum.

    Args:
        jets: uncorrected.
        constituents: of the jets.
        candidates: of all events.
    """
    values = _variables(jets, constituents, candidates)
    return {f"puId_{name}": values[:, i].astype(np.float32) for i, name in enumerate(_NAMES)}


@kernel
def _variables(jets: Axes, constituents: Constituents, candidates: Candidates) -> Floats:
    values = np.zeros((len(jets.pt), 11))
    for jet in range(len(jets.pt)):
        members = constituents.candidate[constituents.first[jet] : constituents.first[jet + 1]]
        values[jet, 0] = _beta(members, candidates)
        _shapes(values[jet], jets.pt[jet], jets.eta[jet], jets.phi[jet], (members, candidates))
        lead, lead_charged, total = 0.0, 0.0, 0.0
        trail = np.inf
        for i in members:
            pt = candidates.pt[i]
            total += pt
            lead, trail = max(lead, pt), min(trail, pt)
            if candidates.charged[i]:
                lead_charged = max(lead_charged, pt)
        values[jet, 9] = lead / total
        values[jet, 10] = (lead_charged if lead_charged > 0 else trail) / total
    return values


@kernel
def _beta(members: Ints, candidates: Candidates) -> float:
    near, total = 0.0, 0.0
    for i in members:
        if candidates.charged[i]:
            total += candidates.pt[i]
            if abs(candidates.dz[i]) < _MAX_DZ:
                near += candidates.pt[i]
    return near / total if total > 0 else 0.0


@kernel
def _shapes(row: Floats, pt: float, eta: float, phi: float, what: tuple[Ints, Candidates]) -> None:
    members, candidates = what
    n = len(members)
    d_eta, d_phi, weight = np.empty(n), np.empty(n), np.empty(n)
    for k in range(n):
        i = members[k]
        d_eta[k] = candidates.eta[i] - eta
        d_phi[k] = (candidates.phi[i] - phi + np.pi) % (2 * np.pi) - np.pi
        weight[k] = candidates.pt[i] ** 2
        ring = int(np.ceil(np.hypot(d_eta[k], d_phi[k]) / _RING))
        if ring <= 4:
            row[1 + max(ring, 1)] += candidates.pt[i] / pt
    weight /= weight.sum()
    see, spp = (weight * d_eta**2).sum(), (weight * d_phi**2).sum()
    sep = (weight * d_eta * d_phi).sum()
    row[1] = see + spp
    half, root = 0.5 * (see + spp), np.hypot(0.5 * (see - spp), sep)
    row[6], row[7] = np.sqrt(half + root), np.sqrt(abs(half - root))
    d_eta -= (weight * d_eta).sum()
    d_phi -= (weight * d_phi).sum()
    weight *= np.hypot(d_eta, d_phi)
    row[8] = np.hypot((weight * d_eta).sum(), (weight * d_phi).sum())
