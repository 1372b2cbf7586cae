"""Cut-based identification of electrons: CMS's set Fall17-94X-V2.

CMSSW: ``cutBasedElectronID_Fall17_94X_V2_cff``. The input has no seed of the supercluster: its own
pseudorapidity stands in ``deltaEtaInSC`` for that of the seed.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sonicmini.modules.columns import Bools, Columns, Floats

BARREL = 1.479
"""Pseudorapidity of the supercluster up to which an electron or photon is in the barrel."""

MAX_ETA = 2.5
"""Beyond, none is identified."""


class ElectronCuts(NamedTuple):
    """Upper limits of one working point in the barrel or the endcaps.

    Attributes:
        sieie: width in eta, 5x5 cells.
        d_eta: magnitude of ``deltaEtaInSC``.
        d_phi: magnitude of ``deltaPhiInSC`` (rad).
        hoe: constant, term over the energy (GeV) and term times rho over the energy.
        iso: constant and term over pT (GeV) of the relative isolation.
        e_inv: magnitude of ``eInvMinusPInv`` (1/GeV).
        lost_hits: missing inner hits.
    """

    sieie: float
    d_eta: float
    d_phi: float
    hoe: tuple[float, float, float]
    iso: tuple[float, float]
    e_inv: float
    lost_hits: int


WORKING_POINTS = (
    (
        ElectronCuts(0.0126, 0.00463, 0.148, (0.05, 1.16, 0.0324), (0.198, 0.506), 0.209, 2),
        ElectronCuts(0.0457, 0.00814, 0.19, (0.05, 2.54, 0.183), (0.203, 0.963), 0.132, 3),
    ),
    (
        ElectronCuts(0.0112, 0.00377, 0.0884, (0.05, 1.16, 0.0324), (0.112, 0.506), 0.193, 1),
        ElectronCuts(0.0425, 0.00674, 0.169, (0.0441, 2.54, 0.183), (0.108, 0.963), 0.111, 1),
    ),
    (
        ElectronCuts(0.0106, 0.0032, 0.0547, (0.046, 1.16, 0.0324), (0.0478, 0.506), 0.184, 1),
        ElectronCuts(0.0387, 0.00632, 0.0394, (0.0275, 2.52, 0.183), (0.0658, 0.963), 0.0721, 1),
    ),
    (
        ElectronCuts(0.0104, 0.00255, 0.022, (0.026, 1.15, 0.0324), (0.0287, 0.506), 0.159, 1),
        ElectronCuts(0.0353, 0.00501, 0.0236, (0.0188, 2.06, 0.183), (0.0445, 0.963), 0.0197, 1),
    ),
)
"""Veto, loose, medium and tight, each in barrel and endcaps."""


def cut_based(electrons: Columns, density: Floats) -> NDArray[np.uint8]:
    """NanoAOD's ``cutBased``: 0 fail, 1 veto, 2 loose, 3 medium, 4 tight.

    Args:
        electrons: NanoAOD's columns, with pfRelIso03_all.
        density: rho (GeV) of the event of each.
    """
    eta = np.abs(electrons["scEta"])
    result = np.zeros(len(eta), dtype=np.uint8)
    for level, (barrel, endcap) in enumerate(WORKING_POINTS, 1):
        passed = np.where(
            eta <= BARREL,
            _passes(electrons, density, barrel),
            _passes(electrons, density, endcap) & (eta < MAX_ETA),
        )
        result[passed] = level  # each point is tighter than the one before in every cut
    return result


def _passes(electrons: Columns, density: Floats, cuts: ElectronCuts) -> Bools:
    energy, pt = electrons["scEnergy"], electrons["pt"]
    hoe = cuts.hoe[0] + (cuts.hoe[1] + cuts.hoe[2] * density) / energy
    passed: Bools = electrons["sieie"] < cuts.sieie
    passed &= np.abs(electrons["deltaEtaInSC"]) < cuts.d_eta
    passed &= np.abs(electrons["deltaPhiInSC"]) < cuts.d_phi
    passed &= (electrons["hoe"] < hoe) & electrons["convVeto"]
    passed &= electrons["pfRelIso03_all"] < cuts.iso[0] + cuts.iso[1] / pt
    passed &= np.abs(electrons["eInvMinusPInv"]) < cuts.e_inv
    passed &= electrons["lostHits"] <= cuts.lost_hits
    return passed
