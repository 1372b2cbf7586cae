"""Primary vertices from tracks alone: clustering in z, then an adaptive fit of each cluster.

Clusters are a mixture of points on the z axis fitted to the tracks by expectation and maximisation,
started from the peaks of the track density (the last, cold stage of deterministic annealing). The
fit weighs tracks by their distance as R. Fruehwirth et al., J. Phys. G 34 (2007) N343.
"""

import math

import numpy as np

from sonicmini.simulation.constants import BEAM_SPOT, BEAM_WIDTH
from sonicmini.simulation.kernel import Floats, Ints, Records, kernel

Z_RANGE = 30.0
BIN = 0.01
BINS = int(2 * Z_RANGE / BIN)
VERTEX_SIZE = 0.006
"""Added to track errors in z (cm), as in CMS's clustering."""
MERGE_DISTANCE = 0.035
MAX_BEAM_SIGNIFICANCE = 4.0
MAX_NORMAL_CHI2 = 10.0
MIN_TRACKS = 1.9
PEAK_DENSITY = 12.0
ITERATIONS = 10
OUTLIER = 4.0
"""Tracks farther than this from all vertices, in sigma, belong to none."""
FIT_CUT = 9.0
TEMPERATURES = (64.0, 8.0, 1.0, 1.0, 1.0)
MIN_WEIGHT = 0.001


@kernel
def select(tracks: Records) -> Ints:
    """Indices of the tracks that may come from a primary vertex, in order of z."""
    keep = np.empty(len(tracks), np.int64)
    count = 0
    for i in range(len(tracks)):
        track = tracks[i]
        significance = abs(track.dxy) / math.sqrt(track.covDxyDxy + BEAM_WIDTH**2)
        if (
            significance < MAX_BEAM_SIGNIFICANCE
            and track.nPixelLayers >= 2
            and track.nPixelLayers + track.nStripLayers >= 5
            and track.chi2 < MAX_NORMAL_CHI2 * track.ndof
            and track.zErr < 0.3
            and abs(track.vz) < Z_RANGE - 1.0
        ):
            keep[count] = i
            count += 1
    z = np.empty(count)
    for k in range(count):
        z[k] = tracks[keep[k]].vz
    return keep[:count][np.argsort(z)]


@kernel
def density_peaks(z: Floats, sigma: Floats) -> Floats:
    """Local maxima of the density of tracks along z (each a Gaussian), in order of z."""
    density = np.zeros(BINS)
    for i in range(len(z)):
        width = sigma[i]
        low = max(0, int((z[i] - 3.0 * width + Z_RANGE) / BIN))
        high = min(BINS - 1, int((z[i] + 3.0 * width + Z_RANGE) / BIN) + 1)
        for cell in range(low, high + 1):
            pull = ((cell + 0.5) * BIN - Z_RANGE - z[i]) / width
            density[cell] += math.exp(-0.5 * pull * pull) / (2.5066 * width)
    peaks = np.empty(BINS)
    count = 0
    for cell in range(1, BINS - 1):
        here = density[cell]
        if here > PEAK_DENSITY and here >= density[cell - 1] and here > density[cell + 1]:
            peaks[count] = (cell + 0.5) * BIN - Z_RANGE
            count += 1
    return peaks[:count]


@kernel
def expect(
    z: Floats, sigma: Floats, vertices: tuple[Floats, Floats], shares: Floats
) -> tuple[Floats, Floats]:
    """One step: share the tracks among the vertices, move the vertices to their tracks.

    Args:
        z: positions of the tracks, ascending.
        sigma: their errors.
        vertices: positions and populations (in tracks) of the vertices, positions ascending.
        shares: written; for each track the index of its vertex, -1 for none.

    Returns:
        New positions and populations.
    """
    at, population = vertices
    total = np.zeros(len(at))
    weighted = np.zeros(len(at))
    moment = np.zeros(len(at))
    first = 0
    outlier = math.exp(-0.5 * OUTLIER * OUTLIER)
    for i in range(len(z)):
        reach = 5.0 * sigma[i]
        while first > 0 and at[first - 1] > z[i] - reach:
            first -= 1
        while first < len(at) and at[first] < z[i] - reach:
            first += 1
        norm = outlier
        k = first
        while k < len(at) and at[k] < z[i] + reach:
            pull = (z[i] - at[k]) / sigma[i]
            norm += population[k] * math.exp(-0.5 * pull * pull)
            k += 1
        shares[i] = -1
        k = first
        while k < len(at) and at[k] < z[i] + reach:
            pull = (z[i] - at[k]) / sigma[i]
            share = population[k] * math.exp(-0.5 * pull * pull) / norm
            total[k] += share
            weighted[k] += share / sigma[i] ** 2
            moment[k] += share * z[i] / sigma[i] ** 2
            if share > 0.5:
                shares[i] = k
            k += 1
    for k in range(len(at)):
        if weighted[k] > 0.0:
            at[k] = moment[k] / weighted[k]
    return at, total


@kernel
def merge(at: Floats, population: Floats, distance: float) -> tuple[Floats, Floats]:
    """Join neighbours closer than ``distance`` and drop vertices of too few tracks."""
    count = 0
    for k in range(len(at)):
        if population[k] < MIN_TRACKS:
            continue
        if count > 0 and at[k] - at[count - 1] < distance:
            both = population[count - 1] + population[k]
            at[count - 1] = (at[count - 1] * population[count - 1] + at[k] * population[k]) / both
            population[count - 1] = both
        else:
            at[count] = at[k]
            population[count] = population[k]
            count += 1
    return at[:count], population[:count]


