"""Groups of displaced tracks that pass close to one another.

CMSSW: ``TracksClusteringFromDisplacedSeed`` of ``RecoVertex/AdaptiveVertexFinder``.
"""

import math
from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Bools, Floats, Ints, kernel, offsets_from
from sonicmini.modules.vertexing.approach import closest_approach
from sonicmini.modules.vertexing.distances import Positions, distances
from sonicmini.modules.vertexing.helix import Helices, Lines


class SeedingCuts(NamedTuple):
    """Cuts of the seeds and of the tracks that join them; cm.

    Attributes:
        min_ip: impact parameter in space of a seed to PV 0.
        min_ip_sig: the same in units of its error.
        max_distance: of a track from the seed.
        max_distance_sig: the same in units of its error.
        distance_ratio: the seed's point of closest approach must be this many times farther from
            PV 0 than from the track.
        min_cosine: between the flight from PV 0 to the points of closest approach and the
            directions of the tracks.
        max_tracks: groups of more are dropped.
    """

    min_ip: float = 0.005
    min_ip_sig: float = 1.2
    max_distance: float = 0.05
    max_distance_sig: float = 4.5
    distance_ratio: float = 20.0
    min_cosine: float = 0.5
    max_tracks: int = 30


DEFAULT_SEEDING = SeedingCuts()


class Groups(NamedTuple):
    """Tracks in groups, one after the other.

    Attributes:
        track: all members, shape ``(members,)``.
        offsets: of the groups in it, shape ``(groups + 1,)``.
        event: of each group, ascending, shape ``(groups,)``.
        point: where its tracks meet, shape ``(groups, 3)``, in cm.
    """

    track: Ints
    offsets: Ints
    event: Ints
    point: Floats

    def group(self) -> Ints:
        """The group of each member."""
        return np.repeat(np.arange(len(self.event)), np.diff(self.offsets))


class DisplacedTracks(NamedTuple):
    """Tracks of all events and how they pass by PV 0.

    Attributes:
        helices: the tracks.
        at_pv: as lines at their closest approach to PV 0 of their event.
        pv: PV 0 for each track.
        offsets: of the events, shape ``(events + 1,)``.
    """

    helices: Helices
    at_pv: Lines
    pv: Positions
    offsets: Ints


def is_seed(tracks: DisplacedTracks, cuts: SeedingCuts) -> Bools:
    """Tracks that do not come from PV 0."""
    at_pv = Positions(tracks.at_pv.point, tracks.at_pv.covariance)
    ip = distances(tracks.pv, at_pv)
    return (ip.value >= cuts.min_ip) & (ip.significance >= cuts.min_ip_sig)


def seeded_groups(tracks: DisplacedTracks, cuts: SeedingCuts) -> Groups:
    """For each seed the tracks that pass close to it, and the seed.

    The group's point is the mean of the points half way between seed and track, weighted by the
    square of the distance of the seed's point from PV 0 over the distance of the tracks.

    Returns:
        Groups of at least two tracks, by event and seed; a seed is the last of its group.
    """
    seed, track = possible_pairs(tracks, is_seed(tracks, cuts), _Window.of(cuts))
    on_seed, on_track = closest_approach(tracks.helices, seed, track)
    gap = _norm(on_seed - on_track)
    near = np.flatnonzero(gap < cuts.max_distance)
    seed, track, on_seed, on_track = seed[near], track[near], on_seed[near], on_track[near]
    gap = gap[near]

    covariance = tracks.at_pv.covariance
    apart = distances(Positions(on_seed, covariance[seed]), Positions(on_track, covariance[track]))
    flight, other = on_seed - tracks.pv.point[seed], on_track - tracks.pv.point[track]
    far, direction = _norm(flight), tracks.at_pv.direction
    along = _dot(flight, direction[seed]) > cuts.min_cosine * far
    along &= _dot(other, direction[track]) > cuts.min_cosine * _norm(other)
    likely = (apart.significance < cuts.max_distance_sig) & (gap * cuts.distance_ratio < far)
    chosen = np.flatnonzero(along & likely)
    weight = far[chosen] ** 2 / np.maximum(gap[chosen], _LEAST_GAP)
    middle = 0.5 * (on_seed + on_track)[chosen]
    return _grouped(tracks, (seed[chosen], track[chosen]), (middle, weight), cuts.max_tracks)


_LEAST_GAP = 1e-6  # cm


def _dot(first: Floats, second: Floats) -> Floats:
    products = first * second
    return np.asarray(products[:, 0] + products[:, 1] + products[:, 2])


def _norm(vectors: Floats) -> Floats:
    return np.asarray(np.sqrt(_dot(vectors, vectors)))


