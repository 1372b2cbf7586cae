"""Reconstructed tracks: efficiency, resolution with correlations and tails, quality, fakes."""

import math

import numpy as np

from sonicmini.simulation.constants import BEAM_LENGTH, BEAM_SPOT, TRACKER_ETA
from sonicmini.simulation.helix import closest_approach, to_calorimeter, wrap
from sonicmini.simulation.hits import FIRST_LAYER, Pattern, find_hits
from sonicmini.simulation.kernel import Records, kernel
from sonicmini.simulation.records import ELECTRON, MUON

MIN_PT = 0.2
TAILS = ((0.042, 2.0), (0.008, 6.0))
"""Fractions of tracks whose errors are larger than they say, and by how much."""
ERROR_SPREAD = 0.12
"""Logarithmic spread of stated errors around the true ones."""
FAKE_FRACTION = 0.025
CORRELATION_PHI_DXY = -0.85
CORRELATION_LAMBDA_DSZ = -0.75
MICRON = 1e-4
MAX_SLOPE = math.sinh(TRACKER_ETA + 0.1)
MAX_RADIUS = 60.0
"""Farthest from the beam spot that a track may start, in each direction (cm)."""


@kernel
def resolutions(pt: float, eta: float) -> tuple[float, float, float, float, float]:
    """Errors of q/p (relative), lambda, phi, dxy and dsz (cm) of a track from the beam line.

    a + b pT^-c for the impact parameters, fitted to CMS, JINST 9 (2014) P10009, figures 14 to 16.
    """
    a = abs(eta)
    if a < 0.9:
        relative = math.hypot(0.0085, 2.2e-4 * pt)
        dxy = 9.5 + 65.5 * pt**-0.9
        dz = 28.0 + 83.0 * pt**-0.85
    elif a < 1.4:
        relative = math.hypot(0.0145, 2.9e-4 * pt)
        dxy = 8.5 + 84.0 * pt**-0.95
        dz = 33.0 + 165.0 * pt**-0.95
    else:
        along = (a - 1.4) / 1.1
        relative = math.hypot(0.016 + 0.006 * along, (4.0 + 5.0 * along) * 1e-4 * pt)
        dxy = (12.5 + 143.0 * pt**-0.98) * (0.8 + 0.4 * along)
        dz = (75.0 + 560.0 * pt**-0.95) * (0.6 + 0.8 * along)
    cosine = 1.0 / math.cosh(eta)
    phi = 7e-5 + 1.4e-3 * pt**-0.95 * (1.0 + 0.25 * a)
    lam = (3e-4 + 1.8e-3 * pt**-0.9) * cosine * (1.0 + 0.15 * a)
    return relative, lam, phi, dxy * MICRON, dz * cosine * MICRON


@kernel
def search_efficiency(kind: int, pt: float, radius: float) -> float:
    """Chance that the track search finds a particle with enough hits: pT, production radius."""
    efficiency = 0.99
    if kind != MUON:
        efficiency = 0.985 / (1.0 + math.exp((0.20 - pt) / 0.10))
    if radius > 2.0:
        efficiency *= max(0.0, 1.0 - (radius - 2.0) / 48.0) ** 1.5
    return efficiency


@kernel
def is_seeded(pattern: Pattern) -> bool:
    """Whether there are enough hits: three pixel layers, or six strip layers if displaced."""
    pixel, strip = pattern[0], pattern[1]
    return pixel + strip >= 4 and (pixel >= 3 or strip >= 6)


@kernel
def set_hits(track: Records, pattern: Pattern, quality: float) -> None:
    """Hit counts, chi2 and the high-purity flag."""
    pixel, strip, hits, lost, first_barrel, _, missed = pattern
    track.nPixelLayers = pixel
    track.nStripLayers = strip
    track.nValidPixelHits = pixel + (1 if np.random.random() < 0.08 * pixel else 0)
    track.nValidHits = track.nValidPixelHits + hits
    track.nLostInnerHits = lost
    track.hasHitInBPix1 = first_barrel
    track.ndof = max(1, 2 * track.nValidPixelHits + hits - 5)
    track.chi2 = (
        np.random.gamma(0.5 * track.ndof, 2.0) * math.exp(0.25 * np.random.normal()) * quality
    )
    normal = track.chi2 / track.ndof
    purity = 3.0 - 1.6 * normal + 0.3 * min(pixel + strip - 5, 5) - 0.4 * (lost + missed)
    track.isHighPurity = purity + 0.7 * np.random.normal() > 0.0


