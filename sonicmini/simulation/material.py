"""From generated particles to what the detector meets: decays in flight, the tracker's material.

Photons convert, electrons radiate, hadrons interact, kaons and pions decay to muons.
"""

import math

import numpy as np

from sonicmini.simulation.constants import (
    INTERACTION_PER_X0,
    MATERIAL_ETA,
    MATERIAL_X0,
    PIXEL_BARREL,
    STRIP_BARREL,
    TRACKER_LENGTH,
    TRACKER_RADIUS,
)
from sonicmini.simulation.helix import advance, path_to_radius
from sonicmini.simulation.kernel import Records, kernel
from sonicmini.simulation.records import (
    CHARGED_HADRON,
    ELECTRON,
    MUON,
    NEUTRAL_HADRON,
    PHOTON,
)

LAYERS = np.concatenate([np.array([2.2]), PIXEL_BARREL, STRIP_BARREL])
ELECTRON_MASS = 0.000511
PION_MASS = 0.13957
KAON_MASS = 0.49368
MAX_ETA = 5.4
MIN_ENERGY = 0.1
MIN_CHARGED_PT = 0.18
"""Charged particles below are not tracked and curl up before the calorimeter."""
MIN_PHOTON = 0.1
PION_DECAY_LENGTH = 780.4
KAON_DECAY_LENGTH = 371.2

State = tuple[float, float, float, float, float, float]


@kernel
def radiation_lengths(eta: float) -> float:
    """Thickness of the tracker seen from its centre."""
    position = abs(eta)
    k = 1
    while k < len(MATERIAL_ETA) - 1 and position > MATERIAL_ETA[k]:
        k += 1
    part = (position - MATERIAL_ETA[k - 1]) / (MATERIAL_ETA[k] - MATERIAL_ETA[k - 1])
    return MATERIAL_X0[k - 1] + min(part, 1.0) * (MATERIAL_X0[k] - MATERIAL_X0[k - 1])


@kernel
def kind_of(pdg_id: int, charge: int) -> int:
    """Class of a stable particle for the detector; -1 if it leaves no signal."""
    code = abs(pdg_id)
    if code in (12, 14, 16) or (charge == 0 and code > 1000000):
        return -1
    if code == 22:
        return PHOTON
    if code == 11:
        return ELECTRON
    if code == 13:
        return MUON
    return CHARGED_HADRON if charge != 0 else NEUTRAL_HADRON


@kernel
def tracker_edge(eta: float) -> float:
    """Radius at which a straight line from the centre leaves the tracker."""
    return min(TRACKER_RADIUS, TRACKER_LENGTH / max(abs(math.sinh(eta)), 1e-6))


@kernel
def material_radius(eta: float) -> float:
    """A random radius in the material: one layer in the barrel, anywhere between disks forward."""
    radius = tracker_edge(eta) * np.random.random() ** 0.8
    if abs(eta) > 1.4:
        return max(radius, 2.2)
    best = LAYERS[0]
    for layer in LAYERS:
        if abs(layer - radius) < abs(best - radius):
            best = layer
    return float(best)


@kernel
def add(out: Records, count: int, kind_charge: tuple[int, int], state: State, energy: float) -> int:
    """Append a particle that both tracker and calorimeter see; the new count."""
    if count >= len(out):
        return count
    new = out[count]
    new.kind, new.charge = kind_charge
    new.x, new.y, new.z, new.px, new.py, new.pz = state
    new.energy = energy
    new.pOut = math.sqrt(state[3] ** 2 + state[4] ** 2 + state[5] ** 2)
    new.rStop = math.inf
    new.kink = 0.0
    new.inTracker = new.charge != 0
    new.inCalorimeter = True
    return count + 1


@kernel
def scaled(state: State, factor: float) -> State:
    """The state with its momentum multiplied."""
    x, y, z, px, py, pz = state
    return x, y, z, px * factor, py * factor, pz * factor


@kernel
def moved(state: State, charge: int, radius: float) -> tuple[bool, State]:
    """The state on the way out at ``radius``; false if it starts beyond or never gets there."""
    if math.hypot(state[0], state[1]) >= radius:
        return False, state
    path = path_to_radius(state, charge, radius)
    pt = math.hypot(state[3], state[4])
    if not math.isfinite(path) or abs(state[2] + path * state[5] / pt) > TRACKER_LENGTH:
        return False, state
    return True, advance(state, charge, path)


@kernel
def convert(out: Records, count: int, state: State, energy: float) -> int:
    """A photon that becomes an electron pair at ``state``."""
    share = np.random.random()
    for charge, part in ((-1, share), (1, 1.0 - share)):
        if part * energy > MIN_PHOTON:
            count = add(out, count, (ELECTRON, charge), scaled(state, part), part * energy)
    return count


@kernel
def radiate(out: Records, first: int, count: int) -> int:
    """Bremsstrahlung of electron ``first``: its track, the photons, and what is left of it.

    The fraction of the energy kept after t radiation lengths follows Bethe and Heitler:
    -ln(fraction) is gamma distributed with shape t / ln 2.
    """
    track = out[first]
    state = (track.x, track.y, track.z, track.px, track.py, track.pz)
    momentum = track.pOut
    eta = math.asinh(state[5] / math.hypot(state[3], state[4]))
    charge = track.charge
    logarithm = np.random.gamma(radiation_lengths(eta) / math.log(2.0), 1.0)
    steps = 3
    kept = 1.0
    for step in range(steps):
        radius = tracker_edge(eta) * (step + np.random.random()) / steps
        inside, at = moved(state, charge, radius)
        if not inside:
            continue
        fraction = math.exp(-logarithm / steps)
        count = add(
            out, count, (PHOTON, 0), scaled(at, 1.0 - fraction), kept * (1.0 - fraction) * momentum
        )
        state = scaled(at, fraction)
        kept *= fraction
    track.inCalorimeter = False
    track.pOut = kept * momentum
    count = add(out, count, (ELECTRON, charge), state, kept * momentum)
    out[count - 1].inTracker = False
    return count


