"""How well the momentum outside jets and leptons is known, candidate by candidate.

CMSSW: ``ShiftedParticleProducer`` as ``runMETCorrectionsAndUncertainties`` configures it.
"""

import math

import awkward as ak
import numpy as np

from sonicmini.modules.columns import Bools, Floats, Ints, flat, kernel, offsets_of


def unclustered_shift(
    candidates: ak.Array, weight: Floats, clustered: Bools
) -> tuple[Floats, Floats]:
    """What one standard deviation adds to the candidates outside jets, electrons and muons.

    All candidates are moved in the same direction, as in CMS. The uncertainty is that of the
    weighted momentum.

    Args:
        candidates: jagged.
        weight: of the candidates, shape ``(candidates,)``.
        clustered: mask of the candidates in jets.

    Returns:
        The x and y components for each event (GeV).
    """
    pt, eta, phi, mass = (flat(candidates, name) for name in ("pt", "eta", "phi", "mass"))
    identity = np.abs(flat(candidates, "pdgId", np.int64))
    outside = np.where(clustered, 0.0, weight)
    shifts = _shifts((pt, eta, phi, mass), identity, outside, offsets_of(candidates))
    return shifts[:, 0], shifts[:, 1]


@kernel
def candidate_uncertainty(pt: float, eta: float, mass: float, identity: int) -> float:
    """The relative uncertainty of a candidate by the resolution of what measured it.

    CMS's parametrisations of HCAL, ECAL and HF (of the energy), and of the tracker (of pT) for
    whatever is not 130, 22, 1 or 2.
    """
    cosh = math.cosh(eta)
    energy = math.sqrt((pt * cosh) ** 2 + mass * mass)
    if identity == 130:
        if abs(eta) < 1.3:
            return min(0.25, math.sqrt(0.64 / energy + 0.0025))
        return min(0.30, math.sqrt(1.0 / energy + 0.0016))
    if identity == 22:
        return math.sqrt(0.0009 / energy + 0.000001)
    if identity <= 2:
        return math.sqrt(1.0 / energy + 0.0025)
    # sin(theta) = 1/cosh(eta): CMS writes it with the polar angle.
    return math.sqrt((0.00009 * pt) ** 2 + 0.0085**2 * cosh)


@kernel
def _shifts(
    columns: tuple[Floats, Floats, Floats, Floats], identity: Ints, weight: Floats, offsets: Ints
) -> Floats:
    """Sums of uncertainty times momentum of each event; leptons and weight 0 do not count."""
    pt, eta, phi, mass = columns
    sums = np.zeros((len(offsets) - 1, 2))
    for event in range(len(offsets) - 1):
        for i in range(offsets[event], offsets[event + 1]):
            w = weight[i]
            if w <= 0.0 or pt[i] <= 0.0 or identity[i] == 11 or identity[i] == 13:
                continue
            change = candidate_uncertainty(w * pt[i], eta[i], w * mass[i], identity[i]) * w * pt[i]
            sums[event, 0] += change * math.cos(phi[i])
            sums[event, 1] += change * math.sin(phi[i])
    return sums
