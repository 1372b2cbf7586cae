"""Electrons and photons: superclusters, their shapes, and the tracks that lead to them."""

import math

import numpy as np

from sonicmini.simulation.calorimeter import Grid
from sonicmini.simulation.cells import cell_at, locate
from sonicmini.simulation.clustering import Geometry
from sonicmini.simulation.helix import wrap
from sonicmini.simulation.kernel import Floats, Ints, Records, kernel
from sonicmini.simulation.particleflow import photon_energy, point
from sonicmini.simulation.records import ELECTRON

MIN_SEED_PT = 3.0
MIN_ELECTRON_PT = 4.0
MIN_PHOTON_PT = 10.0
SUPERCLUSTER_ETA = 0.025
CONE = 0.15
CELL = 0.01745
BARREL = 1.479
ELECTRON_MASS = 0.000511


@kernel
def cone_energy(energies: Floats, geometry: tuple[Grid, Geometry], eta: float, phi: float) -> float:
    """Energy of the cell at a point and of the eight around it."""
    grid, centres = geometry
    edges, divisions, first = grid
    ring, _, _ = locate(eta, edges, divisions)
    if ring < 0:
        return 0.0
    cell = cell_at(ring, phi, divisions, first)
    total = energies[cell]
    for k in range(8):
        other = centres[2][cell, k]
        if other >= 0:
            total += energies[other]
    return float(total)


@kernel
def set_shape(new: Records, energies: Floats, grid: Grid, at: tuple[int, float, float]) -> float:
    """Widths in the 5 x 5 cells around cell ``at`` (ring, eta, phi); returns the 3 x 3 energy."""
    _, divisions, first = grid
    ring, eta, phi = at
    window = np.zeros((5, 5))
    for i in range(5):
        other = ring + i - 2
        if other < 0 or other >= len(divisions) or divisions[other] == 0:
            continue
        for j in range(5):
            shifted = phi + (j - 2) * 2.0 * math.pi / divisions[ring]
            window[i, j] = energies[cell_at(other, shifted, divisions, first)]
    total = window.sum()
    weight = eta_1 = eta_2 = phi_1 = phi_2 = 0.0
    for i in range(5):
        for j in range(5):
            if window[i, j] <= 0.0:
                continue
            w = max(0.0, 4.7 + math.log(window[i, j] / total))
            weight += w
            eta_1 += w * i
            eta_2 += w * i * i
            phi_1 += w * j
            phi_2 += w * j * j
    cell = CELL if abs(eta) < BARREL else 0.0447
    if weight > 0.0:
        new.sieie = cell * math.sqrt(max(0.0, eta_2 / weight - (eta_1 / weight) ** 2))
        new.sipip = cell * math.sqrt(max(0.0, phi_2 / weight - (phi_1 / weight) ** 2))
    return float(window[1:4, 1:4].sum())


@kernel
def build_superclusters(
    clusters: Records,
    ecal: tuple[Floats, tuple[Grid, Geometry]],
    hcal: tuple[Floats, tuple[Grid, Geometry]],
    out: Records,
    owner: Ints,
) -> int:
    """Join ECAL clusters along the azimuth around the hardest ones.

    Args:
        clusters: ECAL clusters.
        ecal: energies of its cells, and geometry.
        hcal: the same of the HCAL.
        out: ``SUPERCLUSTER`` records, written.
        owner: written: supercluster of each cluster, -1 for none.

    Returns:
        How many superclusters there are.
    """
    owner[:] = -1
    transverse = clusters.energy / np.cosh(clusters.eta)
    order = np.argsort(-transverse)
    count = 0
    for c in order:
        if transverse[c] < MIN_SEED_PT or count >= len(out):
            break
        seed = clusters[c]
        if owner[c] >= 0 or abs(seed.eta) > 2.6:
            continue
        new = out[count]
        new.raw = new.eta = new.phi = 0.0
        window = min(0.3, 0.06 + 1.0 / transverse[c])
        for d in range(len(clusters)):
            other = clusters[d]
            if owner[d] >= 0 or abs(other.eta - seed.eta) > SUPERCLUSTER_ETA:
                continue
            d_phi = wrap(other.phi - seed.phi)
            if abs(d_phi) > window or transverse[d] < 0.02 * transverse[c]:
                continue
            owner[d] = count
            new.raw += other.energy
            new.eta += other.energy * other.eta
            new.phi += other.energy * d_phi
        new.eta = new.eta / new.raw
        new.phi = wrap(seed.phi + new.phi / new.raw)
        new.energy = photon_energy(new.raw, seed.eta)
        new.seed = c
        grid = ecal[1][0]
        ring, _, _ = locate(ecal[1][1][0][seed.seed], grid[0], grid[1])
        place = (ring, ecal[1][1][0][seed.seed], ecal[1][1][1][seed.seed])
        new.sieie = new.sipip = 0.0
        new.r9 = set_shape(new, ecal[0], grid, place) / new.raw
        new.hoe = cone_energy(hcal[0], hcal[1], seed.eta, seed.phi) / new.raw
        count += 1
    return count


@kernel
def electron_track(cluster: Records, tracks: Records) -> int:
    """The track that best leads to a supercluster, -1 for none."""
    best, least = -1, 1.0
    for i in range(len(tracks)):
        track = tracks[i]
        if track.pt < 1.5 or not track.reachesCalorimeter or track.nPixelLayers < 2:
            continue
        d_eta = abs(track.caloEta - cluster.eta)
        if d_eta > 0.02 or not track.isHighPurity or track.particle != 0:
            continue
        d_phi = abs(wrap(track.caloPhi - cluster.phi))
        ratio = cluster.energy / (track.pt * math.cosh(track.eta))
        if d_phi > 0.12 or not 0.4 < ratio < 4.0:
            continue
        away = math.hypot(d_eta / 0.02, d_phi / 0.12) * 0.7 + 0.15 * abs(math.log(ratio))
        if away < least:
            best, least = i, away
    return best