@kernel
def tail_factor() -> float:
    """How much larger than nominal this track's errors are."""
    draw = np.random.random()
    for fraction, factor in TAILS:
        if draw < fraction:
            return factor
        draw -= fraction
    return 1.0


@kernel
def smear(
    track: Records, true: tuple[float, float, float, float, float, float], stretch: float
) -> None:
    """Measured parameters and covariance around the ``true`` q/p (1/GeV), lambda, phi, dxy, z.

    Args:
        track: written.
        true: the five parameters at the closest approach to the beam spot, and pT.
        stretch: how much farther than the first layer the track's first hit is.
    """
    qop, lam, phi, dxy, z, pt = true
    relative, s_lam, s_phi, s_dxy, s_dsz = resolutions(pt, math.asinh(math.tan(lam)))
    relative *= math.sqrt(stretch)
    s_dxy *= stretch
    s_dsz *= stretch
    stated = math.exp(ERROR_SPREAD * np.random.normal())
    tail = tail_factor()
    g_qop, g_lam, g_rest_phi = np.random.normal(), np.random.normal(), np.random.normal()
    g_dxy, g_rest_dsz = np.random.normal(), np.random.normal()
    rho = 0.08 * np.random.normal()
    rest_dxy = math.sqrt(1.0 - CORRELATION_PHI_DXY**2)
    rest_dsz = math.sqrt(1.0 - CORRELATION_LAMBDA_DSZ**2 - rho**2)
    g_phi = CORRELATION_PHI_DXY * g_dxy + rest_dxy * g_rest_phi
    g_dsz = rho * g_dxy + CORRELATION_LAMBDA_DSZ * g_lam + rest_dsz * g_rest_dsz
    qop *= max(0.4, 1.0 + tail * relative * g_qop)
    lam = min(max(lam + tail * s_lam * g_lam, -1.5), 1.5)
    phi = wrap(phi + tail * s_phi * g_phi)
    dxy += tail * s_dxy * g_dxy
    z += tail * s_dsz * g_dsz / math.cos(lam)
    track.charge = 1 if qop > 0.0 else -1
    track.pt = math.cos(lam) / abs(qop)
    track.eta = math.asinh(math.tan(lam))
    track.phi = phi
    track.dxy = dxy
    track.vx = BEAM_SPOT[0] - dxy * math.sin(phi)
    track.vy = BEAM_SPOT[1] + dxy * math.cos(phi)
    track.vz = z
    variance = stated * stated
    track.covQopQop = (relative * qop) ** 2 * variance
    track.covLamLam = s_lam**2 * variance
    track.covPhiPhi = s_phi**2 * variance
    track.covDxyDxy = s_dxy**2 * variance
    track.covDszDsz = s_dsz**2 * variance
    track.covDxyDsz = rho * s_dxy * s_dsz * variance
    track.covPhiDxy = CORRELATION_PHI_DXY * s_phi * s_dxy * variance
    track.covLamDsz = CORRELATION_LAMBDA_DSZ * s_lam * s_dsz * variance
    track.zErr = math.sqrt(track.covDszDsz) / math.cos(lam)


@kernel
def finish(track: Records) -> None:
    """What follows from the measured parameters: entry to the calorimeter, defaults."""
    pz = track.pt * math.sinh(track.eta)
    state = (
        track.vx,
        track.vy,
        track.vz,
        track.pt * math.cos(track.phi),
        track.pt * math.sin(track.phi),
        pz,
    )
    reaches, eta, phi = to_calorimeter(state, track.charge)
    track.reachesCalorimeter = reaches
    track.caloEta = eta
    track.caloPhi = phi
    track.pvIdx = -1
    track.pvWeight = 0.0
    track.particle = 0
    relative = math.sqrt(track.covQopQop) * track.pt * math.cosh(track.eta)
    layers = track.nPixelLayers + track.nStripLayers
    good = relative < 0.5 and (track.isHighPurity or (relative < 0.05 and layers >= 8))
    track.forParticleFlow = good and track.nPixelLayers > 0


