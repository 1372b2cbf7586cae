"""Particle-flow candidates: tracks, and what the calorimeters see beyond them.

After CMS, JINST 12 (2017) P10003, section 5: in each block an excess of calibrated energy over the
tracks' momentum that is larger than the calorimeters' resolution is a photon, or a photon and a
neutral hadron; clusters without tracks are photons (ECAL) and neutral hadrons (HCAL).
"""

import math

import numpy as np

from sonicmini.simulation.calorimeter import ECAL_TO_HADRON, RESPONSE_AT_50, hadron_energy
from sonicmini.simulation.constants import CALO_LENGTH, CALO_RADIUS, HF_LENGTH, TRACKER_ETA
from sonicmini.simulation.kernel import Floats, Ints, Records, kernel
from sonicmini.simulation.linking import Blocks, measured_signal
from sonicmini.simulation.records import CHARGED_HADRON, ELECTRON, MUON

PION_MASS = 0.13957
MIN_PHOTON = (0.5, 0.6)
"""Least pT and energy of a photon."""
MIN_NEUTRAL = (0.7, 2.0)
MIN_FORWARD = (1.0, 10.0)
MIN_FORWARD_SHARE = 0.1
"""Part of a forward cell's energy that makes a candidate of its own."""
EXCESS_SIGMAS = (0.6, 1.6, 50.0)
"""Least excess in units of the resolution: in hard blocks, what is added in soft ones, and the
momentum (GeV) over which it falls."""
EXCESS_SCALE = 1.18
"""Excesses in ECAL are photons and, with less signal, hadrons: their average composition."""
HADRONS_AMONG_CLUSTERS = 0.09
SOFT_CLUSTER = 30.0
"""Correction of soft clusters without tracks, and the pT (GeV) at which it has halved."""
NEUTRAL_SCALE = (1.37, 0.0)
"""Slope and offset (GeV) that restore what neutral hadrons lose below thresholds and in ECAL."""

Out = tuple[Records, Ints]
"""Candidates, and how many there are (one element)."""


@kernel
def photon_energy(raw: float, eta: float) -> float:
    """Energy of a photon from its cluster: restores what zero suppression and clustering lose."""
    return raw * 1.01 + (0.04 if abs(eta) < 1.479 else 0.08)


@kernel
def free_cluster_energy(raw: float, eta: float) -> float:
    """Energy of an ECAL cluster without track, on average over what makes such clusters.

    Part of the soft ones are hadrons that shower in ECAL, or lost tracks', with less signal.
    """
    transverse = raw / (SOFT_CLUSTER * math.cosh(eta))
    return photon_energy(raw, eta) * (
        1.0 + HADRONS_AMONG_CLUSTERS / (1.0 + transverse * transverse)
    )


@kernel
def point(eta: float, phi: float, vertex: Records) -> tuple[float, float]:
    """Direction (eta, phi) from a vertex to a point on the calorimeter's surface."""
    sinh = math.sinh(eta)
    if abs(eta) > 3.0:
        z, radius = math.copysign(HF_LENGTH, eta), HF_LENGTH / abs(sinh)
    elif abs(sinh) * CALO_RADIUS < CALO_LENGTH:
        z, radius = CALO_RADIUS * sinh, CALO_RADIUS
    else:
        z, radius = math.copysign(CALO_LENGTH, eta), CALO_LENGTH / abs(sinh)
    x, y = radius * math.cos(phi) - vertex.x, radius * math.sin(phi) - vertex.y
    return math.asinh((z - vertex.z) / math.hypot(x, y)), math.atan2(y, x)


@kernel
def add_neutral(
    out: Out,
    code: int,
    energies: tuple[float, float, float],
    at: tuple[float, float],
    vertex: Records,
) -> None:
    """Append a neutral candidate.

    Args:
        out: candidates.
        code: PDG code.
        energies: calibrated, raw ECAL and raw HCAL.
        at: eta and phi in the detector's frame.
        vertex: leading vertex, where the candidate is taken to come from.
    """
    candidates, count = out
    if count[0] >= len(candidates):
        return
    new = candidates[count[0]]
    count[0] += 1
    energy, raw_ecal, raw_hcal = energies
    new.eta, new.phi = point(at[0], at[1], vertex)
    new.pt = energy / math.cosh(new.eta)
    new.mass = 0.0
    new.pdgId = code
    new.charge = 0
    new.trackIdx = -1
    new.cluster = -1
    new.isIsolatedChargedHadron = False
    new.rawEcalEnergy, new.rawHcalEnergy = raw_ecal, raw_hcal
    in_ecal = raw_ecal / (raw_ecal + raw_hcal)
    new.ecalEnergy, new.hcalEnergy = energy * in_ecal, energy * (1.0 - in_ecal)