@kernel
def passes_particle_flow(new: Records) -> bool:
    """Cuts in place of particle flow's multivariate electron selection."""
    barrel = abs(new.scEta) < BARREL
    return (
        new.sieie < (0.0125 if barrel else 0.040)
        and new.hoe < 0.10
        and abs(new.deltaEtaInSC) < (0.008 if barrel else 0.012)
        and abs(new.deltaPhiInSC) < 0.08
        and abs(new.eInvMinusPInv) < 0.06
        and new.lostHits <= 1
    )


@kernel
def build_electrons(superclusters: Records, tracks: Records, seed: int, out: Records) -> int:
    """Electrons of one event.

    Args:
        superclusters: of the event.
        tracks: of the event.
        seed: random seed of this stage.
        out: ``ELECTRON_CANDIDATE`` records, written; ``pfCandIdx`` holds the supercluster for now.

    Returns:
        How many there are.
    """
    np.random.seed(seed)
    count = 0
    for s in range(len(superclusters)):
        sc = superclusters[s]
        if sc.energy / math.cosh(sc.eta) < MIN_ELECTRON_PT or sc.hoe > 0.15 or count >= len(out):
            continue
        i = electron_track(sc, tracks)
        if i < 0:
            continue
        track = tracks[i]
        new = out[count]
        momentum = track.pt * math.cosh(track.eta)
        new.trackIdx, new.pfCandIdx, new.charge = i, s, track.charge
        new.scEnergy, new.scRawEnergy = sc.energy, sc.raw
        new.scEta, new.scPhi, new.sieie, new.sipip = sc.eta, sc.phi, sc.sieie, sc.sipip
        new.r9, new.hoe = sc.r9, sc.hoe
        new.gsfPt = track.pt * (1.0 + 0.01 * np.random.normal())
        new.gsfEta = track.eta + 1e-4 * np.random.normal()
        new.gsfPhi = wrap(track.phi + 1e-4 * np.random.normal())
        new.gsfNormChi2 = track.chi2 / track.ndof * math.exp(0.15 * np.random.normal())
        new.fbrem = 1.0 - track.pOut / momentum
        new.deltaEtaInSC = sc.eta - track.caloEta
        new.deltaPhiInSC = wrap(sc.phi - track.caloPhi)
        new.eInvMinusPInv = 1.0 / sc.energy - 1.0 / momentum
        new.lostHits = track.nLostInnerHits
        new.convVeto = track.nLostInnerHits == 0 and abs(track.dxy) < 1.0
        calorimeter = sc.energy * math.hypot(0.035 / math.sqrt(sc.energy), 0.01)
        tracker = momentum * math.hypot(0.02 + 0.0004 * track.pt, 0.25 * max(0.0, new.fbrem))
        weight = tracker**2 / (tracker**2 + calorimeter**2)
        energy = weight * sc.energy + (1.0 - weight) * momentum
        new.energyErr = calorimeter * tracker / math.hypot(calorimeter, tracker)
        new.eta, new.phi, new.mass = track.eta, track.phi, ELECTRON_MASS
        new.pt = energy / math.cosh(track.eta)
        new.forParticleFlow = track.forParticleFlow and passes_particle_flow(new)
        count += 1
    return count


@kernel
def take_electrons(electrons: Records, tracks: Records, clusters: Records, owner: Ints) -> None:
    """Give particle flow's electrons their tracks and clusters."""
    for electron in electrons:
        if not electron.forParticleFlow or tracks[electron.trackIdx].particle != 0:
            electron.forParticleFlow = False
            continue
        tracks[electron.trackIdx].particle = ELECTRON
        for c in range(len(clusters)):
            if owner[c] == electron.pfCandIdx:
                clusters[c].used = clusters[c].energy


@kernel
def build_photons(
    superclusters: Records, tracks: Records, electrons: Records, vertex: Records, out: Records
) -> int:
    """Photons of one event, electrons' superclusters among them as in CMS.

    Args:
        superclusters: of the event.
        tracks: of the event.
        electrons: of the event, with ``pfCandIdx`` holding their supercluster.
        vertex: leading vertex, where photons are taken to come from.
        out: ``PHOTON_CANDIDATE`` records, written.

    Returns:
        How many there are.
    """
    count = 0
    for s in range(len(superclusters)):
        sc = superclusters[s]
        if sc.energy / math.cosh(sc.eta) < MIN_PHOTON_PT or sc.hoe > 0.15 or count >= len(out):
            continue
        new = out[count]
        count += 1
        new.eta, new.phi = point(sc.eta, sc.phi, vertex)
        new.pt = sc.energy / math.cosh(new.eta)
        new.mass = 0.0
        new.scEnergy, new.scEta, new.scPhi = sc.energy, sc.eta, sc.phi
        new.sieie, new.r9, new.hoe = sc.sieie, sc.r9, sc.hoe
        new.energyErr = sc.energy * math.hypot(0.035 / math.sqrt(sc.energy), 0.01)
        new.pfCandIdx = -1
        new.cluster = sc.seed
        new.electronVeto = True
        for electron in electrons:
            if electron.pfCandIdx == s and electron.lostHits == 0:
                new.electronVeto = False
        new.pixelSeed = False
        for track in tracks:
            if not (track.pt > 2.0 and track.nPixelLayers >= 2 and track.reachesCalorimeter):
                continue
            if math.hypot(track.caloEta - sc.eta, 0.3 * wrap(track.caloPhi - sc.phi)) < 0.02:
                new.pixelSeed = new.pixelSeed or track.nLostInnerHits <= 1
    return count
