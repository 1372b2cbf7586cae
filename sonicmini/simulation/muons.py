"""Muons: segments in the chambers, matched to tracks; punch-through hadrons are their fakes."""

import math

import numpy as np

from sonicmini.simulation.helix import wrap
from sonicmini.simulation.kernel import Ints, Records, kernel
from sonicmini.simulation.linking import distance
from sonicmini.simulation.records import CHARGED_HADRON, MUON

MUON_MASS = 0.10566
MAX_ETA = 2.4
FIRST_STATION_MOMENTUM = 3.0
STATION_LOSS = 1.2
"""Momentum (GeV) to reach the first station, and more for each further one."""
SEGMENT_EFFICIENCY = 0.95
PUNCH_THROUGH = 0.004
STATIONS = 4
MATCH_CHI2 = 25.0


@kernel
def chamber_hits(eta: float, momentum: float, reach: int, hits: Ints) -> int:
    """Segments of a particle in the stations up to ``reach``.

    Args:
        eta: pseudorapidity.
        momentum: of the particle at the calorimeter.
        reach: last station it can enter (it may stop before).
        hits: written: 24 counts in the order of ``records.STATION_FIELDS``.

    Returns:
        How many stations have a segment.
    """
    hits[:] = 0
    a = abs(eta)
    stations = 0
    gap = abs(a - 0.25) < 0.03 or abs(a - 0.85) < 0.03
    for station in range(min(reach, STATIONS)):
        if momentum * math.tanh(1.0 + a) < FIRST_STATION_MOMENTUM + STATION_LOSS * station:
            break
        segment = False
        efficiency = 0.6 if gap else SEGMENT_EFFICIENCY
        barrel = a < 1.2 - 0.12 * station
        if barrel and np.random.random() < efficiency:
            segment = True
            hits[station] = 1
            hits[12 + station] = (8 if station == 3 else 12) - np.random.binomial(6, 0.1)
        if a > 0.9 + (0.1 if station > 0 else 0.0) and np.random.random() < efficiency:
            segment = True
            hits[4 + station] = 1
            hits[16 + station] = 6 - np.random.binomial(3, 0.1)
        if a < 1.9 and np.random.random() < efficiency:
            hits[8 + station] = 1
            hits[20 + station] = 1 + (1 if station < 2 and barrel else 0)
        stations += 1 if segment else 0
    return stations


@kernel
def measure_chambers(particles: Records, seed: int, out: Records, hits: Ints) -> int:
    """What the muon chambers measure by themselves in one event.

    Args:
        particles: ``SIM_PARTICLE`` records.
        seed: random seed of this stage.
        out: ``MUON_CANDIDATE`` records, written: direction, momentum, charge, nStations.
        hits: shape (candidates, 24), written.

    Returns:
        How many candidates there are.
    """
    np.random.seed(seed)
    count = 0
    for particle in particles:
        kind = particle.kind
        if kind == MUON and particle.inCalorimeter:
            reach = STATIONS
        elif kind == CHARGED_HADRON and particle.inCalorimeter and particle.energy > 4.0:
            if np.random.random() > PUNCH_THROUGH:
                continue
            reach = min(STATIONS, np.random.geometric(0.75))
        else:
            continue
        pt = math.hypot(particle.px, particle.py)
        eta = math.asinh(particle.pz / pt)
        if abs(eta) > MAX_ETA or count >= len(out):
            continue
        momentum = pt * math.cosh(eta)
        stations = chamber_hits(eta, momentum, reach, hits[count])
        if stations == 0:
            continue
        new = out[count]
        new.nStations = stations
        spread = 0.008 + 0.06 / momentum
        new.eta = eta + spread * np.random.normal()
        new.phi = wrap(math.atan2(particle.py, particle.px) + spread * np.random.normal())
        resolution = 0.10 + 0.04 * abs(eta) + 2e-4 * pt
        inverse = particle.charge / pt * (1.0 + resolution * np.random.normal())
        new.charge = 1 if inverse > 0.0 else -1
        new.pt = min(1.0 / max(abs(inverse), 1e-5), 5000.0)
        count += 1
    return count