@kernel
def add_photon(out: Out, cluster: tuple[Records, int], energy: float, vertex: Records) -> None:
    """A photon of calibrated ``energy`` at an ECAL cluster, given with its index; none if soft."""
    at, index = cluster
    if energy < MIN_PHOTON[1] or energy < MIN_PHOTON[0] * math.cosh(at.eta):
        return
    add_neutral(out, 22, (energy, at.energy - at.used, 0.0), (at.eta, at.phi), vertex)
    out[0][out[1][0] - 1].cluster = index


@kernel
def add_hadron(
    out: Out, energies: tuple[float, float, float], at: tuple[float, float], vertex: Records
) -> None:
    """A neutral hadron of calibrated, raw ECAL and raw HCAL energy; none if soft."""
    if energies[0] > MIN_NEUTRAL[1] and energies[0] > MIN_NEUTRAL[0] * math.cosh(at[0]):
        add_neutral(out, 130, energies, at, vertex)


@kernel
def add_charged(out: Out, tracks: Records, which: int) -> None:
    """The candidate of a track that particle flow uses."""
    candidates, count = out
    if count[0] >= len(candidates):
        return
    track = tracks[which]
    new = candidates[count[0]]
    count[0] += 1
    new.pt, new.eta, new.phi = track.pt, track.eta, track.phi
    new.charge = track.charge
    kind = track.particle
    new.pdgId = 211 * track.charge
    new.mass = PION_MASS
    if kind == MUON:
        new.pdgId, new.mass = -13 * track.charge, 0.10566
    elif kind == ELECTRON:
        new.pdgId, new.mass = -11 * track.charge, 0.000511
    new.trackIdx = which
    new.cluster = -1
    new.isIsolatedChargedHadron = False
    new.ecalEnergy = new.hcalEnergy = new.rawEcalEnergy = new.rawHcalEnergy = 0.0


@kernel
def set_electrons(electrons: Records, candidates: Records) -> None:
    """Give particle flow's electrons the energy of track and cluster combined."""
    for electron in electrons:
        if not electron.forParticleFlow:
            continue
        for new in candidates:
            if new.trackIdx == electron.trackIdx:
                new.pt = electron.pt
                new.ecalEnergy, new.rawEcalEnergy = electron.scEnergy, electron.scRawEnergy
                break


@kernel
def charged_candidates(tracks: Records, hcal: Records, blocks: Blocks, out: Out) -> None:
    """Candidates of all tracks that particle flow uses, with their share of the block's energy."""
    track_block, _, momentum, _, _, in_ecal = blocks
    for i in range(len(tracks)):
        track = tracks[i]
        if track.particle <= 0:
            continue
        add_charged(out, tracks, i)
        new = out[0][out[1][0] - 1]
        b = track_block[i]
        if b < 0 or momentum[b] <= 0.0:
            continue
        p = track.pt * math.cosh(track.eta)
        part = p / momentum[b]
        raw_hcal = hcal[b].energy - hcal[b].used if b < len(hcal) else 0.0
        new.rawEcalEnergy, new.rawHcalEnergy = part * in_ecal[b], part * raw_hcal
        energy = hadron_energy(in_ecal[b], raw_hcal)
        if energy > 0.0:
            # Calibrated energies of a charged hadron add up to no more than its momentum.
            scale = min(1.0, momentum[b] / energy) * part * energy
            signal = in_ecal[b] + raw_hcal
            new.ecalEnergy = scale * in_ecal[b] / signal
            new.hcalEnergy = scale * raw_hcal / signal
        new.isIsolatedChargedHadron = part > 0.999 and energy < 1.5 * p + 2.0


