"""Cut-based identification of photons: CMS's set Fall17-94X-V2.

CMSSW: ``cutBasedPhotonID_Fall17_94X_V2_cff``.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sonicmini.modules.columns import Bools, Columns
from sonicmini.modules.leptons.electron_id import BARREL, MAX_ETA


class PhotonCuts(NamedTuple):
    """Upper limits of one working point in the barrel or the endcaps.

    Attributes:
        hoe: HCAL over ECAL energy.
        sieie: width in eta, 5x5 cells.
        charged: isolation from charged hadrons (GeV).
        neutral: isolation from neutral hadrons (GeV), polynomial in pT (GeV).
        photon: isolation from photons (GeV), polynomial in pT (GeV).
    """

    hoe: float
    sieie: float
    charged: float
    neutral: tuple[float, float, float]
    photon: tuple[float, float]


WORKING_POINTS = (
    (
        PhotonCuts(0.04596, 0.0106, 1.694, (24.032, 0.01512, 2.259e-5), (2.876, 0.004017)),
        PhotonCuts(0.0590, 0.0272, 2.089, (19.722, 0.0117, 2.3e-5), (4.162, 0.0037)),
    ),
    (
        PhotonCuts(0.02197, 0.01015, 1.141, (1.189, 0.01512, 2.259e-5), (2.08, 0.004017)),
        PhotonCuts(0.0326, 0.0272, 1.051, (2.718, 0.0117, 2.3e-5), (3.867, 0.0037)),
    ),
    (
        PhotonCuts(0.02148, 0.00996, 0.65, (0.317, 0.01512, 2.259e-5), (2.044, 0.004017)),
        PhotonCuts(0.0321, 0.0271, 0.517, (2.716, 0.0117, 2.3e-5), (3.032, 0.0037)),
    ),
)
"""Loose, medium and tight, each in barrel and endcaps."""


def cut_based(photons: Columns) -> NDArray[np.uint8]:
    """NanoAOD's ``cutBased``: 0 fail, 1 loose, 2 medium, 3 tight.

    Args:
        photons: NanoAOD's columns, with the isolations corrected for pileup: pfChargedIso,
            pfNeutralIso and pfPhoIso03 (GeV).
    """
    eta = np.abs(photons["scEta"])
    result = np.zeros(len(eta), dtype=np.uint8)
    for level, (barrel, endcap) in enumerate(WORKING_POINTS, 1):
        passed = np.where(
            eta <= BARREL, _passes(photons, barrel), _passes(photons, endcap) & (eta < MAX_ETA)
        )
        result[passed] = level  # each point is tighter than the one before in every cut
    return result


def _passes(photons: Columns, cuts: PhotonCuts) -> Bools:
    pt = photons["pt"].astype(np.float64)
    passed: Bools = (photons["hoe"] < cuts.hoe) & (photons["sieie"] < cuts.sieie)
    passed &= photons["pfChargedIso"] < cuts.charged
    passed &= photons["pfNeutralIso"] < np.polynomial.polynomial.polyval(pt, cuts.neutral)
    passed &= photons["pfPhoIso03"] < np.polynomial.polynomial.polyval(pt, cuts.photon)
    return passed