def _grouped(
    tracks: DisplacedTracks, pairs: tuple[Ints, Ints], middle: tuple[Floats, Floats], limit: int
) -> Groups:
    """The groups from the pairs of seed and track, by seed."""
    seed, track = pairs
    point, weight = middle
    size = np.bincount(seed, minlength=len(tracks.helices.x))
    kept = (size[seed] > 0) & (size[seed] < limit)
    seeds = np.flatnonzero((size > 0) & (size < limit))
    order = np.argsort(np.concatenate([seed[kept], seeds]), kind="stable")
    members = np.concatenate([track[kept], seeds])[order]
    total = np.bincount(seed, weight, minlength=len(size))[seeds]
    sums = [
        np.bincount(seed, weight * point[:, axis], minlength=len(size))[seeds] for axis in range(3)
    ]
    event = np.searchsorted(tracks.offsets, seeds, side="right") - 1
    points = np.stack(sums, axis=1) / total[:, np.newaxis]
    return Groups(members, offsets_from(size[seeds] + 1), event, points)


class _Window(NamedTuple):
    """Bounds that no pair of interest violates, cheap to check.

    Attributes:
        max_distance: of the tracks in space.
        least_cosine: between their directions.
        forward: they meet behind PV 0, not before it.
        ratio: of the way to where they meet to their distance.
    """

    max_distance: float
    least_cosine: float
    forward: bool
    ratio: float

    @classmethod
    def of(cls, cuts: SeedingCuts) -> "_Window":
        """Both directions are near flights that end close to one another."""
        apart = math.asin(min(1.0, 1.0 / max(cuts.distance_ratio, 1.0)))
        opening = 2.0 * math.acos(min(max(cuts.min_cosine, -1.0), 1.0)) + apart
        cosine = math.cos(min(opening, math.pi))
        return cls(cuts.max_distance, cosine, cuts.min_cosine >= 0.0, cuts.distance_ratio)


class _Passing(NamedTuple):
    """What the check of a pair takes of the tracks: few arrays, since each call counts them."""

    point: Floats
    direction: Floats
    h: Floats
    ip: Floats


@kernel
def possible_pairs(tracks: DisplacedTracks, seeds: Bools, window: _Window) -> tuple[Ints, Ints]:
    """Pairs of a seed and another track of its event that may pass close to each other.

    Lines stand for the tracks. All bounds leave room for ten times what the tracks bend away from
    them on the way: no pair of 28 000 in the samples was lost, and 96 % of all are spared the
    search for the closest approach.
    """
    offsets = tracks.offsets
    gap = tracks.at_pv.point - tracks.pv.point
    ip = np.sqrt(gap[:, 0] ** 2 + gap[:, 1] ** 2 + gap[:, 2] ** 2)
    lines = _Passing(tracks.at_pv.point, tracks.at_pv.direction, tracks.helices.h, ip)
    room = 0
    for event in range(len(offsets) - 1):
        begin, end = offsets[event], offsets[event + 1]
        room += np.sum(seeds[begin:end]) * (end - begin)
    first, second = np.empty(room, np.int64), np.empty(room, np.int64)
    count = 0
    for event in range(len(offsets) - 1):
        for i in range(offsets[event], offsets[event + 1]):
            if not seeds[i]:
                continue
            for j in range(offsets[event], offsets[event + 1]):
                if j != i and _may_meet(lines, i, j, window):
                    first[count], second[count] = i, j
                    count += 1
    return first[:count].copy(), second[:count].copy()


_ROOM = 10.0


@kernel
def _may_meet(lines: _Passing, i: int, j: int, window: _Window) -> bool:
    """Whether a seed and another track can be within all bounds."""
    h = lines.h
    ax, ay, az = lines.direction[i, 0], lines.direction[i, 1], lines.direction[i, 2]
    bx, by, bz = lines.direction[j, 0], lines.direction[j, 1], lines.direction[j, 2]
    cosine = ax * bx + ay * by + az * bz
    if cosine < window.least_cosine:
        return False
    gx = lines.point[j, 0] - lines.point[i, 0]
    gy = lines.point[j, 1] - lines.point[i, 1]
    gz = lines.point[j, 2] - lines.point[i, 2]
    ga, gb = gx * ax + gy * ay + gz * az, gx * bx + gy * by + gz * bz
    sine2 = max(1.0 - cosine * cosine, 1e-9)
    a, b = (ga - cosine * gb) / sine2, (cosine * ga - gb) / sine2
    bend = abs(h[i]) * a * a * (ax * ax + ay * ay) + abs(h[j]) * b * b * (bx * bx + by * by)
    room = 0.5 * _ROOM * bend
    slack = room / math.sqrt(sine2)
    if window.forward and (a < -slack or b < -slack):
        return False
    dx, dy, dz = gx + b * bx - a * ax, gy + b * by - a * ay, gz + b * bz - a * az
    gap = math.sqrt(dx * dx + dy * dy + dz * dz) - room
    far = lines.ip[i] + abs(a) + slack
    return bool(gap < window.max_distance and gap * window.ratio < far)
