"""Features of the tracks of candidates with respect to the jet and PV 0.

CMSSW: ``TrackInfoBuilder`` and ``IPTools``. A track is what a packed candidate keeps of it: its
momentum at the vertex, and the impact parameters with respect to the associated vertex, which make
the reference point.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Final, TypeAlias

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
from sonicmini.modules.vertexing.helix import COVARIANCE, RADIUS_PER_PT, Helices, linearise

PION_MASS: Final = 0.13957018
_MIN_PT: Final = 0.01  # GeV; rounding of a difference must not turn a track round
_PARALLEL: Final = 1e-9
_ERRORS: Final = ("covXX", "covYY", "covZZ", "covXY", "covXZ", "covYZ")


Vectors: TypeAlias = tuple[Floats, Floats, Floats]
"""Components x, y and z, each of shape ``(rows,)``."""


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
        self._first = offsets_of(self._vertices)[events_of(offsets_of(jets))].take(jet)
        axes = _directions(flat(jets, "eta"), flat(jets, "phi"))
        self._axis = (axes[0].take(jet), axes[1].take(jet), axes[2].take(jet))

    def _column(self, name: str) -> Floats:
        return flat(self._candidates, name, None).take(self._member).astype(np.float64)

    @cached_property
    def _momentum(self) -> tuple[Floats, Floats, Floats]:
        """Transverse momentum (GeV), pseudorapidity and azimuth of the tracks."""
        pt, eta, phi = (
            self._column(name) + self._column(f"dTrk{name.title()}")
            for name in ("pt", "eta", "phi")
        )
        return np.maximum(pt, _MIN_PT), eta, phi

    @cached_property
    def _direction(self) -> Vectors:
        """Unit vectors along the tracks at their reference points."""
        _, eta, phi = self._momentum
        return _directions(eta, phi)

    @cached_property
    def _across(self) -> Vectors:
        """Vector products of the directions of jets and tracks."""
        return _cross(self._axis, self._direction)

    @cached_property
    def _pv(self) -> Positions:
        """PV 0 of each row."""
        point = _stack(self._vertices, ("x", "y", "z"))
        return Positions(
            point.take(self._first, axis=0),
            _stack(self._vertices, _ERRORS).take(self._first, axis=0),
        )

    @cached_property
    def _helices(self) -> Helices:
        pt, eta, phi = self._momentum
        cos, sin, tan = np.cos(phi), np.sin(phi), np.sinh(eta)
        own = self._first + np.maximum(self._column("pvIdx").astype(np.int64), 0)
        x, y, z = (flat(self._vertices, name).take(own) for name in ("x", "y", "z"))
        dxy = self._column("dxy")
        covariance = np.empty((len(pt), len(COVARIANCE)))
        for index, name in enumerate(COVARIANCE):
            covariance[:, index] = self._column(name)
        covariance[:, 0] *= pt**2 * (1.0 + tan**2)
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
        along = momentum * self.parallel_ratio
        # E2 - (p cos)2 without the difference of large numbers.
        rest2 = PION_MASS**2 + (momentum * self.pt_ratio) ** 2
        larger = np.sqrt(momentum**2 + PION_MASS**2) + np.abs(along)
        return np.asarray(np.copysign(np.log(larger / np.sqrt(rest2)), along))

    @cached_property
    def pt_ratio(self) -> Floats:
        """Momentum across the jet over momentum."""
        return _norm(self._across)

    @cached_property
    def parallel_ratio(self) -> Floats:
        """Momentum along the jet over momentum."""
        return _dot(self._direction, self._axis)

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
        x, y, z = (lines.point - pv.point).T
        sign = np.where(_dot((x, y, z), self._axis) >= 0.0, 1.0, -1.0)
        return Distances(sign * found.value, sign * found.significance)

    def jet_distance(self) -> Floats:
        """Minus the distance (cm) of the jet's axis through PV 0 from the track's tangent.

        The tangent is that at the reference point (CMSSW: ``IPTools::jetTrackDistance``, which
        gives a negative number).
        """
        helices = self._helices
        x, y, z = self._pv.point.T
        gap = (helices.x - x, helices.y - y, helices.z - z)
        parallel = self.pt_ratio < _PARALLEL
        skew = np.abs(_dot(gap, self._across)) / np.where(parallel, 1.0, self.pt_ratio)
        if parallel.any():
            skew = np.where(parallel, _norm(_cross(gap, self._axis)), skew)
        return np.asarray(-skew)


def _directions(eta: Floats, phi: Floats) -> Vectors:
    """Unit vectors."""
    transverse = 1.0 / np.cosh(eta)
    return np.cos(phi) * transverse, np.sin(phi) * transverse, np.tanh(eta)


def _dot(a: Vectors, b: Vectors) -> Floats:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cross(a: Vectors, b: Vectors) -> Vectors:
    return (
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    )


def _norm(a: Vectors) -> Floats:
    return np.sqrt(_dot(a, a))


def _stack(collection: ak.Array, names: tuple[str, ...]) -> Floats:
    return np.stack([flat(collection, name) for name in names], axis=1)
