"""What a tau candidate truly is."""

from typing import Final

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from sonicmini.modules.columns import flat
from training.deeptau.layout import CLASSES

_E, _MU, _TAU, _JET = range(len(CLASSES))

_BY_FLAVOUR: Final = np.array([_JET, _E, _MU, _E, _MU, _TAU], np.int16)
"""By ``genPartFlav`` of NanoAOD: leptons are prompt ones and those of taus."""


def labels(matches: ak.Array) -> NDArray[np.int16]:
    """The class of every candidate, shape (candidates,): its place among the outputs.

    Args:
        matches: ``TauGenMatch``.
    """
    return np.take(_BY_FLAVOUR, flat(matches, "genPartFlav", np.int64))
