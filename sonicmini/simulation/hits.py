"""Which layers of the tracker a particle crosses, and which of them see it."""

import math

import numpy as np

from sonicmini.simulation.constants import (
    HIT_EFFICIENCY,
    PIXEL_BARREL,
    PIXEL_BARREL_LENGTH,
    PIXEL_DISK_RADII,
    PIXEL_DISKS,
    RADIUS_PER_PT,
    STRIP_BARREL,
    STRIP_BARREL_LENGTH,
    STRIP_DISK_INNER,
    STRIP_DISK_OUTER,
    STRIP_DISKS,
    STRIP_STEREO,
)
from sonicmini.simulation.kernel import kernel

FIRST_LAYER = float(PIXEL_BARREL[0])
Pattern = tuple[int, int, int, int, bool, float, int]


@kernel
def crossing_z(z: float, slope: float, radius: float, bend: float) -> float:
    """Z at which a track from the beam line crosses a radius; ``bend`` is 1/(24 rho^2)."""
    return z + slope * radius * (1.0 + bend * radius * radius)


@kernel
def crossing_radius(z: float, slope: float, plane: float, bend: float) -> float:
    """Radius at which a track from the beam line crosses a disk; negative if it never does."""
    path = (plane - z) / slope
    if path <= 0.0:
        return -1.0
    return path * (1.0 - bend * path * path)


@kernel
def find_hits(pt: float, slope: float, z: float, span: tuple[float, float]) -> Pattern:
    """Hits of a particle that leaves the beam line at ``z`` with slope pz/pT.

    Args:
        span: radius where the particle starts and where it stops.

    Returns:
        pixel layers, strip layers, strip hits, lost inner hits, hit in the first barrel layer,
        radius of the first hit, outermost pixel layers expected but not hit.
    """
    rho = RADIUS_PER_PT * pt
    start = span[0]
    stop = min(span[1], 2.0 * rho)
    bend = 1.0 / (24.0 * rho * rho) if rho > 1.0 else 1.0
    pixel = strip = hits = lost = missed = 0
    first_barrel = False
    first = math.inf
    for layer in range(len(PIXEL_BARREL)):
        radius = PIXEL_BARREL[layer]
        if not start < radius < stop:
            continue
        if abs(crossing_z(z, slope, radius, bend)) > PIXEL_BARREL_LENGTH:
            break
        if np.random.random() < HIT_EFFICIENCY:
            pixel += 1
            first = min(first, radius)
            first_barrel |= layer == 0
        elif pixel == 0:
            lost += 1
        else:
            missed += 1
    forward = abs(slope) > 0.3
    side = 1.0 if slope > 0.0 else -1.0
    if forward:
        for plane in PIXEL_DISKS:
            radius = crossing_radius(z, slope, side * plane, bend)
            if max(start, PIXEL_DISK_RADII[0]) < radius < min(stop, PIXEL_DISK_RADII[1]):
                if np.random.random() < HIT_EFFICIENCY:
                    pixel += 1
                    first = min(first, radius)
                elif pixel == 0:
                    lost += 1
                else:
                    missed += 1
    for layer in range(len(STRIP_BARREL)):
        radius = STRIP_BARREL[layer]
        if not start < radius < stop:
            continue
        if abs(crossing_z(z, slope, radius, bend)) > STRIP_BARREL_LENGTH[layer]:
            continue
        if np.random.random() < HIT_EFFICIENCY:
            strip += 1
            hits += 2 if layer % 4 < STRIP_STEREO // 2 else 1
            first = min(first, radius)
        elif pixel + strip == 0:
            lost += 1
    if forward:
        for layer in range(len(STRIP_DISKS)):
            radius = crossing_radius(z, slope, side * STRIP_DISKS[layer], bend)
            inner = max(start, STRIP_DISK_INNER[layer])
            if inner < radius < min(stop, STRIP_DISK_OUTER[layer]):
                if np.random.random() < HIT_EFFICIENCY:
                    strip += 1
                    hits += 1 + layer % 2
                    first = min(first, radius)
                elif pixel + strip == 0:
                    lost += 1
    return pixel, strip, hits, lost, first_barrel, first, missed
