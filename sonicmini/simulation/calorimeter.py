"""Energy in the calorimeter cells: showers with lateral spread, response, resolution, noise.

Hadrons give less signal than electrons of the same energy (more so at low energy), as in CMS's
calorimeters; particle flow corrects clusters for it with ``hadron_energy``.
"""

import math

import numpy as np

from sonicmini.simulation.cells import TWO_PI, Cells, locate
from sonicmini.simulation.constants import (
    ELECTROMAGNETIC_RESOLUTION,
    HADRON_RESOLUTION,
    HF_EM_RESOLUTION,
    HF_HADRON_RESOLUTION,
)
from sonicmini.simulation.helix import to_calorimeter
from sonicmini.simulation.kernel import Floats, Ints, Records, kernel
from sonicmini.simulation.records import ELECTRON, MUON, PHOTON

ECAL_TO_HADRON = 0.92
"""ECAL response to the hadronic energy, relative to the intrinsic response."""
RESPONSE_AT_50 = 0.703
MAX_RESPONSE = 1.08
"""Largest signal of a hadron relative to an electron's."""
BARREL = 1.479
PROFILE_STEPS = 64
SOFT_HADRON = 4.0
"""Hadrons above have a shower in ECAL of two cores and more cells."""
MIN_SHARE = 0.003
"""Parts of a shower, and energies (GeV), not worth a cell."""
FORWARD = 3.0

Grid = tuple[Floats, Ints, Ints]


def grid(cells: Cells) -> Grid:
    """The part of the geometry that depositing energy needs."""
    return cells.edges, cells.divisions, cells.first


@kernel
def intrinsic_response(energy: float) -> float:
    """Signal of a hadron relative to an electron's."""
    return 1.0 - 0.6 * max(energy, 0.5) ** -0.18


@kernel
def expected_signal(energy: float) -> float:
    """Signal that a hadron leaves on average, were the response that of an electron."""
    return energy * intrinsic_response(energy)


@kernel
def hadron_energy(ecal: float, hcal: float) -> float:
    """Energy of a hadron from its raw signals (HCAL's scale: right at 50 GeV)."""
    signal = ecal / ECAL_TO_HADRON + hcal * RESPONSE_AT_50
    energy = signal / 0.6
    if signal <= 0.0:
        return 0.0
    for _ in range(6):
        energy = signal / intrinsic_response(energy)
    return energy


@kernel
def smeared(energy: float, stochastic: float, constant: float) -> float:
    """A measured energy, positive: relative variance stochastic^2/E + constant^2."""
    variance = stochastic * stochastic / energy + constant * constant
    if variance < 0.02:
        return energy * (1.0 + math.sqrt(variance) * np.random.normal())
    return energy * np.random.gamma(1.0 / variance, variance)


@kernel
def hadron_signal(energy: float) -> float:
    """Signal of one hadron: beta distributed between nothing and that of an electron.

    At low energy the fluctuations are large but bounded: a shower is at most all electromagnetic.
    """
    stochastic, constant = HADRON_RESOLUTION
    mean = intrinsic_response(energy) / MAX_RESPONSE
    variance = mean * mean * (stochastic * stochastic / energy + constant * constant)
    count = max(mean * (1.0 - mean) / variance - 1.0, 0.3)
    return energy * MAX_RESPONSE * np.random.beta(mean * count, (1.0 - mean) * count)


def _profiles(shapes: tuple[tuple[float, float], ...]) -> Floats:
    """Part of each shower below u cells from its axis, u = -3 to 3 in steps of 1/PROFILE_STEPS.

    Args:
        shapes: of each profile the width of an exponential in cells, and the fraction in a second
            one that is three times as wide.
    """
    u = np.arange(-3 * PROFILE_STEPS, 3 * PROFILE_STEPS + 1) / PROFILE_STEPS
    tables = []
    for width, tail in shapes:
        outside = (1 - tail) * np.exp(-abs(u) / width) + tail * np.exp(-abs(u) / (3 * width))
        tables.append(np.where(u < 0.0, 0.5 * outside, 1.0 - 0.5 * outside))
    return np.stack(tables)


ELECTROMAGNETIC, HADRONIC, TRACK, TOWER, FORWARD_LONG, FORWARD_SHORT = range(6)
PROFILES = _profiles(((0.2, 0.1), (0.45, 0.2), (0.1, 0.0), (0.28, 0.2), (0.05, 0.1), (0.08, 0.15)))
"""Lateral profiles in ECAL (photons, hadrons, minimum ionising), HCAL and the forward fibres."""


@kernel
def inside(profile: int, low: float, high: float) -> float:
    """Part of a shower between two distances from its axis (in cells, within 3)."""
    table = PROFILES[profile]
    first = int((low + 3.0) * PROFILE_STEPS + 0.5)
    last = int((high + 3.0) * PROFILE_STEPS + 0.5)
    return table[last] - table[first]


@kernel
def deposit(
    grid: Grid,
    energies: Floats,
    energy: float,
    at: tuple[float, float],
    shape: tuple[int, int],
) -> None:
    """Spread a shower over the cells around its axis.

    Args:
        grid: geometry.
        energies: of the cells; added to.
        energy: of the shower.
        at: eta and phi of the axis.
        shape: profile, and cells on each side (0 to 2).
    """
    edges, divisions, first = grid
    ring, along, _ = locate(at[0], edges, divisions)
    if ring < 0:
        return
    profile, reach = shape
    count = divisions[ring]
    place = (at[1] + math.pi) / TWO_PI * count
    column = int(place)
    across = place - column
    for d_ring in range(-reach, reach + 1):
        in_eta = inside(profile, d_ring - along, d_ring + 1 - along)
        other = ring + d_ring
        if in_eta < MIN_SHARE or other < 0 or other >= len(divisions) or divisions[other] == 0:
            continue
        same = divisions[other] == count
        for k in range(2 * reach + 1):
            in_phi = inside(profile, k - reach - across, k - reach + 1 - across)
            part = energy * in_eta * in_phi
            if part < MIN_SHARE:
                continue
            index = column + k - reach
            if not same:
                index = int((place + k - reach) / count * divisions[other])
            energies[first[other] + index % divisions[other]] += part


