"""Features of the tracks of candidates with respect to the jet and PV 0.

CMSSW: ``TrackInfoBuilder`` and ``IPTools``. A track is what a packed candidate keeps of it: its
momentum at the vertex, and the impact parameters with respect to the associated vertex, which make
the reference point.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Final

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.modules.columns import Floats, Ints, events_of, flat, offsets_of
from sonicmini.modules.vertexing.distances import (
    Distances,
    Positions,
    distances,
    transverse_distances,
)
from sonicmini.modules.vertexing.helix import RADIUS_PER_PT, Helices, linearise

PION_MASS: Final = 0.13957018
_MIN_PT: Final = 0.01  # GeV; rounding of a difference must not turn a track round
_PARALLEL: Final = 1e-9
_COVARIANCE: Final = (
    "covQopQop",
    "covLamLam",
    "covPhiPhi",
    "covDxyDxy",
    "covDszDsz",
    "covDxyDsz",
    "covPhiDxy",
    "covLamDsz",
)
_ERRORS: Final = ("covXX", "covYY", "covZZ", "covXY", "covXZ", "covYZ")


class TrackRows:
    """Pairs of jet and candidate with track details; columns of shape ``(rows,)``.

    Args:
        inputs: products of a chunk; each event of the rows has a primary vertex.
        jets: the jets.
        jet: of each row, among the jets of all events.
        member: the packed candidate of each row, among those of all events.
    """

    def __init__(self, inputs: Products, jets: ak.Array, jet: Ints, member: Ints) -> None:
        self._candidates, self._vertices = inputs["PackedPFCand"], inputs["SlimmedPV"]
        self._member = member
        event = events_of(offsets_of(jets))[jet]
        self._first = offsets_of(self._vertices)[event]
        axes = _directions(flat(jets, "eta"), flat(jets, "phi"))
        self._axis = axes[jet]

    def _column(self, name: str) -> Floats:
        values = flat(self._candidates, name, None)[self._member]
        return np.asarray(values, np.float64)

    @cached_property
    def _momentum(self) -> tuple[Floats, Floats, Floats]:
        """Transverse momentum (GeV), pseudorapidity and azimuth of the tracks."""
        pt, eta, phi = (
            self._column(name) + self._column(f"dTrk{name.title()}")
            for name in ("pt", "eta", "phi")
        )
        return np.maximum(pt, _MIN_PT), eta, phi

    @cached_property
    def _direction(self) -> Floats:
        """Unit vectors along the tracks at their reference points, shape ``(rows, 3)``."""
        _, eta, phi = self._momentum
        return _directions(eta, phi)

    @cached_property
    def _along(self) -> Floats:
        """Cosines of the angles between tracks and jets."""
        return np.asarray(np.sum(self._direction * self._axis, axis=1))

    @cached_property
    def _across(self) -> Floats:
        """Vector products of the directions of jets and tracks, shape ``(rows, 3)``."""
        return np.cross(self._axis, self._direction)

    @cached_property
    def _pv(self) -> Positions:
        """PV 0 of each row."""
        point = _stack(self._vertices, ("x", "y", "z"))
        return Positions(point[self._first], _stack(self._vertices, _ERRORS)[self._first])

    @cached_property
    def _helices(self) -> Helices:
        pt, eta, phi = self._momentum
        cos, sin, tan = np.cos(phi), np.sin(phi), np.sinh(eta)
        own = self._first + np.maximum(self._column("pvIdx").astype(np.int64), 0)
        x, y, z = (flat(self._vertices, name)[own] for name in ("x", "y", "z"))
        dxy = self._column("dxy")
        covariance = np.stack([self._column(name) for name in _COVARIANCE], axis=1)
        covariance[:, 0] *= (pt * np.cosh(eta)) ** 2
        return Helices(
            x=x - dxy * sin,
            y=y + dxy * cos,
            z=z + self._column("dzAssociatedPV"),
            phi=phi,
            cos=cos,
            sin=sin,
            tan=tan,
            h=-self._column("charge") / (RADIUS_PER_PT * pt),
            covariance=covariance,
        )

    def eta_rel(self) -> Floats:
        """Rapidity along the jet, as a pion (CMSSW: ``reco::btau::etaRel``)."""
        pt, eta, _ = self._momentum
        momentum = pt * np.cosh(eta)
        # (E + p cos) / (E - p cos) without the difference of large numbers.
        transverse2 = np.sum(self._across**2, axis=1)
        energy = np.hypot(momentum, PION_MASS)
        along = momentum * self._along
        product = PION_MASS**2 + momentum**2 * transverse2  # E2 - (p cos)2
        larger = energy + np.abs(along)
        return np.asarray(np.copysign(np.log(larger / np.sqrt(product)), along))

    def pt_ratio(self) -> Floats:
        """Momentum across the jet over momentum."""
        return np.asarray(np.sqrt(np.sum(self._across**2, axis=1)))

    def parallel_ratio(self) -> Floats:
        """Momentum along the jet over momentum."""
        return self._along

    @cached_property
    def sip3d(self) -> Distances:
        """Distances (cm) of PV 0 from the helices, positive if on the side that the jet flies to.

        The significance has the error of PV 0 as well (CMSSW: ``signedImpactParameter3D``).
        """
        return self._signed(distances, self._helices)

    @cached_property
    def sip2d(self) -> Distances:
        """The same in the transverse plane (CMSSW: ``signedTransverseImpactParameter``)."""
        helices, z = self._helices, self._pv.point[:, 2].copy()
        # A helix without slope at the height of PV 0 comes closest where the circle does.
        level = helices._replace(tan=np.zeros(len(helices.x)), z=z)
        return self._signed(transverse_distances, level)

    def _signed(
        self, distance: Callable[[Positions, Positions], Distances], helices: Helices
    ) -> Distances:
        """Distances of the helices from PV 0 with the sign of the jet's direction."""
        pv = self._pv
        lines = linearise(helices, np.arange(len(helices.x)), pv.point)
        found = distance(pv, Positions(lines.point, lines.covariance))
        ahead = np.sum((lines.point - pv.point) * self._axis, axis=1)
        sign = np.where(ahead >= 0.0, 1.0, -1.0)
        return Distances(sign * found.value, sign * found.significance)

    def jet_distance(self) -> Floats:
        """Minus the distance (cm) of the jet's axis through PV 0 from the track's tangent.

        The tangent is that at the reference point (CMSSW: ``IPTools::jetTrackDistance``, which
        gives a negative number).
        """
        helices = self._helices
        gap = np.stack([helices.x, helices.y, helices.z], axis=1) - self._pv.point
        norm = np.sqrt(np.sum(self._across**2, axis=1))
        parallel = norm < _PARALLEL
        skew = np.abs(np.sum(gap * self._across, axis=1)) / np.where(parallel, 1.0, norm)
        beside = np.linalg.norm(np.cross(gap, self._axis), axis=1)
        return np.asarray(-np.where(parallel, beside, skew))


def _directions(eta: Floats, phi: Floats) -> Floats:
    """Unit vectors, shape ``(n, 3)``."""
    transverse = 1.0 / np.cosh(eta)
    return np.stack([np.cos(phi) * transverse, np.sin(phi) * transverse, np.tanh(eta)], axis=1)


def _stack(collection: ak.Array, names: tuple[str, ...]) -> Floats:
    return np.stack([flat(collection, name) for name in names], axis=1)
