"""Jet identification: cuts against noise and against leptons that are taken for jets.

CMSSW: ``PFJetIDSelectionFunctor``, the recommendations for the Run 2 legacy samples of 2017 and
2018, ``RUN2ULCHS`` and ``RUN2ULPUPPI``.
"""

import numpy as np

from sonicmini.modules.columns import Bools, Columns, Floats, Ints

_TIGHT, _TIGHT_LEP_VETO = 2, 4  # NanoAOD's bits of jetId


def jet_id(eta: Floats, columns: Columns, *, puppi: bool) -> Ints:
    """NanoAOD's ``jetId``: 2 for tight, 4 more for tight with lepton veto.

    Args:
        eta: of the jets.
        columns: of :func:`sonicmini.modules.jets.constituents.composition`.
        puppi: for PUPPI jets, which count constituents by weight.
    """
    x = np.abs(eta)
    ch, nh, ne = columns["chHEF"], columns["neHEF"], columns["neEmEF"]
    n_charged = columns["chMultiplicity"]
    n = columns["puppiMultiplicity" if puppi else "nConstituents"]
    n_neutral = columns["neutralPuppiMultiplicity" if puppi else "neMultiplicity"]
    central = (n > 1) & (nh < 0.9) & (ne < 0.9) & (ch > 0) & (n_charged > 0)
    between = (nh < 0.9) & (ne < 0.99)
    if puppi:
        endcap: Bools = nh < 0.9999
        forward: Bools = (ne < 0.9) & (n_neutral > 2)
    else:
        between &= n_charged > 0
        endcap = (ne > 0.01) & (ne < 0.99) & (n_neutral > 2)
        forward = (nh > 0.2) & (ne < 0.9) & (n_neutral > 10)
    tight = np.select([x <= 2.6, x <= 2.7, x <= 3.0], [central, between, endcap], forward)
    leptons = (x <= 2.7) & ~((columns["muEF"] < 0.8) & (columns["chEmEF"] < 0.8))
    bits: Ints = tight * _TIGHT + (tight & ~leptons) * _TIGHT_LEP_VETO
    return bits
