"""Effective areas: how much energy of pileup is in a cone of 0.3 for each GeV of rho.

CMS's for 2017 and 2018: ``effAreaMuons_cone03_pfNeuHadronsAndPhotons_94X.txt``, the same of
electrons, and ``effAreaPhotons_cone03_*_90percentBased_V2.txt`` of CMSSW.
"""

from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Floats


class EffectiveArea(NamedTuple):
    """Effective area in bins of pseudorapidity.

    Attributes:
        edges: lower edges of the bins but the first, which starts at 0; the last has no end.
        areas: of the bins.
    """

    edges: tuple[float, ...]
    areas: tuple[float, ...]

    def at(self, eta: Floats, radius: Floats | float = 0.3) -> Floats:
        """The area at pseudorapidities ``eta``, scaled to cones of other radii."""
        area = np.array(self.areas)[np.digitize(np.abs(eta), self.edges)]
        scaled: Floats = area * (np.asarray(radius) / 0.3) ** 2
        return scaled


_EGAMMA_EDGES = (1.0, 1.479, 2.0, 2.2, 2.3, 2.4)

MUON = EffectiveArea((0.8, 1.3, 2.0, 2.2), (0.0566, 0.0562, 0.0363, 0.0119, 0.0064))
"""Neutral hadrons and photons around muons."""

ELECTRON = EffectiveArea(_EGAMMA_EDGES, (0.1440, 0.1562, 0.1032, 0.0859, 0.1116, 0.1321, 0.1654))
"""Neutral hadrons and photons around electrons."""

PHOTON_CHARGED = EffectiveArea(
    _EGAMMA_EDGES, (0.0112, 0.0108, 0.0106, 0.01002, 0.0098, 0.0089, 0.0087)
)
"""Charged hadrons around photons."""

PHOTON_NEUTRAL = EffectiveArea(
    _EGAMMA_EDGES, (0.0668, 0.1054, 0.0786, 0.0233, 0.0078, 0.0028, 0.0137)
)
"""Neutral hadrons around photons."""

PHOTON_PHOTONS = EffectiveArea(
    _EGAMMA_EDGES, (0.1113, 0.0953, 0.0619, 0.0837, 0.1070, 0.1212, 0.1466)
)
"""Photons around photons."""