@kernel
def match_track(muon: Records, tracks: Records) -> tuple[int, float]:
    """Track closest to what the chambers measured, in units of the errors; -1 if none is close."""
    best, least = -1, MATCH_CHI2
    for i in range(len(tracks)):
        track = tracks[i]
        if abs(track.eta - muon.eta) > 0.3 or track.particle != 0:
            continue
        momentum = track.pt * math.cosh(track.eta)
        if momentum < 2.5:
            continue
        spread = 0.01 + 0.07 / momentum
        away = distance(track.eta - muon.eta, track.phi - muon.phi) / spread
        resolution = 0.15 + 0.05 * abs(track.eta)
        ratio = (track.pt / muon.pt * track.charge * muon.charge - 1.0) / resolution
        chi2 = away * away + (min(ratio * ratio, 9.0) if muon.nStations > 1 else 0.0)
        if chi2 < least:
            best, least = i, chi2
    return best, least


@kernel
def is_particle_flow_muon(muon: Records, track: Records, cone: float) -> bool:
    """Particle flow's selection: isolated global muons, else those with enough stations."""
    if muon.isGlobal and cone < 0.1 * track.pt:
        return True
    if muon.isGlobal and muon.nStations >= 2 and muon.caloComp > 0.2:
        return muon.trkKink < 20.0
    return muon.isTracker and muon.nStations >= 2 and muon.caloComp > 0.5 and muon.trkKink < 20.0


@kernel
def build_muons(muons: Records, tracks: Records, seed: int) -> int:
    """Match chambers to tracks and decide which muons particle flow takes.

    Args:
        muons: from ``measure_chambers``; changed in place, those without use dropped.
        tracks: of the event; ``particle`` is set for particle flow's muons.
        seed: random seed of this stage.

    Returns:
        How many muons are left.
    """
    np.random.seed(seed)
    count = 0
    for k in range(len(muons)):
        muon = muons[k]
        which, chi2 = match_track(muon, tracks)
        muon.trackIdx = which
        muon.isStandalone = muon.nStations >= 2
        muon.isTracker = which >= 0
        muon.isGlobal = which >= 0 and muon.isStandalone
        muon.pfCandIdx = -1
        muon.mass = MUON_MASS
        muon.chi2LocalPosition = np.random.gamma(1.0, 2.0) + 0.3 * chi2 if which >= 0 else 0.0
        degrees = 5.0 * muon.nStations
        fitted = (chi2 + np.random.gamma(degrees, 2.0)) / (2.0 * degrees)
        muon.normChi2 = fitted if muon.isGlobal else 0.0
        muon.isPFcand = False
        muon.trkKink = 0.0
        if which >= 0:
            track = tracks[which]
            muon.pt, muon.eta, muon.phi = track.pt, track.eta, track.phi
            muon.charge = track.charge
            muon.trkKink = track.kink**2
        expected = 4.0 if muon.pt * math.cosh(muon.eta) > 8.0 else 2.0
        muon.segmentComp = min(1.0, muon.nStations / expected) * (1.0 - 0.15 * np.random.random())
        muons[count] = muon
        count += 1
    return count


@kernel
def calorimeter_compatibility(ecal: float, hcal: float) -> float:
    """How like a minimum ionising particle's the energies around a muon are, 0 to 1."""
    return 1.0 / (1.0 + math.exp(0.5 * (ecal - 3.0) + 0.25 * (hcal - 8.0)))


@kernel
def take_muons(muons: Records, tracks: Records, energies: Records) -> None:
    """Set the calorimeter energies of the muons, then particle flow's choice and its tracks.

    Args:
        muons: matched muons.
        tracks: of the event.
        energies: shape (muons, 2): ECAL and HCAL around each muon.
    """
    for k in range(len(muons)):
        muon = muons[k]
        muon.ecalEnergy, muon.hcalEnergy = energies[k, 0], energies[k, 1]
        muon.caloComp = calorimeter_compatibility(muon.ecalEnergy, muon.hcalEnergy)
        if muon.trackIdx < 0:
            continue
        track = tracks[muon.trackIdx]
        cone = 0.0
        for other in tracks:
            if (
                abs(other.eta - track.eta) < 0.3
                and other.pt > 0.5
                and abs(other.vz - track.vz) < 0.2
            ):
                away = distance(other.eta - track.eta, other.phi - track.phi)
                if 0.001 < away < 0.3:
                    cone += other.pt
        if is_particle_flow_muon(muon, track, cone):
            muon.isPFcand = True
            track.particle = MUON
