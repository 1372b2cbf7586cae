"""Clusters of calorimeter cells: every cell belongs to the local maximum uphill from it."""

import math

import numpy as np
from numpy.typing import NDArray

from sonicmini.simulation.cells import Cells
from sonicmini.simulation.kernel import Floats, Ints, Records, kernel

Geometry = tuple[Floats, Floats, NDArray[np.int32]]


def geometry(cells: Cells) -> Geometry:
    """The part of the geometry that clustering needs."""
    return cells.eta, cells.phi, cells.neighbours


@kernel
def uphill(cell: int, energies: Floats, neighbours: NDArray[np.int32], sides: int) -> int:
    """The highest cell among a cell and its neighbours, or itself if it tops ``sides`` of them."""
    best = cell
    for k in range(sides):
        other = neighbours[cell, k]
        if other >= 0 and (
            energies[other] > energies[best] or (energies[other] == energies[best] and other > best)
        ):
            best = other
    if best == cell:
        return cell
    for k in range(8):
        other = neighbours[cell, k]
        if other >= 0 and energies[other] > energies[best]:
            best = other
    return best


@kernel
def find_clusters(
    energies: Floats,
    geometry: Geometry,
    seeding: tuple[int, float, float, float],
    out: Records,
    cluster_of: Ints,
) -> int:
    """Clusters of one calorimeter in one event.

    Args:
        energies: of the cells after zero suppression.
        geometry: centres and neighbours of the cells.
        seeding: neighbours (4 or 8) that a seed must top, its minimum energy in the barrel and at
            abs(eta) = 3, and abs(eta) beyond which every cell of that energy is a seed.
        out: ``CLUSTER`` records, written: energy, position (weights 4.2 + ln(share), at least 0).
        cluster_of: written: cluster of each cell, -1 for none.

    Returns:
        How many clusters there are.
    """
    eta, _, neighbours = geometry
    sides, low, high, separate = seeding
    cluster_of[:] = -1
    active = np.flatnonzero(energies)
    count = 0
    for position in active:
        cell = int(position)
        along = max(0.0, (abs(eta[cell]) - 1.479) / 1.521)
        if energies[cell] < low + along * (high - low) or count >= len(out):
            continue
        alone = abs(eta[cell]) > separate
        if alone or uphill(cell, energies, neighbours, sides) == cell:
            cluster_of[cell] = count
            new = out[count]
            new.seed = cell
            new.energy = new.used = new.eta = new.phi = 0.0
            new.cells = 0
            count += 1
    for position in active:
        cell = top = int(position)
        for _ in range(6):
            if cluster_of[top] >= 0:
                break
            top = uphill(top, energies, neighbours, sides)
        if cluster_of[top] >= 0:
            cluster_of[cell] = cluster_of[top]
            out[cluster_of[cell]].energy += energies[cell]
            out[cluster_of[cell]].cells += 1
    centre_clusters(energies, geometry, out[:count], cluster_of)
    return count


@kernel
def centre_clusters(
    energies: Floats, geometry: Geometry, clusters: Records, cluster_of: Ints
) -> None:
    """Set the position of clusters whose energy is summed: the mean of cells, weighted by log."""
    eta, phi, _ = geometry
    weights = np.zeros(len(clusters))
    for position in np.flatnonzero(energies):
        cell = int(position)
        k = cluster_of[cell]
        if k < 0:
            continue
        weight = 4.2 + math.log(energies[cell] / clusters[k].energy)
        if weight <= 0.0:
            continue
        weights[k] += weight
        clusters[k].eta += weight * eta[cell]
        d_phi = phi[cell] - phi[clusters[k].seed]
        clusters[k].phi += weight * (d_phi - 2.0 * math.pi * round(d_phi / (2.0 * math.pi)))
    for k in range(len(clusters)):
        seed = clusters[k].seed
        if weights[k] > 0.0:
            clusters[k].eta = clusters[k].eta / weights[k]
            clusters[k].phi = phi[seed] + clusters[k].phi / weights[k]
        else:
            clusters[k].eta, clusters[k].phi = eta[seed], phi[seed]
