"""Covariance and significance of the missing momentum (CMSSW: ``METSignificance``).

CMS, JINST 10 (2015) P02006, section 8: jets are measured with their resolution, everything else
together like one jet whose variance grows with its scalar sum.
"""

from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Floats, Ints
from sonicmini.modules.met.raw import summed


class Covariance(NamedTuple):
    """Covariance of the components of the missing momentum of each event (GeV2)."""

    xx: Floats
    xy: Floats
    yy: Floats


class Jets(NamedTuple):
    """Jets of all events that are measured by themselves, each column of shape ``(jets,)``.

    Attributes:
        px: corrected momentum (GeV); also ``py``.
        pt_resolution: relative resolution of the transverse momentum.
        phi_resolution: resolution of the azimuth (rad).
        event: the event of each jet.
    """

    px: Floats
    py: Floats
    pt_resolution: Floats
    phi_resolution: Floats
    event: Ints


def met_covariance(jets: Jets, sum_pt: Floats, terms: tuple[float, float]) -> Covariance:
    """Sums the covariances of the jets and of what is not in them.

    Args:
        jets: measured by themselves.
        sum_pt: scalar sum of the rest of each event (GeV), shape ``(events,)``.
        terms: its resolution in each component is ``sqrt(a^2 + b^2 sum_pt)``, a in GeV and b in
            sqrt(GeV).
    """
    along2, across2 = jets.pt_resolution**2, jets.phi_resolution**2
    of_jets = (
        along2 * jets.px**2 + across2 * jets.py**2,
        (along2 - across2) * jets.px * jets.py,
        along2 * jets.py**2 + across2 * jets.px**2,
    )
    xx, xy, yy = (summed(part, jets.event, len(sum_pt)) for part in of_jets)
    rest = terms[0] ** 2 + terms[1] ** 2 * np.maximum(sum_pt, 0.0)
    return Covariance(xx + rest, xy, yy + rest)


def met_significance(x: Floats, y: Floats, covariance: Covariance) -> Floats:
    """The missing momentum in units of its covariance, squared: chi2 of two degrees of freedom.

    0 where the covariance is none.

    Args:
        x: components of the missing momentum of each event (GeV).
        y: the other component.
        covariance: of each event.
    """
    xx, xy, yy = covariance
    determinant = xx * yy - xy**2
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (x**2 * yy - 2.0 * x * y * xy + y**2 * xx) / determinant
    return np.where(determinant > 0.0, found, 0.0)
