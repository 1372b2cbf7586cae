"""How a tau's energy is spread: what networks that identify taus look at.

CMSSW: ``PFRecoTauClusterVariables`` (``RecoTauTag/RecoTau``), ``PATTauProducer`` and ``DeepTauId``.
"""

from typing import NamedTuple

import awkward as ak
import numpy as np

from sonicmini.modules.columns import Bools, Columns, Floats, Ints, flat
from sonicmini.modules.taus.inputs import Candidates, delta_phi
from sonicmini.modules.taus.members import ISO_GAMMA, SIGNAL_GAMMA, SIGNAL_NEUTRAL, Members
from sonicmini.modules.taus.selection import signal_cone

_RADIUS_PER_PT = 100.0 / (0.299792458 * 3.8)  # cm per GeV, in 3.8 T
_ECAL_RADIUS, _ECAL_LENGTH = 129.0, 314.0  # where the simulation's calorimeter begins (cm)
_TAU_MASS = 1.77682
_MIN_PHOTON_PT = 0.5
NO_RATIO = -1.0
"""Fraction of energies that are all 0, and difference of angles that do not exist, as in CMSSW."""


class Shape(NamedTuple):
    """Taus: pT (GeV), direction and decay mode, each of shape ``(taus,)``."""

    pt: Floats
    eta: Floats
    phi: Floats
    mode: Ints


def photon_columns(taus: Shape, members: Members, of: Candidates) -> Columns:
    """Distances of photons and electrons in strips from the tau's axis, weighted with pT.

    ``ptWeightedDrSignal`` of those in the tau within the signal cone, and ``ptWeightedDetaStrip``
    and ``Dphi`` of those in the tau outside it; ``ptWeightedDrIso`` of those around the tau. For
    decay mode 10: of all in the tau; of those around the tau outside the window of strips; again
    these. ``nPhotons`` in and around the tau, above 0.5 GeV as all.

    Args:
        taus: by event.
        members: of the taus.
        of: the candidates.
    """
    is_photon = (members.role == SIGNAL_GAMMA) | (members.role == ISO_GAMMA)
    tau, candidate = members.tau[is_photon], members.candidate[is_photon]
    signal = members.role[is_photon] == SIGNAL_GAMMA
    pt = of.pt[candidate]
    d_eta = np.abs(of.eta[candidate] - taus.eta[tau])
    d_phi = np.abs(delta_phi(of.phi[candidate], taus.phi[tau]))
    d_r = np.hypot(d_eta, d_phi)
    three, cone = taus.mode[tau] == 10, signal_cone(taus.pt)[tau]
    around = ~signal & ~(three & _in_strip_window(pt, d_eta, d_phi))
    strip = np.where(three, around, signal & (d_r > cone))
    n = len(taus.pt)

    def mean(values: Floats, mask: Bools) -> Floats:
        mask = mask & (pt >= _MIN_PHOTON_PT)
        weight = np.bincount(tau[mask], pt[mask], minlength=n)
        total = np.bincount(tau[mask], (pt * values)[mask], minlength=n)
        return np.divide(total, weight, out=np.zeros(n), where=weight > 0)

    return {
        "ptWeightedDetaStrip": mean(d_eta, strip),
        "ptWeightedDphiStrip": mean(d_phi, strip),
        "ptWeightedDrSignal": mean(d_r, signal & (three | (d_r < cone))),
        "ptWeightedDrIso": mean(d_r, around),
        "nPhotons": np.bincount(tau[pt > _MIN_PHOTON_PT], minlength=n),
    }


def _in_strip_window(pt: Floats, d_eta: Floats, d_phi: Floats) -> Bools:
    """Whether photons are where a strip around the tau's axis would take them up."""
    in_phi = (d_phi < 0.3) & (d_phi < np.maximum(0.05, 0.352476 * pt**-0.707716))
    return in_phi & (d_eta < 0.15) & (d_eta < np.maximum(0.05, 0.197077 * pt**-0.658701))


def energy_columns(members: Members, candidates: ak.Array, n_taus: int) -> Columns:
    """``eRatio``: ECAL energy over all of the tau; ``emFraction``: the same with what is around.

    Args:
        members: of the taus.
        candidates: of all events, with calibrated energies.
        n_taus: number of taus.
    """
    ecal, hcal = (flat(candidates, name)[members.candidate] for name in _ENERGIES)
    columns: Columns = {}
    everything = np.ones(len(members.tau), dtype=np.bool_)
    for name, mask in (("eRatio", members.role <= SIGNAL_NEUTRAL), ("emFraction", everything)):
        tau = members.tau[mask]
        part = np.bincount(tau, ecal[mask], minlength=n_taus)
        whole = part + np.bincount(tau, hcal[mask], minlength=n_taus)
        columns[name] = np.divide(part, whole, out=np.full(n_taus, NO_RATIO), where=whole > 0)
    return columns


_ENERGIES = ("ecalEnergy", "hcalEnergy")


def angle_difference(p4: Floats, flight: Floats, has: Bools) -> Floats:
    """Gottfried-Jackson angle: measured less the largest possible for the tau's visible mass (rad).

    Args:
        p4: visible momenta, shape ``(taus, 4)``.
        flight: from the primary to the secondary vertex, shape ``(taus, 3)``.
        has: taus with a secondary vertex; the others, and those whose angles do not exist, get -1.
    """
    p = np.linalg.norm(p4[:, :3], axis=1)
    mass2 = np.maximum(p4[:, 3] ** 2 - p**2, 0.0)
    largest = (_TAU_MASS**2 - mass2) / (2.0 * _TAU_MASS * p)
    length = np.linalg.norm(flight, axis=1)
    along = np.einsum("ni,ni->n", p4[:, :3], flight)
    cosine = np.divide(along, p * length, out=np.full(len(p), 2.0), where=length > 0)
    exists = has & (np.abs(largest) <= 1.0) & (np.abs(cosine) <= 1.0)
    difference = np.arccos(np.clip(cosine, -1.0, 1.0)) - np.arcsin(np.clip(largest, -1.0, 1.0))
    return np.where(exists, difference, NO_RATIO)


def eta_at_ecal(tracks: ak.Array, index: Ints) -> Floats:
    """Pseudorapidity where tracks enter the electromagnetic calorimeter.

    CMSSW: ``PositionAtECalEntranceComputer``. A track that curls up before the barrel is taken at
    its largest distance from the beam.

    Args:
        tracks: of all events.
        index: positions among all.
    """
    pt, eta, z = (flat(tracks, name)[index] for name in ("pt", "eta", "vz"))
    diameter = 2.0 * _RADIUS_PER_PT * pt
    cot = np.sinh(eta)
    path = diameter * np.arcsin(np.minimum(_ECAL_RADIUS / diameter, 1.0))
    to_end = np.where(cot > 0, _ECAL_LENGTH - z, -_ECAL_LENGTH - z)
    to_end = np.divide(to_end, cot, out=np.full(len(pt), np.inf), where=cot != 0)
    path = np.minimum(path, np.maximum(to_end, 1.0))
    radius = diameter * np.sin(np.minimum(path / diameter, np.pi / 2.0))
    return np.asarray(np.arcsinh((z + path * cot) / radius))