@kernel
def cluster(z: Floats, sigma: Floats) -> Floats:
    """Vertex of each track (tracks in order of z): an index, ascending in z, or -1."""
    at = density_peaks(z, sigma)
    population = np.full(len(at), 3.0)
    shares = np.full(len(z), -1.0)
    for iteration in range(ITERATIONS):
        at, population = expect(z, sigma, (at, population), shares)
        order = np.argsort(at)
        at, population = at[order], population[order]
        if iteration >= 2:
            at, population = merge(at, population, MERGE_DISTANCE)
    expect(z, sigma, (at, population), shares)
    return shares


@kernel
def fit(tracks: Records, chosen: Ints, vertex: Records) -> float:
    """Adaptive fit of one vertex to the chosen tracks; sets their ``pvWeight``.

    Each track measures its two distances from the vertex at the closest approach, tangentially.

    Returns:
        The sum of the weights.
    """
    point = np.array([BEAM_SPOT[0], BEAM_SPOT[1], 0.0])
    z = np.empty(len(chosen))
    for k in range(len(chosen)):
        z[k] = tracks[chosen[k]].vz
    point[2] = np.median(z)
    information = np.zeros((3, 3))
    vector = np.zeros(3)
    a = np.zeros((2, 3))
    total = chi2 = 0.0
    for temperature in TEMPERATURES:
        information[:] = 0.0
        vector[:] = 0.0
        # A very weak constraint keeps two-track vertices finite.
        information[0, 0] = information[1, 1] = 1.0 / 0.1**2
        total = chi2 = 0.0
        for k in range(len(chosen)):
            track = tracks[chosen[k]]
            sine, cosine = math.sin(track.phi), math.cos(track.phi)
            slope = math.sinh(track.eta)
            a[0, 0], a[0, 1], a[0, 2] = -sine, cosine, 0.0
            a[1, 0], a[1, 1], a[1, 2] = -cosine * slope, -sine * slope, 1.0
            dx, dy, dz = track.vx - point[0], track.vy - point[1], track.vz - point[2]
            across = -dx * sine + dy * cosine
            along = dz - (dx * cosine + dy * sine) * slope
            w_across = 1.0 / track.covDxyDxy
            w_along = 1.0 / (track.zErr * track.zErr)
            distance = across * across * w_across + along * along * w_along
            weight = 1.0 / (1.0 + math.exp(min(50.0, 0.5 * (distance - FIT_CUT) / temperature)))
            weight = weight if weight > MIN_WEIGHT else 0.0
            track.pvWeight = weight
            total += weight
            chi2 += weight * distance
            for r in range(3):
                vector[r] += weight * (w_across * across * a[0, r] + w_along * along * a[1, r])
                for c in range(3):
                    information[r, c] += weight * (
                        w_across * a[0, r] * a[0, c] + w_along * a[1, r] * a[1, c]
                    )
        if total < 1.0:
            return 0.0
        covariance = np.linalg.inv(information)
        for r in range(3):
            for c in range(3):
                point[r] += covariance[r, c] * vector[c]
    covariance = np.linalg.inv(information)
    vertex.x, vertex.y, vertex.z = point[0], point[1], point[2]
    vertex.covXX, vertex.covYY, vertex.covZZ = covariance[0, 0], covariance[1, 1], covariance[2, 2]
    vertex.covXY, vertex.covXZ, vertex.covYZ = covariance[0, 1], covariance[0, 2], covariance[1, 2]
    vertex.chi2 = chi2
    vertex.ndof = 2.0 * total - 3.0
    vertex.isFake = False
    return total


@kernel
def find_vertices(tracks: Records, out: Records) -> int:
    """Find and fit the primary vertices of one event.

    Args:
        tracks: ``TRACK`` records; ``pvIdx`` and ``pvWeight`` are set.
        out: ``VERTEX`` records, written in order of the finder (ascending z).

    Returns:
        How many vertices there are. Without any there is one fake at the beam spot.
    """
    order = select(tracks)
    z = np.empty(len(order))
    sigma = np.empty(len(order))
    for k in range(len(order)):
        track = tracks[order[k]]
        z[k] = track.vz
        spread = BEAM_WIDTH * math.sinh(track.eta)
        sigma[k] = math.sqrt(track.zErr**2 + spread**2 + VERTEX_SIZE**2)
    shares = cluster(z, sigma)
    members = np.argsort(shares, kind="mergesort")
    count = 0
    start = 0
    while start < len(members) and shares[members[start]] < 0:
        start += 1
    while start < len(members) and count < len(out):
        stop = start
        while stop < len(members) and shares[members[stop]] == shares[members[start]]:
            stop += 1
        chosen = order[members[start:stop]]
        start = stop
        if len(chosen) < 2 or fit(tracks, chosen, out[count]) < MIN_TRACKS:
            for i in chosen:
                tracks[i].pvWeight = 0.0
            continue
        out[count].sumPt2 = 0.0
        for i in chosen:
            if tracks[i].pvWeight > 0.0:
                tracks[i].pvIdx = count
                out[count].sumPt2 += min(tracks[i].pt, 100.0) ** 2
        count += 1
    if count == 0:
        vertex = out[0]
        vertex.x, vertex.y, vertex.z = BEAM_SPOT
        vertex.covXX = vertex.covYY = BEAM_WIDTH**2
        vertex.covZZ = 16.0
        vertex.covXY = vertex.covXZ = vertex.covYZ = vertex.chi2 = vertex.sumPt2 = 0.0
        vertex.ndof = -3.0
        vertex.isFake = True
        count = 1
    return count