@kernel
def deposit_hadron(
    ecal: Grid, hcal: Grid, energies: tuple[Floats, Floats], energy: float, at: tuple[float, float]
) -> None:
    """A hadron's shower: half start in ECAL, which then takes a broad share, blurred in two."""
    seen = hadron_signal(energy)
    in_ecal = 0.0
    if np.random.random() < 0.55:
        in_ecal = seen * (1.0 - np.random.random() ** (1.0 / 1.3))
        cores = 2 if energy > SOFT_HADRON else 1
        for _ in range(cores):
            spread = 0.012
            point = (at[0] + spread * np.random.normal(), at[1] + spread * np.random.normal())
            deposit(
                ecal,
                energies[0],
                in_ecal / cores * ECAL_TO_HADRON,
                point,
                (HADRONIC, 2 if energy > SOFT_HADRON else 1),
            )
    else:
        deposit(
            ecal,
            energies[0],
            min(0.5 * energy, 0.2 + np.random.exponential(0.1)),
            at,
            (TRACK, 0),
        )
    deposit(hcal, energies[1], (seen - in_ecal) / RESPONSE_AT_50, at, (TOWER, 1))


@kernel
def deposit_forward(
    hf: Grid, fibres: tuple[Floats, Floats], kind: int, energy: float, at: tuple[float, float]
) -> None:
    """A shower in the forward calorimeter: long fibres see all of it, short ones its deep part."""
    if kind in (PHOTON, ELECTRON):
        signal = smeared(energy, HF_EM_RESOLUTION[0], HF_EM_RESOLUTION[1])
        short = signal * min(0.3, 0.05 + np.random.exponential(0.06))
    else:
        signal = smeared(energy, HF_HADRON_RESOLUTION[0], HF_HADRON_RESOLUTION[1])
        short = signal * (0.15 + 0.35 * np.random.beta(2.0, 1.5))
    deposit(hf, fibres[0], signal - short, at, (FORWARD_LONG, 1))
    deposit(hf, fibres[1], short, at, (FORWARD_SHORT, 1))


@kernel
def visible_energy(particle: Records) -> float:
    """Kinetic energy for baryons, all energy otherwise."""
    square = particle.energy**2 - particle.px**2 - particle.py**2 - particle.pz**2
    return particle.energy - math.sqrt(square) if square > 0.5 else particle.energy


@kernel
def fill_cells(
    particles: Records,
    seed: int,
    grids: tuple[Grid, Grid, Grid],
    energies: tuple[Floats, Floats, Floats, Floats],
) -> None:
    """Energies of all cells of one event, without noise.

    Args:
        particles: ``SIM_PARTICLE`` records.
        seed: random seed of this stage.
        grids: of ECAL, HCAL and HF.
        energies: written: ECAL, HCAL, HF long and HF short fibres.
    """
    np.random.seed(seed)
    ecal, hcal, hf = grids
    for particle in particles:
        if not particle.inCalorimeter:
            continue
        state = (particle.x, particle.y, particle.z, particle.px, particle.py, particle.pz)
        reaches, eta, phi = to_calorimeter(state, particle.charge)
        energy = visible_energy(particle)
        if not reaches or energy < 0.05:
            continue
        at = (eta, phi)
        kind = particle.kind
        if kind == MUON:
            deposit(ecal, energies[0], 0.25 + np.random.exponential(0.1), at, (TRACK, 0))
            deposit(hcal, energies[1], 1.5 + np.random.gamma(2.0, 0.5), at, (TRACK, 0))
        elif abs(eta) >= FORWARD:
            deposit_forward(hf, (energies[2], energies[3]), kind, energy, at)
        elif kind in (PHOTON, ELECTRON):
            stochastic, constant = ELECTROMAGNETIC_RESOLUTION
            if abs(eta) > BARREL:
                stochastic *= 1.6
            seen = smeared(energy, stochastic, constant)
            deposit(ecal, energies[0], seen, at, (ELECTROMAGNETIC, 2 if energy > 3.0 else 1))
            if kind == PHOTON or energy > 10.0:
                leak = 0.0005 * energy * np.random.exponential(1.0)
                deposit(hcal, energies[1], leak, at, (TOWER, 1))
        else:
            deposit_hadron(ecal, hcal, (energies[0], energies[1]), energy, at)


@kernel
def add_noise(
    energies: Floats, cell_eta: Floats, noise: tuple[float, float], floor: tuple[float, float]
) -> None:
    """Noise on the cells with a signal, then zero suppression.

    Args:
        energies: changed.
        cell_eta: pseudorapidity of each cell.
        noise: width in the barrel, and in the endcap at abs(eta) = 3 (grows linearly in between).
        floor: threshold in the barrel and at abs(eta) = 3.
    """
    for cell in range(len(energies)):
        if energies[cell] <= 0.0:
            continue
        along = max(0.0, (abs(cell_eta[cell]) - BARREL) / (FORWARD - BARREL))
        energies[cell] += (noise[0] + along * (noise[1] - noise[0])) * np.random.normal()
        if energies[cell] < floor[0] + along * (floor[1] - floor[0]):
            energies[cell] = 0.0