@kernel
def measure(particle: Records, track: Records) -> bool:
    """Reconstruct one particle's track into ``track``; false if it is not found."""
    pt = math.hypot(particle.px, particle.py)
    slope = particle.pz / pt
    radius = math.hypot(particle.x, particle.y)
    if pt < MIN_PT or abs(slope) > MAX_SLOPE or radius > MAX_RADIUS:
        return False
    if np.random.random() > search_efficiency(particle.kind, pt, radius):
        return False
    state = (particle.x, particle.y, particle.z, particle.px, particle.py, particle.pz)
    dxy, z, phi = closest_approach(state, particle.charge, (BEAM_SPOT[0], BEAM_SPOT[1]))
    pattern = find_hits(pt, slope, z, (radius, particle.rStop))
    if not is_seeded(pattern) or abs(z) > MAX_RADIUS or abs(dxy) > MAX_RADIUS:
        return False
    momentum = pt * math.sqrt(1.0 + slope * slope)
    # Energy lost on the way bends the track as a whole: the fit sees a bit of it.
    seen = momentum + 0.3 * (particle.pOut - momentum)
    lam = math.atan(slope)
    cosine = math.cos(lam)
    stretch = min(max(1.0, (pattern[5] / FIRST_LAYER) ** 0.6), 5.0)
    layers = pattern[0] + pattern[1]
    stretch *= math.sqrt(max(1.0, 9.0 / layers))
    smear(track, (particle.charge / seen, lam, phi, dxy, z, seen * cosine), stretch)
    lost = 1.0 - particle.pOut / momentum
    noise = 0.04 + 0.002 * seen
    track.kink = math.sqrt(np.random.gamma(1.0, 2.0) + (particle.kink * 2.0 * momentum / 0.03) ** 2)
    track.pOut = abs(particle.pOut * (1.0 + noise * np.random.normal()))
    quality = 1.0 + (0.6 * lost if particle.kind == ELECTRON else 0.0)
    set_hits(track, pattern, quality)
    finish(track)
    return True


@kernel
def make_fake(track: Records) -> None:
    """A track made of hits of several particles: soft, few hits, from anywhere."""
    pt = 0.3 + np.random.exponential(0.5)
    if np.random.random() < 0.08:
        pt *= 1.0 + np.random.exponential(3.0)
    eta = TRACKER_ETA * (2.0 * np.random.random() - 1.0)
    lam = math.atan(math.sinh(eta))
    charge = 1 if np.random.random() < 0.5 else -1
    dxy = 0.25 * np.random.normal() * np.random.random()
    z = BEAM_SPOT[2] + 1.2 * BEAM_LENGTH * np.random.normal()
    phi = math.pi * (2.0 * np.random.random() - 1.0)
    cosine = math.cos(lam)
    smear(track, (charge * cosine / pt, lam, phi, dxy, z, pt), 1.3)
    momentum = track.pt * math.cosh(track.eta)
    track.kink = math.sqrt(np.random.gamma(1.0, 4.0))
    track.pOut = momentum * math.exp(0.4 * np.random.normal())
    pixel = 2 + int(np.random.random() * 3.0)
    strip = int(np.random.random() * 6.0)
    pattern = (pixel, strip, strip + strip // 3, int(np.random.random() * 2.0), pixel == 4, 3.0, 1)
    set_hits(track, pattern, 1.8)
    finish(track)


@kernel
def reconstruct_tracks(particles: Records, seed: int, out: Records) -> int:
    """Tracks of one event.

    Args:
        particles: ``SIM_PARTICLE`` records.
        seed: random seed of this stage.
        out: ``TRACK`` records, written; large enough for all particles and a few per cent more.

    Returns:
        How many tracks there are.
    """
    np.random.seed(seed)
    count = 0
    for particle in particles:
        if particle.inTracker and measure(particle, out[count]):
            count += 1
    for _ in range(np.random.poisson(FAKE_FRACTION * count)):
        if count < len(out):
            make_fake(out[count])
            count += 1
    return count
