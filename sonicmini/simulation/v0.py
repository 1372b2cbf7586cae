"""K0s and Lambda candidates from pairs of displaced tracks of opposite charge.

As CMS's V0 finder: the two circles cross in the transverse plane, the helices agree there in z, the
crossing is far from the beam spot, the pair points back to it and has the right mass.
"""

import math

import numpy as np

from sonicmini.simulation.constants import BEAM_SPOT, BEAM_WIDTH, RADIUS_PER_PT
from sonicmini.simulation.helix import wrap
from sonicmini.simulation.kernel import Floats, Ints, Records, kernel

MIN_PT = 0.35
MIN_SIGNIFICANCE = 2.0
MAX_NORMAL_CHI2 = 10.0
MIN_FLIGHT_SIGNIFICANCE = 15.0
MAX_APPROACH = 1.0
MAX_SEPARATION_CHI2 = 16.0
MIN_POINTING = 0.998
MAX_RADIUS = 60.0
PION_MASS = 0.13957
PROTON_MASS = 0.93827
K0S_MASS = 0.49761
LAMBDA_MASS = 1.11568
K0S_WINDOW = 0.07
LAMBDA_WINDOW = 0.05

Point = tuple[float, float, float]


@kernel
def displaced(tracks: Records) -> Ints:
    """Tracks that do not come from the beam line."""
    keep = np.empty(len(tracks), np.int64)
    count = 0
    for i in range(len(tracks)):
        track = tracks[i]
        significance = abs(track.dxy) / math.sqrt(track.covDxyDxy + BEAM_WIDTH**2)
        good = track.nPixelLayers + track.nStripLayers >= 3
        good = good and track.chi2 < MAX_NORMAL_CHI2 * track.ndof
        if good and significance > MIN_SIGNIFICANCE and track.pt > MIN_PT:
            keep[count] = i
            count += 1
    return keep[:count]


@kernel
def circle(track: Records) -> tuple[float, float, float, float]:
    """Centre, radius and signed curvature of a track in the transverse plane."""
    radius = RADIUS_PER_PT * track.pt
    h = -track.charge / radius
    x = track.vx - math.sin(track.phi) / h
    y = track.vy + math.cos(track.phi) / h
    return x, y, radius, h


@kernel
def crossings(first: Floats, second: Floats) -> tuple[int, float, float, float, float]:
    """Points where two circles cross or come closest: how many (0 to 2), and where."""
    x1, y1, r1 = first[0], first[1], first[2]
    x2, y2, r2 = second[0], second[1], second[2]
    d = math.hypot(x2 - x1, y2 - y1)
    if d < 1e-6 or d > r1 + r2 + MAX_APPROACH or d < abs(r1 - r2) - MAX_APPROACH:
        return 0, 0.0, 0.0, 0.0, 0.0
    along = (d * d + r1 * r1 - r2 * r2) / (2.0 * d)
    square = r1 * r1 - along * along
    ux, uy = (x2 - x1) / d, (y2 - y1) / d
    if square <= 0.0:
        middle = 0.5 * (math.copysign(r1, along) + d - math.copysign(r2, d - along))
        return 1, x1 + ux * middle, y1 + uy * middle, 0.0, 0.0
    across = math.sqrt(square)
    x, y = x1 + ux * along, y1 + uy * along
    return 2, x - uy * across, y + ux * across, x + uy * across, y - ux * across


@kernel
def momentum_at(track: Records, at: Floats, x: float, y: float) -> tuple[float, Point]:
    """Z and momentum of a track where it passes closest to a point of the transverse plane."""
    h = at[3]
    sign = 1.0 if h > 0.0 else -1.0
    phi = math.atan2(sign * (x - at[0]), -sign * (y - at[1]))
    path = wrap(phi - track.phi) / h
    slope = math.sinh(track.eta)
    pt = track.pt
    return track.vz + path * slope, (pt * math.cos(phi), pt * math.sin(phi), pt * slope)


@kernel
def pair_mass(p: Point, q: Point, masses: tuple[float, float]) -> float:
    """Invariant mass of two particles."""
    e = math.sqrt(p[0] ** 2 + p[1] ** 2 + p[2] ** 2 + masses[0] ** 2)
    f = math.sqrt(q[0] ** 2 + q[1] ** 2 + q[2] ** 2 + masses[1] ** 2)
    square = (e + f) ** 2 - (p[0] + q[0]) ** 2 - (p[1] + q[1]) ** 2 - (p[2] + q[2]) ** 2
    return math.sqrt(max(square, 0.0))


