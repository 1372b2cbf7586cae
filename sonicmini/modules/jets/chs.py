"""Charged-hadron subtraction: which candidates are clearly from pileup.

CMSSW: ``PFPileUp`` as configured by ``pfPileUpJME`` (``CommonTools/ParticleFlow``).
"""

import awkward as ak
import numpy as np

from sonicmini.modules.columns import Bools, Ints, flat
from sonicmini.modules.vertexing.association import USED_IN_FIT


def chs_mask(pv_idx: Ints, quality: Ints) -> Bools:
    """True for candidates that stay: all but those used in the fit of another vertex than PV 0.

    Neutral candidates and those without a sure vertex stay. The later setting of CMS that brings
    back candidates of PV 1 and 2 near PV 0 is not applied.

    Args:
        pv_idx: vertex of each candidate within its event, -1 for none, shape ``(candidates,)``.
        quality: of the association, ``USED_IN_FIT`` at most.
    """
    return ~((quality >= USED_IN_FIT) & (pv_idx > 0))


def chs_of(vertices: ak.Array) -> Bools:
    """The same from the product ``PFCandVertex``, all events one after the other."""
    return chs_mask(
        flat(vertices, "pvIdx", np.int64), flat(vertices, "assignmentQuality", np.int64)
    )
