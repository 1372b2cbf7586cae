"""Several vertices from one group of tracks (CMSSW: ``AdaptiveVertexReconstructor``).

Tracks that come from PV 0 are taken out, then a vertex is fitted to the others, its tracks are
taken out, and so on. CMSSW takes out the tracks with weight above 1/2 in a fit that the position of
PV 0 constrains. Here that vertex stays at PV 0, which has many more tracks than a group.
"""

from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Bools, Floats, offsets_from
from sonicmini.modules.vertexing.adaptive import FitSettings, fit_vertices
from sonicmini.modules.vertexing.distances import quadratic
from sonicmini.modules.vertexing.secondary import SecondaryVertices, secondary_vertices
from sonicmini.modules.vertexing.seeding import DisplacedTracks, Groups

_MIN_WEIGHT = 0.5  # of a track that belongs to a vertex
_MIN_TRACKS = 2


class SplitSettings(NamedTuple):
    """How groups are split.

    Attributes:
        primary_cut: standardised distance from PV 0 within which tracks belong to it.
        max_vertices: of a group.
    """

    primary_cut: float = 1.0
    max_vertices: int = 3


DEFAULT_SPLIT = SplitSettings()


def split_vertices(
    tracks: DisplacedTracks, groups: Groups, fit: FitSettings, settings: SplitSettings
) -> list[SecondaryVertices]:
    """The first vertices of all groups, the second ones of what they leave, and so on.

    Args:
        tracks: that the groups are made of.
        groups: of tracks that pass close to one another.
        fit: settings of the adaptive fits.
        settings: of the splitting.
    """
    away = standardised_distances(tracks) > settings.primary_cut
    rest = _reduced(groups, away[groups.track])
    found = []
    for _ in range(settings.max_vertices):
        fits = fit_vertices(tracks.helices, rest, fit)
        found.append(secondary_vertices(rest, fits))
        left = fits.weight < _MIN_WEIGHT
        used = np.bincount(rest.group()[~left], minlength=len(rest.event)) > 0
        rest = _reduced(rest, left & used[rest.group()])
    return found


def standardised_distances(tracks: DisplacedTracks) -> Floats:
    """Distances from PV 0 in units of the errors of the tracks, shape ``(tracks,)``."""
    gap = tracks.at_pv.point - tracks.pv.point
    return np.asarray(np.sqrt(quadratic(tracks.at_pv.weight, gap)))


def _reduced(groups: Groups, kept: Bools) -> Groups:
    """The groups less some members; those of less than two are left out."""
    group = groups.group()
    size = np.bincount(group[kept], minlength=len(groups.event))
    enough = size >= _MIN_TRACKS
    track = groups.track[kept & enough[group]]
    return Groups(track, offsets_from(size[enough]), groups.event[enough], groups.point[enough])