@kernel
def try_crossing(
    tracks: tuple[Records, Records], circles: tuple[Floats, Floats], x: float, y: float
) -> tuple[float, float, Point, Point]:
    """Chi2 of the crossing (negative if it fails), its z, and the two momenta."""
    plus, minus = tracks
    nothing = (0.0, 0.0, 0.0)
    dx, dy = x - BEAM_SPOT[0], y - BEAM_SPOT[1]
    flight = math.hypot(dx, dy)
    if flight > MAX_RADIUS or flight < 1e-3:
        return -1.0, 0.0, nothing, nothing
    z_plus, p = momentum_at(plus, circles[0], x, y)
    z_minus, q = momentum_at(minus, circles[1], x, y)
    px, py = p[0] + q[0], p[1] + q[1]
    pt = math.hypot(px, py)
    if (px * dx + py * dy) < MIN_POINTING * flight * pt:
        return -1.0, 0.0, nothing, nothing
    opening = abs(wrap(math.atan2(p[1], p[0]) - math.atan2(q[1], q[0])))
    across = plus.covDxyDxy + minus.covDxyDxy + BEAM_WIDTH**2
    error = math.sqrt(across) / max(math.sin(min(opening, 1.5)), 0.05)
    if flight < MIN_FLIGHT_SIGNIFICANCE * math.hypot(BEAM_WIDTH, 0.3 * error):
        return -1.0, 0.0, nothing, nothing
    w_plus, w_minus = 1.0 / plus.zErr**2, 1.0 / minus.zErr**2
    spread = plus.zErr**2 + minus.zErr**2
    chi2 = (z_plus - z_minus) ** 2 / (spread + (flight * 2e-3) ** 2)
    if chi2 > MAX_SEPARATION_CHI2:
        return -1.0, 0.0, nothing, nothing
    return chi2, (z_plus * w_plus + z_minus * w_minus) / (w_plus + w_minus), p, q


@kernel
def add_hypotheses(
    out: Records,
    count: int,
    pair: tuple[int, int],
    vertex: tuple[float, float, tuple[float, float, Point, Point]],
) -> int:
    """Append the pair as K0s, Lambda or its antiparticle if the mass fits; the new count.

    Args:
        out: candidates.
        count: how many there are.
        pair: indices of the two tracks.
        vertex: x and y of the crossing and the result of ``try_crossing``.
    """
    x, y, (chi2, z, p, q) = vertex
    for code, masses, nominal, window in (
        (310, (PION_MASS, PION_MASS), K0S_MASS, K0S_WINDOW),
        (3122, (PROTON_MASS, PION_MASS), LAMBDA_MASS, LAMBDA_WINDOW),
        (-3122, (PION_MASS, PROTON_MASS), LAMBDA_MASS, LAMBDA_WINDOW),
    ):
        mass = pair_mass(p, q, masses)
        if abs(mass - nominal) > window or count >= len(out):
            continue
        new = out[count]
        count += 1
        new.pdgId, new.mass = code, mass
        px, py, pz = p[0] + q[0], p[1] + q[1], p[2] + q[2]
        new.pt = math.hypot(px, py)
        new.eta = math.asinh(pz / new.pt)
        new.phi = math.atan2(py, px)
        new.x, new.y, new.z, new.chi2 = x, y, z, chi2
        new.trackIdx1, new.trackIdx2 = pair
    return count


@kernel
def find_v0(tracks: Records, out: Records) -> int:
    """K0s and Lambda candidates of one event; a pair may be both.

    Args:
        tracks: of the event.
        out: ``V0_CANDIDATE`` records, written.

    Returns:
        How many there are.
    """
    chosen = displaced(tracks)
    circles = np.empty((len(chosen), 4))
    for k in range(len(chosen)):
        circles[k, 0], circles[k, 1], circles[k, 2], circles[k, 3] = circle(tracks[chosen[k]])
    count = 0
    for a in range(len(chosen)):
        i = chosen[a]
        plus = tracks[i]
        if plus.charge < 0:
            continue
        for b in range(len(chosen)):
            j = chosen[b]
            minus = tracks[j]
            if minus.charge > 0 or abs(plus.eta - minus.eta) > 1.5:
                continue
            number, x1, y1, x2, y2 = crossings(circles[a], circles[b])
            best = (-1.0, 0.0, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
            x, y = x1, y1
            for k in range(number):
                at = (x1, y1) if k == 0 else (x2, y2)
                result = try_crossing((plus, minus), (circles[a], circles[b]), at[0], at[1])
                if result[0] >= 0.0 and (best[0] < 0.0 or result[0] < best[0]):
                    best = result
                    x, y = at
            if best[0] < 0.0:
                continue
            count = add_hypotheses(out, count, (i, j), (x, y, best))
    return count