@kernel
def excess_threshold(momentum: float) -> float:
    """How many standard deviations an excess must have: more in soft blocks, which are pileup's."""
    hard, soft, scale = EXCESS_SIGMAS
    return hard + soft * math.exp(-momentum / scale)


@kernel
def block_excess(ecal: Records, hcal: Records, blocks: Blocks, out: Out, vertex: Records) -> None:
    """Neutral candidates from blocks with tracks whose signal exceeds what the tracks should leave.

    The excess is an electromagnetic shower as far as the block's ECAL energy allows, since most
    neutral energy in jets is; the rest is a neutral hadron.
    """
    _, ecal_block, momentum, signal, variance, in_ecal = blocks
    leading = np.full(len(momentum), -1)
    for c in range(len(ecal)):
        b = ecal_block[c]
        if b >= 0 and (leading[b] < 0 or ecal[c].energy > ecal[leading[b]].energy):
            leading[b] = c
    for b in range(len(momentum)):
        p = momentum[b]
        if p <= 0.0:
            continue
        raw = hcal[b].energy - hcal[b].used if b < len(hcal) else 0.0
        excess = measured_signal(in_ecal[b], raw) - signal[b]
        if excess < excess_threshold(p) * math.sqrt(variance[b]):
            continue
        photon = 0.0
        if leading[b] >= 0:
            photon = min(excess * ECAL_TO_HADRON, in_ecal[b])
            energy = EXCESS_SCALE * photon
            add_photon(out, (ecal[leading[b]], leading[b]), energy, vertex)
        rest = hadron_energy(0.0, (excess - photon / ECAL_TO_HADRON) / RESPONSE_AT_50)
        if raw > 0.0 and rest > 0.0:
            add_hadron(out, (rest, 0.0, raw), (hcal[b].eta, hcal[b].phi), vertex)


@kernel
def free_clusters(ecal: Records, hcal: Records, blocks: Blocks, out: Out, vertex: Records) -> None:
    """Photons and neutral hadrons from clusters without tracks."""
    _, ecal_block, momentum, _, _, _ = blocks
    for c in range(len(ecal)):
        raw = ecal[c].energy - ecal[c].used
        if ecal_block[c] < 0 and raw > 0.0:
            add_photon(out, (ecal[c], c), free_cluster_energy(raw, ecal[c].eta), vertex)
    for h in range(len(hcal)):
        raw = hcal[h].energy - hcal[h].used
        if momentum[h] <= 0.0 and raw > 0.0:
            energy = NEUTRAL_SCALE[0] * hadron_energy(0.0, raw) + NEUTRAL_SCALE[1]
            energies = (energy, 0.0, raw)
            add_hadron(out, energies, (hcal[h].eta, hcal[h].phi), vertex)


@kernel
def forward_candidates(
    fibres: tuple[Floats, Floats], centres: tuple[Floats, Floats], out: Out, vertex: Records
) -> None:
    """Candidates of the forward calorimeter, cell by cell.

    Short fibres see only the deep part of a shower: twice their energy is hadronic (1), the excess
    of the long fibres over them electromagnetic (2).
    """
    long, short = fibres
    for cell in range(len(long)):
        total = long[cell] + short[cell]
        at = (centres[0][cell], centres[1][cell])
        transverse = math.cosh(at[0])
        if total < MIN_FORWARD[1] or total < MIN_FORWARD[0] * transverse:
            continue
        electromagnetic = max(0.0, long[cell] - short[cell])
        hadronic = total - electromagnetic
        least = max(MIN_FORWARD[0] * transverse, MIN_FORWARD_SHARE * total)
        if hadronic < least and hadronic < electromagnetic:
            electromagnetic, hadronic = total, 0.0
        elif electromagnetic < least:
            electromagnetic, hadronic = 0.0, total
        if electromagnetic > 0.0:
            add_neutral(out, 2, (electromagnetic, electromagnetic, 0.0), at, vertex)
        if hadronic > 0.0:
            add_neutral(out, 1, (hadronic, 0.0, hadronic), at, vertex)


@kernel
def choose_tracks(tracks: Records) -> None:
    """Take the tracks good enough for particle flow that are no muons or electrons as hadrons."""
    for track in tracks:
        if track.particle == 0 and track.forParticleFlow and abs(track.eta) < TRACKER_ETA + 0.05:
            track.particle = CHARGED_HADRON
