"""The density of transverse momentum from pileup: the median over the cells of a grid.

CMSSW: ``FixedGridEnergyDensity`` (``RecoJets/JetAlgorithms``) for ``fixedGridRhoAll``, FastJet's
``GridMedianBackgroundEstimator`` for the others (M. Cacciari, G. Salam, G. Soyez, Eur. Phys. J.
C 72 (2012) 1896). A median over cells needs neither jets nor their areas.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.columns import Bools, Floats, Ints, flat, kernel, offsets_of, single


class Grid(NamedTuple):
    """Equal cells in rapidity (or pseudorapidity) and azimuth.

    Attributes:
        y_max: the grid goes from ``-y_max`` to ``y_max``.
        n_y: rows of cells.
        n_phi: cells of a row, the first from an azimuth of 0.
    """

    y_max: float
    n_y: int
    n_phi: int


CMS_GRID = Grid(5.4, 18, 10)
"""Cells of 0.6 times 0.63 in pseudorapidity and azimuth."""


def fastjet_grid(y_max: float, spacing: float) -> Grid:
    """FastJet's grid: as many cells as make their sides nearest to the spacing."""
    return Grid(y_max, int(2 * y_max / spacing + 0.5), int(2 * np.pi / spacing + 0.5))


@dataclass(frozen=True, kw_only=True)
class FixedGridRho(Producer):
    """Densities of transverse momentum (GeV) per area in rapidity and azimuth, of five kinds.

    ``fixedGridRhoAll``: of all candidates in pseudorapidity to 5.4, in cells of 0.6;
    ``fixedGridRhoFastjetAll``: of all to a rapidity of ``y_max``, in FastJet's cells;
    ``fixedGridRhoFastjetCentral``: to ``central_y_max``; ``...CentralNeutral``: of photons and
    neutral hadrons; ``...CentralChargedPileUp``: of charged hadrons nearer to another vertex than
    PV 0 or used in its fit.

    Attributes:
        y_max: largest rapidity.
        central_y_max: the same of the three central ones.
        spacing: side of FastJet's cells, which it rounds to fill the grid.
    """

    consumes = ("PFCand", "PFCandVertex")
    produces = ("Rho",)
    y_max: float = 5.0
    central_y_max: float = 2.5
    spacing: float = 0.55

    def __post_init__(self) -> None:
        """Refuses a grid without cells."""
        for name in ("y_max", "central_y_max"):
            if not 0 < self.spacing <= getattr(self, name):
                raise ValueError(
                    f"spacing is {self.spacing}; it must be above 0 and at most {name},"
                    f" which is {getattr(self, name)}"
                )

    def produce(self, inputs: Products) -> Products:
        """Returns the five densities of each event, in GeV."""
        candidates = inputs["PFCand"]
        offsets = offsets_of(candidates)
        pt, eta, phi, mass = (flat(candidates, name) for name in ("pt", "eta", "phi", "mass"))
        y = rapidity(pt, eta, mass)
        everything = np.ones(len(pt), dtype=np.bool_)
        pdg_id = np.abs(flat(candidates, "pdgId", np.int64))
        neutral = (pdg_id == 22) | (pdg_id == 130)
        pileup = (pdg_id == 211) & _from_pileup(inputs)
        wide = fastjet_grid(self.y_max, self.spacing)
        central = fastjet_grid(self.central_y_max, self.spacing)
        columns = {}
        for name, along, grid, used in (
            ("All", eta, CMS_GRID, everything),
            ("FastjetAll", y, wide, everything),
            ("FastjetCentral", y, central, everything),
            ("FastjetCentralNeutral", y, central, neutral),
            ("FastjetCentralChargedPileUp", y, central, pileup),
        ):
            columns[f"fixedGridRho{name}"] = median_density((along, phi, pt), used, offsets, grid)
        return {"Rho": single(columns)}


def _from_pileup(inputs: Products) -> Bools:
    """Used in the fit of another vertex than PV 0, or of unknown vertex and nearer to another."""
    vertices = inputs["PFCandVertex"]
    from_pv = flat(vertices, "puppiFromPV", np.int64)
    return (from_pv <= 1) & (flat(vertices, "pvIdx", np.int64) >= 0)


def rapidity(pt: Floats, eta: Floats, mass: Floats) -> Floats:
    """Rapidity from transverse momentum, pseudorapidity and mass."""
    return np.arcsinh(pt * np.sinh(eta) / np.hypot(pt, mass))


@kernel
def median_density(
    where: tuple[Floats, Floats, Floats], used: Bools, offsets: Ints, grid: Grid
) -> Floats:
    """The median over the cells of their summed pT, divided by the area of a cell.

    Args:
        where: rapidity, azimuth (any turn of it) and pT of each particle.
        used: particles that count.
        offsets: of the events.
        grid: the cells; particles outside do not count.

    Returns:
        One number per event, in GeV.
    """
    y, phi, pt = where
    n_y, n_phi = grid.n_y, grid.n_phi
    d_y, d_phi = 2 * grid.y_max / n_y, 2 * np.pi / n_phi
    density = np.empty(len(offsets) - 1)
    for event in range(len(density)):
        cells = np.zeros(n_y * n_phi)
        for i in range(offsets[event], offsets[event + 1]):
            if used[i] and abs(y[i]) < grid.y_max:
                row = min(int((y[i] + grid.y_max) / d_y), n_y - 1)
                column = int(np.floor(phi[i] / d_phi)) % n_phi
                cells[row * n_phi + column] += pt[i]
        density[event] = np.median(cells) / (d_y * d_phi)
    return density
