"""Helices in the solenoid: extrapolation to the calorimeter, closest approach to the beam spot.

A particle of charge q at (x, y, z) with momentum of azimuth phi0 moves along
phi(s) = phi0 + h s, x(s) = x + (sin phi(s) - sin phi0) / h, y(s) = y - (cos phi(s) - cos phi0) / h,
z(s) = z + s pz / pT, with s the path in the transverse plane and h = -q / (radius of curvature).
"""

import math

from sonicmini.simulation.constants import (
    CALO_LENGTH,
    CALO_RADIUS,
    HF_LENGTH,
    RADIUS_PER_PT,
)
from sonicmini.simulation.kernel import kernel

TWO_PI = 2.0 * math.pi
MAX_TURNS = 1.5


@kernel
def wrap(angle: float) -> float:
    """An angle brought to (-pi, pi]."""
    return angle - TWO_PI * math.ceil((angle - math.pi) / TWO_PI)


@kernel
def curvature(pt: float, charge: int) -> float:
    """Signed curvature h (1/cm) of a track: negative for positive charges."""
    return -charge / (RADIUS_PER_PT * pt)


@kernel
def advance(
    state: tuple[float, float, float, float, float, float], charge: int, path: float
) -> tuple[float, float, float, float, float, float]:
    """State (x, y, z, px, py, pz) after a transverse ``path`` (cm)."""
    x, y, z, px, py, pz = state
    pt = math.hypot(px, py)
    phi = math.atan2(py, px)
    z += path * pz / pt
    if charge == 0:
        return x + path * px / pt, y + path * py / pt, z, px, py, pz
    h = curvature(pt, charge)
    end = phi + h * path
    x += (math.sin(end) - math.sin(phi)) / h
    y -= (math.cos(end) - math.cos(phi)) / h
    return x, y, z, pt * math.cos(end), pt * math.sin(end), pz


@kernel
def path_to_radius(
    state: tuple[float, float, float, float, float, float], charge: int, radius: float
) -> float:
    """Transverse path to a cylinder around the z axis from inside it; infinite if never reached."""
    x, y, _, px, py, _ = state
    pt = math.hypot(px, py)
    if charge == 0:
        along = (x * px + y * py) / pt
        square = along * along + radius * radius - x * x - y * y
        return math.sqrt(square) - along if square > 0.0 else math.inf
    h = curvature(pt, charge)
    phi = math.atan2(py, px)
    centre_x = x - math.sin(phi) / h
    centre_y = y + math.cos(phi) / h
    distance = math.hypot(centre_x, centre_y)
    if distance < 1e-6:
        return math.inf
    sine = h * (radius * radius - distance * distance - 1.0 / (h * h)) / (2.0 * distance)
    if abs(sine) > 1.0:
        return math.inf
    angle = math.asin(sine)
    base = math.atan2(centre_y, centre_x) - phi
    turn = TWO_PI / abs(h)
    first = ((base + angle) / h) % turn
    second = ((base + math.pi - angle) / h) % turn
    return min(first, second)


@kernel
def to_calorimeter(
    state: tuple[float, float, float, float, float, float], charge: int
) -> tuple[bool, float, float]:
    """Where a particle enters the calorimeter.

    Returns:
        Whether it gets there, and the pseudorapidity and azimuth of the point seen from the origin.
        Beyond abs(eta) = 3 the point is on the face of the forward calorimeter.
    """
    x, y, z, px, py, pz = state
    pt = math.hypot(px, py)
    if pt < 1e-9:
        return False, 0.0, 0.0
    if math.hypot(x, y) >= CALO_RADIUS or abs(z) >= CALO_LENGTH:
        return False, 0.0, 0.0
    barrel = path_to_radius(state, charge, CALO_RADIUS)
    slope = pz / pt
    endcap = (math.copysign(CALO_LENGTH, pz) - z) / slope if abs(slope) > 1e-9 else math.inf
    path = min(barrel, endcap)
    if charge != 0 and path > MAX_TURNS * TWO_PI * RADIUS_PER_PT * pt:
        return False, 0.0, 0.0
    if not math.isfinite(path):
        return False, 0.0, 0.0
    end_x, end_y, end_z, end_px, end_py, _ = advance(state, charge, path)
    if endcap < barrel and math.hypot(end_x, end_y) * 10.0 < CALO_LENGTH:
        # Through the hole of the endcap (abs(eta) > 3) straight on to the forward calorimeter.
        rest = (math.copysign(HF_LENGTH, pz) - end_z) / slope
        end_x += rest * end_px / pt
        end_y += rest * end_py / pt
        end_z += rest * slope
    radius = math.hypot(end_x, end_y)
    return True, math.asinh(end_z / radius), math.atan2(end_y, end_x)


@kernel
def closest_approach(
    state: tuple[float, float, float, float, float, float],
    charge: int,
    line: tuple[float, float],
) -> tuple[float, float, float]:
    """Closest approach of a charged particle to the line (x, y) parallel to z.

    Returns:
        dxy, z and phi there; dxy = -(x - x_line) sin(phi) + (y - y_line) cos(phi), CMS's sign.
    """
    x, y, z, px, py, pz = state
    pt = math.hypot(px, py)
    h = curvature(pt, charge)
    phi = math.atan2(py, px)
    to_line_x = line[0] - (x - math.sin(phi) / h)
    to_line_y = line[1] - (y + math.cos(phi) / h)
    sign = 1.0 if h > 0.0 else -1.0
    at = math.atan2(sign * to_line_x, -sign * to_line_y)
    path = wrap(at - phi) / h
    dxy = math.hypot(to_line_x, to_line_y) * sign - 1.0 / h
    return dxy, z + path * pz / pt, at
