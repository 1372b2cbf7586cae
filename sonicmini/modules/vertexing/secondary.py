"""Fitted secondary vertices and the cuts on them (CMSSW: ``InclusiveVertexFinder``)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Bools, Floats, Ints, offsets_from
from sonicmini.modules.vertexing.adaptive import Fits
from sonicmini.modules.vertexing.distances import (
    Positions,
    distances,
    transverse_distances,
)
from sonicmini.modules.vertexing.seeding import Groups

_MIN_WEIGHT = 0.5  # of a daughter in the fit
_MIN_TRACKS = 2


class VertexCuts(NamedTuple):
    """Cuts on fitted vertices.

    Attributes:
        min_cosine: between the flight from PV 0 and the sum of the directions of the tracks.
        min_dlen_2d_sig: flight length across the beam in units of its error.
        min_dlen_sig: flight length in space in units of its error.
        max_norm_chi2: chi2 of the fit over its degrees of freedom.
    """

    min_cosine: float = 0.95
    min_dlen_2d_sig: float = 2.5
    min_dlen_sig: float = 0.5
    max_norm_chi2: float = 10.0


DEFAULT_VERTEX_CUTS = VertexCuts()


class SecondaryVertices(NamedTuple):
    """Vertices and their tracks.

    Attributes:
        groups: the tracks of each; ``point`` is where the vertex is.
        covariance: of the point, shape ``(vertices, 6)``, in cm2.
        chi2: of the fit.
        ndof: of the fit.
    """

    groups: Groups
    covariance: Floats
    chi2: Floats
    ndof: Floats

    def positions(self) -> Positions:
        """The vertices as points with errors."""
        return Positions(self.groups.point, self.covariance)


def secondary_vertices(groups: Groups, fits: Fits) -> SecondaryVertices:
    """The valid fits with the tracks that have at least half of their weight in them.

    CMSSW also keeps vertices with a single such track.
    """
    group = groups.group()
    kept = fits.weight >= _MIN_WEIGHT
    size = np.bincount(group[kept], minlength=len(groups.event))
    tight = Groups(groups.track[kept], offsets_from(size), groups.event, fits.point)
    vertices = SecondaryVertices(tight, fits.covariance, fits.chi2, fits.ndof)
    return chosen_vertices(vertices, fits.valid & (size >= _MIN_TRACKS))


def chosen_vertices(vertices: SecondaryVertices, chosen: Bools) -> SecondaryVertices:
    """Some of the vertices, with their tracks."""
    return _picked(vertices, np.flatnonzero(chosen))


def joined_vertices(parts: Sequence[SecondaryVertices]) -> SecondaryVertices:
    """All vertices of several searches, by event; in an event those of the first search first."""
    groups = [part.groups for part in parts]
    size = np.concatenate([np.diff(group.offsets) for group in groups])
    together = Groups(
        np.concatenate([group.track for group in groups]),
        offsets_from(size),
        np.concatenate([group.event for group in groups]),
        np.concatenate([group.point for group in groups]),
    )
    covariance = np.concatenate([part.covariance for part in parts])
    chi2 = np.concatenate([part.chi2 for part in parts])
    ndof = np.concatenate([part.ndof for part in parts])
    joined = SecondaryVertices(together, covariance, chi2, ndof)
    return _picked(joined, np.argsort(together.event, kind="stable"))


def _picked(vertices: SecondaryVertices, index: Ints) -> SecondaryVertices:
    """The vertices at these places, with their tracks."""
    groups = vertices.groups
    size = np.diff(groups.offsets)[index]
    offsets = offsets_from(size)
    member = np.arange(offsets[-1]) + np.repeat(groups.offsets[index] - offsets[:-1], size)
    kept = Groups(groups.track[member], offsets, groups.event[index], groups.point[index])
    rest = (column[index] for column in (vertices.covariance, vertices.chi2, vertices.ndof))
    return SecondaryVertices(kept, *rest)


def is_displaced(
    vertices: SecondaryVertices, direction: Floats, pv: Positions, cuts: VertexCuts
) -> Bools:
    """Vertices away from PV 0 whose tracks fly on from there.

    Args:
        vertices: fitted.
        direction: of all tracks, unit vectors, shape ``(tracks, 3)``.
        pv: PV 0 of the event of each vertex.
        cuts: on the vertices.
    """
    at = vertices.positions()
    sums = summed(direction[vertices.groups.track], vertices.groups)
    flight = at.point - pv.point
    lengths = np.sqrt(np.sum(sums**2, axis=1) * np.sum(flight**2, axis=1))
    passed = np.sum(sums * flight, axis=1) > cuts.min_cosine * lengths
    passed &= distances(pv, at).significance > cuts.min_dlen_sig
    passed &= transverse_distances(pv, at).significance > cuts.min_dlen_2d_sig
    return np.asarray(passed & (vertices.chi2 < cuts.max_norm_chi2 * vertices.ndof))


def summed(values: Floats, groups: Groups) -> Floats:
    """Sums over the members of each group; ``values`` has the shape ``(members, columns)``."""
    group, n = groups.group(), len(groups.event)
    columns = [np.bincount(group, column, minlength=n) for column in values.T]
    return np.stack(columns, axis=1)


def positions_of_events(pv: Positions, event: Ints) -> Positions:
    """The position of each event's PV 0, repeated for each given event."""
    return Positions(pv.point[event], pv.covariance[event])
