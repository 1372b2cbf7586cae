"""Particle flow's links: tracks to clusters, and blocks of what belongs together.

A block is one HCAL cluster, the tracks that enter it and their ECAL clusters; or an ECAL cluster
with tracks that reach no HCAL cluster. Blocks 0 to (HCAL clusters - 1) are those of HCAL clusters.
"""

import math

import numpy as np

from sonicmini.simulation.calorimeter import (
    ECAL_TO_HADRON,
    RESPONSE_AT_50,
    Grid,
    expected_signal,
)
from sonicmini.simulation.cells import cell_at, locate
from sonicmini.simulation.clustering import Geometry
from sonicmini.simulation.kernel import Floats, Ints, Records, kernel
from sonicmini.simulation.records import CHARGED_HADRON, MUON

SATELLITE_DISTANCE = 0.025
MUON_ECAL = 0.35
MUON_HCAL = 2.5
EXCESS_RESOLUTION = (1.1, 0.06)
"""Stochastic and constant term of the resolution that an excess must be larger than."""
ROWS = 64

Layer = tuple[Grid, Geometry, Ints]
"""Geometry of a calorimeter and the cluster of each of its cells."""

Blocks = tuple[Ints, Ints, Floats, Floats, Floats, Floats]
"""Block of each track, of each ECAL cluster; of each block: its tracks' momentum, the signal that
they should leave, the variance of that, and the ECAL energy."""


@kernel
def distance(d_eta: float, d_phi: float) -> float:
    """Distance in eta and azimuth."""
    d_phi -= 2.0 * math.pi * round(d_phi / (2.0 * math.pi))
    return math.hypot(d_eta, d_phi)


@kernel
def linked_cluster(eta: float, phi: float, layer: Layer, clusters: Records) -> int:
    """Cluster that holds the cell at a point, else the nearest that holds a cell around; or -1."""
    grid, geometry, cluster_of = layer
    edges, divisions, first = grid
    ring, _, _ = locate(eta, edges, divisions)
    if ring < 0:
        return -1
    cell = cell_at(ring, phi, divisions, first)
    if cluster_of[cell] >= 0:
        return int(cluster_of[cell])
    best, nearest = -1, math.inf
    for k in range(8):
        other = geometry[2][cell, k]
        if other >= 0 and cluster_of[other] >= 0:
            candidate = clusters[cluster_of[other]]
            away = distance(candidate.eta - eta, candidate.phi - phi)
            if away < nearest:
                best, nearest = cluster_of[other], away
    return int(best)


@kernel
def signal_variance(track: Records) -> float:
    """Squared error of the signal expected of a hadron, from the calorimeters and its momentum."""
    momentum = track.pt * math.cosh(track.eta)
    stochastic, constant = EXCESS_RESOLUTION
    relative = stochastic**2 / momentum + constant**2 + track.covQopQop * momentum**2
    return float(relative * expected_signal(momentum) ** 2)


@kernel
def measured_signal(in_ecal: float, raw_hcal: float) -> float:
    """Signal of ECAL and HCAL on the scale of ``expected_signal``."""
    return in_ecal / ECAL_TO_HADRON + raw_hcal * RESPONSE_AT_50


@kernel
def link_tracks(
    tracks: Records, ecal: tuple[Layer, Records], hcal: tuple[Layer, Records], blocks: Blocks
) -> None:
    """Link the tracks of charged hadrons and muons; fill ``blocks``.

    Muons take the energy of a minimum ionising particle from their clusters.
    """
    track_block, ecal_block, momentum, signal, variance, _ = blocks
    hcal_clusters = len(hcal[1])
    track_block[:] = -1
    ecal_block[:] = -1
    for i in range(len(tracks)):
        track = tracks[i]
        kind = track.particle
        if kind not in (CHARGED_HADRON, MUON) or not track.reachesCalorimeter:
            continue
        e = linked_cluster(track.caloEta, track.caloPhi, ecal[0], ecal[1])
        h = linked_cluster(track.caloEta, track.caloPhi, hcal[0], hcal[1])
        if e >= 0 and ecal[1][e].used >= ecal[1][e].energy:
            e = -1
        if kind == MUON:
            if e >= 0:
                ecal[1][e].used = min(ecal[1][e].energy, ecal[1][e].used + MUON_ECAL)
            if h >= 0:
                hcal[1][h].used = min(hcal[1][h].energy, hcal[1][h].used + MUON_HCAL)
            continue
        block = h
        if block < 0 and e >= 0:
            block = ecal_block[e] if ecal_block[e] >= 0 else hcal_clusters + e
        if e >= 0 and ecal_block[e] < 0:
            ecal_block[e] = block
        track_block[i] = block
        if block >= 0:
            momentum[block] += track.pt * math.cosh(track.eta)
            signal[block] += expected_signal(track.pt * math.cosh(track.eta))
            variance[block] += signal_variance(track)


@kernel
def sum_ecal(ecal: Records, hcal: Records, blocks: Blocks) -> Floats:
    """ECAL energy of each block; returns the signal that its tracks miss in the calorimeters."""
    _, ecal_block, momentum, signal, _, in_ecal = blocks
    in_ecal[:] = 0.0
    for c in range(len(ecal)):
        if ecal_block[c] >= 0:
            in_ecal[ecal_block[c]] += ecal[c].energy - ecal[c].used
    deficit = np.empty(len(momentum))
    for b in range(len(momentum)):
        if momentum[b] > 0.0:
            raw = hcal[b].energy - hcal[b].used if b < len(hcal) else 0.0
            deficit[b] = signal[b] - measured_signal(in_ecal[b], raw)
    return deficit


@kernel
def bucket(eta: float, phi: float) -> tuple[int, int]:
    """Row and column of a coarse map of the calorimeter surface."""
    return int((eta + 3.2) * 10.0), int((phi + math.pi) / (2.0 * math.pi) * ROWS) % ROWS


@kernel
def absorb_satellites(tracks: Records, ecal: Records, blocks: Blocks, deficit: Floats) -> None:
    """Give unlinked ECAL clusters near a track to its block while that misses energy."""
    track_block, ecal_block, _, _, _, in_ecal = blocks
    head = np.full((ROWS, ROWS), -1, np.int64)
    following = np.full(len(tracks), -1, np.int64)
    for i in range(len(tracks)):
        if track_block[i] >= 0 and abs(tracks[i].caloEta) < 3.1:
            row, column = bucket(tracks[i].caloEta, tracks[i].caloPhi)
            following[i] = head[row, column]
            head[row, column] = i
    for c in range(len(ecal)):
        if ecal_block[c] >= 0 or ecal[c].used > 0.0:
            continue
        row, column = bucket(ecal[c].eta, ecal[c].phi)
        best, nearest = -1, SATELLITE_DISTANCE
        for r in range(max(0, row - 1), min(ROWS, row + 2)):
            for s in range(column - 1, column + 2):
                i = head[r, s % ROWS]
                while i >= 0:
                    d_eta = tracks[i].caloEta - ecal[c].eta
                    away = distance(d_eta, tracks[i].caloPhi - ecal[c].phi)
                    if away < nearest:
                        best, nearest = track_block[i], away
                    i = following[i]
        if best >= 0 and deficit[best] > measured_signal(ecal[c].energy, 0.0):
            ecal_block[c] = best
            in_ecal[best] += ecal[c].energy
            deficit[best] -= measured_signal(ecal[c].energy, 0.0)
