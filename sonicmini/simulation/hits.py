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
from sonicmini.simulation.kernel import Floats, kernel

FIRST_LAYER = float(PIXEL_BARREL[0])
# Barrel layers: radius, half length, hits. Disks: abs(z), inner and outer radius, hits.
PIXEL_LAYERS = np.array([(radius, PIXEL_BARREL_LENGTH, 1.0) for radius in PIXEL_BARREL])
PIXEL_PLANES = np.array([(plane, *PIXEL_DISK_RADII, 1.0) for plane in PIXEL_DISKS])
STRIP_LAYERS = np.array(
    [
        (radius, length, 2.0 if layer % 4 < STRIP_STEREO // 2 else 1.0)
        for layer, (radius, length) in enumerate(
            zip(STRIP_BARREL, STRIP_BARREL_LENGTH, strict=True)
        )
    ]
)
STRIP_PLANES = np.array(
    [
        (plane, inner, outer, 1.0 + layer % 2)
        for layer, (plane, inner, outer) in enumerate(
            zip(STRIP_DISKS, STRIP_DISK_INNER, STRIP_DISK_OUTER, strict=True)
        )
    ]
)
MAX_LAYERS = sum(map(len, (PIXEL_LAYERS, PIXEL_PLANES, STRIP_LAYERS, STRIP_PLANES)))
MIN_DISK_SLOPE = 0.3

Line = tuple[float, float, float]
"""Where a track leaves the beam line (z), its pz/pT and its bend, 1/(24 rho^2)."""
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
def cross_barrel(
    line: Line, reach: tuple[float, float], layers: Floats, crossed: Floats, count: int
) -> int:
    """Append radius and hits of the barrel layers crossed within a range of radius; the count."""
    z, slope, bend = line
    for k in range(len(layers)):
        radius = layers[k, 0]
        if not reach[0] < radius < reach[1]:
            continue
        if abs(crossing_z(z, slope, radius, bend)) <= layers[k, 1]:
            crossed[count] = radius, layers[k, 2]
            count += 1
    return count


@kernel
def cross_disks(
    line: Line, reach: tuple[float, float], disks: Floats, crossed: Floats, count: int
) -> int:
    """Append radius and hits of the disks crossed within a range of radius; the count."""
    z, slope, bend = line
    if abs(slope) <= MIN_DISK_SLOPE:
        return count
    for k in range(len(disks)):
        radius = crossing_radius(z, slope, math.copysign(disks[k, 0], slope), bend)
        if max(reach[0], disks[k, 1]) < radius < min(reach[1], disks[k, 2]):
            crossed[count] = radius, disks[k, 3]
            count += 1
    return count


@kernel
def find_hits(pt: float, slope: float, z: float, span: tuple[float, float]) -> Pattern:
    """Hits of a particle that leaves the beam line at ``z`` with slope pz/pT.

    Args:
        pt: in GeV.
        slope: as above.
        z: where it crosses the beam line.
        span: radius where the particle starts and where it stops.

    Returns:
        pixel layers, strip layers, strip hits, lost inner hits, hit in the first barrel layer,
        radius of the first hit, outermost pixel layers expected but not hit.
    """
    rho = RADIUS_PER_PT * pt
    reach = (span[0], min(span[1], 2.0 * rho))
    line = (z, slope, 1.0 / (24.0 * rho * rho) if rho > 1.0 else 1.0)
    crossed = np.empty((MAX_LAYERS, 2))
    pixels = cross_barrel(line, reach, PIXEL_LAYERS, crossed, 0)
    pixels = cross_disks(line, reach, PIXEL_PLANES, crossed, pixels)
    count = cross_barrel(line, reach, STRIP_LAYERS, crossed, pixels)
    count = cross_disks(line, reach, STRIP_PLANES, crossed, count)
    pixel = strip = hits = lost = missed = 0
    first_barrel = False
    first = math.inf
    for k in range(count):
        if np.random.random() < HIT_EFFICIENCY:
            first = min(first, crossed[k, 0])
            if k < pixels:
                pixel += 1
                first_barrel |= crossed[k, 0] == FIRST_LAYER
            else:
                strip += 1
                hits += int(crossed[k, 1])
        elif pixel + strip == 0:
            lost += 1
        elif k < pixels:
            missed += 1
    return pixel, strip, hits, lost, first_barrel, first, missed