@kernel
def interact(out: Records, first: int, count: int, at: State) -> int:
    """Nuclear interaction of hadron ``first`` at ``at``: its track ends, others start.

    Up to three charged pions share part of the momentum; the rest goes on as neutral hadrons.
    """
    hadron = out[first]
    hadron.rStop = math.hypot(at[0], at[1])
    hadron.inCalorimeter = False
    momentum = hadron.pOut
    left = 1.0
    for charge in (1, -1, 1):
        share = left * np.random.beta(1.0, 2.0)
        if share * momentum < 0.2:
            continue
        left -= share
        angle = 0.35 / (share * momentum)
        _, _, _, px, py, pz = scaled(at, share)
        px += share * momentum * np.random.normal() * min(angle, 0.5)
        py += share * momentum * np.random.normal() * min(angle, 0.5)
        pz += share * momentum * np.random.normal() * min(angle, 0.5)
        energy = math.sqrt(px * px + py * py + pz * pz + PION_MASS**2)
        state = (at[0], at[1], at[2], px, py, pz)
        count = add(out, count, (CHARGED_HADRON, charge), state, energy)
    return add(out, count, (NEUTRAL_HADRON, 0), scaled(at, left), left * momentum)


@kernel
def decay_to_muon(out: Records, first: int, count: int, at: State) -> int:
    """Decay in flight of hadron ``first`` at ``at``; the neutrino takes up to 57 % (kaon)."""
    hadron = out[first]
    hadron.inCalorimeter = False
    share = 0.43 + 0.57 * np.random.random()
    hadron.pOut = share * hadron.pOut
    hadron.kink = 0.1 / max(hadron.pOut, 0.1)
    x, y, z, px, py, pz = scaled(at, share)
    state = (x, y, z, px + 0.1 * np.random.normal(), py + 0.1 * np.random.normal(), pz)
    count = add(out, count, (MUON, hadron.charge), state, hadron.pOut)
    out[count - 1].inTracker = False
    return count


@kernel
def decay_length(pdg_id: int) -> float:
    """Transverse decay length for 1 GeV of pT (cm); 0 for what does not decay in the tracker."""
    if abs(pdg_id) == 211:
        return PION_DECAY_LENGTH / PION_MASS
    return KAON_DECAY_LENGTH / KAON_MASS if abs(pdg_id) == 321 else 0.0


@kernel
def traverse_hadron(out: Records, first: int, count: int, pdg_id: int, state: State) -> int:
    """A charged hadron may interact or decay; the new count."""
    charge = out[first].charge
    pt = math.hypot(state[3], state[4])
    eta = math.asinh(state[5] / pt)
    if np.random.random() > math.exp(-INTERACTION_PER_X0 * radiation_lengths(eta)):
        inside, at = moved(state, charge, material_radius(eta))
        if inside:
            return interact(out, first, count, at)
    length = decay_length(pdg_id) * pt
    edge = tracker_edge(eta)
    if length > 0.0 and np.random.random() > math.exp(-edge / length):
        inside, at = moved(state, charge, edge * np.random.random())
        if inside:
            return decay_to_muon(out, first, count, at)
    return count


@kernel
def traverse(out: Records, first: int, count: int, pdg_id: int) -> int:
    """What one generated particle does in the tracker's material; the new count."""
    particle = out[first]
    state = (particle.x, particle.y, particle.z, particle.px, particle.py, particle.pz)
    eta = math.asinh(state[5] / math.hypot(state[3], state[4]))
    if abs(eta) > 2.7:
        return count
    if particle.kind == ELECTRON:
        return radiate(out, first, count)
    if particle.kind == CHARGED_HADRON:
        return traverse_hadron(out, first, count, pdg_id, state)
    if particle.kind != PHOTON or particle.energy <= MIN_PHOTON:
        return count
    if np.random.random() > math.exp(-7.0 / 9.0 * radiation_lengths(eta)):
        inside, at = moved(state, 0, material_radius(eta))
        if inside:
            particle.inCalorimeter = False
            return convert(out, count, at, particle.energy)
    return count


@kernel
def enter_detector(particles: Records, seed: int, out: Records) -> int:
    """Fill ``out`` (``SIM_PARTICLE``) from one event's generated particles; how many it has.

    Args:
        particles: structured array of pdgId, charge, px, py, pz, energy, x, y, z.
        seed: the event's random seed; everything random in the event follows from it.
        out: written; those that do not fit are dropped.
    """
    np.random.seed(seed)
    count = 0
    for given in particles:
        kind = kind_of(given.pdgId, given.charge)
        pt = math.hypot(given.px, given.py)
        if kind < 0 or pt < 1e-3 or abs(given.pz) > pt * math.sinh(MAX_ETA):
            continue
        if given.energy < MIN_ENERGY or (given.charge != 0 and pt < MIN_CHARGED_PT):
            continue
        state = (given.x, given.y, given.z, given.px, given.py, given.pz)
        first = count
        count = add(out, count, (kind, given.charge), state, given.energy)
        if count > first:
            count = traverse(out, first, count, given.pdgId)
    return count
