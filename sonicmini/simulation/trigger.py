"""Trigger decisions and objects from reconstructed quantities, smeared to the trigger's resolution.

Jets are cones of particle-flow candidates (charged ones only of the leading vertex), found on a map
of 0.1 x 0.1 cells; the offset of neutral pileup is subtracted as its mean density.
"""

import math

import numpy as np

from sonicmini.simulation.helix import wrap
from sonicmini.simulation.kernel import Floats, Records, kernel
from sonicmini.simulation.linking import distance

JET, MET, HT, AK8_JET, ELECTRON, MUON, TAU, PHOTON = 1, 2, 3, 6, 11, 13, 15, 22
ROWS = 100
COLUMNS = 63
MAX_ETA = 5.0
SEED_PT = 5.0
MIN_JET_PT = 20.0
NEUTRAL_DENSITY = 0.30
"""Neutral energy flow (GeV) per unit of area and per reconstructed vertex."""
JET_SMEARING = 0.05
LEPTON_SMEARING = 0.015
PATHS = 8


@kernel
def energy_map(candidates: Records, tracks: Records, leading: int) -> Floats:
    """px, py, pz and energy of candidates in cells of eta and phi, without pileup's tracks."""
    cells = np.zeros((ROWS, COLUMNS, 4))
    for candidate in candidates:
        if candidate.trackIdx >= 0:
            vertex = tracks[candidate.trackIdx].pvIdx
            if vertex >= 0 and vertex != leading:
                continue
        row = int((candidate.eta + MAX_ETA) * ROWS / (2.0 * MAX_ETA))
        column = int((candidate.phi + math.pi) * COLUMNS / (2.0 * math.pi)) % COLUMNS
        if not 0 <= row < ROWS:
            continue
        cells[row, column, 0] += candidate.pt * math.cos(candidate.phi)
        cells[row, column, 1] += candidate.pt * math.sin(candidate.phi)
        cells[row, column, 2] += candidate.pt * math.sinh(candidate.eta)
        cells[row, column, 3] += math.hypot(candidate.pt * math.cosh(candidate.eta), candidate.mass)
    return cells


@kernel
def sum_cone(
    cells: Floats,
    momenta: tuple[Floats, Floats],
    cone: tuple[tuple[float, float], float],
    use: bool,  # noqa: FBT001 - kernels take no keywords
    total: Floats,
) -> float:
    """Sum the free cells of a cone.

    Args:
        cells: from ``energy_map``.
        momenta: pT of each cell, and the same with 0 for cells that are used.
        cone: eta and phi of its centre, and its radius.
        use: take the cells from the free ones.
        total: written: px, py, pz and energy.

    Returns:
        Mean distance from the centre, weighted by pT.
    """
    transverse, free = momenta
    (eta, phi), radius = cone
    reach = int(radius * 10.0) + 1
    total[:] = 0.0
    width = weight = 0.0
    row = int((eta + MAX_ETA) * ROWS / (2.0 * MAX_ETA))
    column = int((phi + math.pi) * COLUMNS / (2.0 * math.pi))
    for r in range(max(0, row - reach), min(ROWS, row + reach + 1)):
        d_eta = (r + 0.5) * 2.0 * MAX_ETA / ROWS - MAX_ETA - eta
        for s in range(column - reach, column + reach + 1):
            c = s % COLUMNS
            away = distance(d_eta, (c + 0.5) * 2.0 * math.pi / COLUMNS - math.pi - phi)
            if free[r, c] <= 0.0 or away > radius:
                continue
            total += cells[r, c]
            width += away * transverse[r, c]
            weight += transverse[r, c]
            if use:
                free[r, c] = 0.0
    return width / max(weight, 1e-9)


@kernel
def cone_jets(cells: Floats, radius: float, offset: float) -> Floats:
    """Cone jets: hardest cell first, centred twice, cells used once.

    Args:
        cells: from ``energy_map``.
        radius: of the cone.
        offset: pileup's transverse momentum to subtract.

    Returns:
        Rows of pt, eta, phi, mass, width (mean distance weighted by pT).
    """
    transverse = np.hypot(cells[:, :, 0], cells[:, :, 1])
    free = transverse.copy()
    jets = np.empty((64, 5))
    count = 0
    while count < len(jets):
        top = int(np.argmax(free))
        row, column = top // COLUMNS, top % COLUMNS
        if free[row, column] < SEED_PT:
            break
        centre_eta = (row + 0.5) * 2.0 * MAX_ETA / ROWS - MAX_ETA
        centre_phi = (column + 0.5) * 2.0 * math.pi / COLUMNS - math.pi
        total = np.zeros(4)
        width = 0.0
        for turn in range(3):
            centre = (centre_eta, centre_phi)
            width = sum_cone(cells, (transverse, free), (centre, radius), turn == 2, total)
            pt = math.hypot(total[0], total[1])
            if pt <= 0.0:
                break
            centre_eta = min(max(math.asinh(total[2] / pt), -4.99), 4.99)
            centre_phi = wrap(math.atan2(total[1], total[0]))
        free[row, column] = 0.0
        pt = math.hypot(total[0], total[1])
        if pt - offset > MIN_JET_PT:
            square = total[3] ** 2 - pt * pt - total[2] ** 2
            scale = (pt - offset) / pt
            jets[count, 0] = pt - offset
            jets[count, 1], jets[count, 2] = centre_eta, centre_phi
            jets[count, 3] = math.sqrt(max(square, 0.0)) * scale
            jets[count, 4] = width
            count += 1
    return jets[:count]


@kernel
def add_object(
    out: Records, count: int, what: tuple[int, float], at: tuple[float, float], passed: int
) -> int:
    """Append a trigger object of id and pt ``what``; the new count."""
    if count >= len(out):
        return count
    new = out[count]
    new.id, new.pt = what
    new.eta, new.phi = at
    new.filterBits = passed
    return count + 1


@kernel
def isolation(candidates: Records, tracks: Records, at: tuple[float, float], leading: int) -> float:
    """Charged momentum of the leading vertex in a ring of 0.02 to 0.3 around a direction."""
    total = 0.0
    for candidate in candidates:
        if candidate.trackIdx < 0 or abs(candidate.eta - at[0]) > 0.3:
            continue
        away = distance(candidate.eta - at[0], candidate.phi - at[1])
        if 0.02 < away < 0.3 and tracks[candidate.trackIdx].pvIdx == leading:
            total += candidate.pt
    return total


@kernel
def trigger_leptons(
    leptons: tuple[Records, Records, Records],
    candidates: Records,
    tracks: Records,
    leading: int,
    out: Records,
) -> int:
    """Objects of the muon, electron and photon paths; how many."""
    muons, electrons, photons = leptons
    count = 0
    for muon in muons:
        pt = muon.pt * (1.0 + LEPTON_SMEARING * np.random.normal())
        if not muon.isGlobal or pt < 10.0:
            continue
        isolated = isolation(candidates, tracks, (muon.eta, muon.phi), leading) < 0.1 * pt
        passed = 1 if pt > 24.0 and isolated else 0
        count = add_object(out, count, (MUON, pt), (muon.eta, muon.phi), passed)
    for electron in electrons:
        pt = electron.pt * (1.0 + LEPTON_SMEARING * np.random.normal())
        if pt < 10.0 or electron.hoe > 0.06:
            continue
        barrel = abs(electron.scEta) < 1.479
        tight = electron.sieie < (0.0115 if barrel else 0.033) and electron.lostHits <= 1
        tight = tight and abs(electron.deltaEtaInSC) < 0.005 and abs(electron.deltaPhiInSC) < 0.04
        at = (electron.eta, electron.phi)
        isolated = isolation(candidates, tracks, at, leading) < 0.1 * pt
        passed = 2 if pt > 32.0 and tight and isolated else 0
        count = add_object(out, count, (ELECTRON, pt), at, passed)
    for photon in photons:
        pt = photon.pt * (1.0 + LEPTON_SMEARING * np.random.normal())
        if pt > 30.0 and photon.hoe < 0.1:
            passed = 4 if pt > 200.0 else 0
            count = add_object(out, count, (PHOTON, pt), (photon.eta, photon.phi), passed)
    return count


@kernel
def trigger_jets(
    event: tuple[Records, Records],
    cells: Floats,
    vertices: tuple[int, int],
    out: Records,
    count: int,
) -> int:
    """Objects of the jet, HT, missing momentum and tau paths; the new count."""
    candidates, tracks = event
    density = NEUTRAL_DENSITY * vertices[0]
    total = mht_x = mht_y = 0.0
    for jet in cone_jets(cells, 0.4, density * 0.50):
        pt = jet[0] * (1.0 + JET_SMEARING * np.random.normal())
        at = (jet[1], jet[2])
        passed = 8 if pt > 500.0 and abs(jet[1]) < 3.0 else 0
        count = add_object(out, count, (JET, pt), at, passed)
        if pt > 30.0 and abs(jet[1]) < 2.5:
            total += pt
        if pt > 30.0:
            mht_x -= pt * math.cos(jet[2])
            mht_y -= pt * math.sin(jet[2])
        if pt > 20.0 and abs(jet[1]) < 2.3 and jet[4] < 0.09:
            ring = isolation_ring(candidates, tracks, at, vertices[1])
            if ring < 3.0:
                passed = 128 if pt > 35.0 else 0
                count = add_object(out, count, (TAU, pt), at, passed)
    count = add_object(out, count, (HT, total), (0.0, 0.0), 16 if total > 1050.0 else 0)
    for jet in cone_jets(cells, 0.8, density * 2.0):
        pt = jet[0] * (1.0 + JET_SMEARING * np.random.normal())
        if pt > 150.0 and abs(jet[1]) < 2.5:
            passed = 32 if pt > 400.0 and jet[3] > 30.0 else 0
            count = add_object(out, count, (AK8_JET, pt), (jet[1], jet[2]), passed)
    x, y = -cells[:, :, 0].sum(), -cells[:, :, 1].sum()
    x += 5.0 * np.random.normal()
    y += 5.0 * np.random.normal()
    met = math.hypot(x, y)
    both = met > 120.0 and math.hypot(mht_x, mht_y) > 120.0
    return add_object(out, count, (MET, met), (0.0, math.atan2(y, x)), 64 if both else 0)


@kernel
def isolation_ring(
    candidates: Records, tracks: Records, at: tuple[float, float], leading: int
) -> float:
    """Charged momentum of the leading vertex between 0.12 and 0.4 of a direction."""
    total = 0.0
    for candidate in candidates:
        if candidate.trackIdx < 0 or abs(candidate.eta - at[0]) > 0.4:
            continue
        away = distance(candidate.eta - at[0], candidate.phi - at[1])
        if 0.12 < away < 0.4 and tracks[candidate.trackIdx].pvIdx == leading:
            total += candidate.pt
    return total


@kernel
def decide(
    leptons: tuple[Records, Records, Records],
    event: tuple[Records, Records],
    vertices: tuple[int, int],
    seed: int,
    out: Records,
) -> tuple[int, int]:
    """Trigger of one event.

    Args:
        leptons: muons, electrons, photons.
        event: particle-flow candidates and tracks.
        vertices: how many there are and which one leads.
        seed: random seed of this stage.
        out: ``TRIGGER_OBJECT`` records, written.

    Returns:
        How many objects there are, and the decisions as bits.
    """
    np.random.seed(seed)
    candidates, tracks = event
    count = trigger_leptons(leptons, candidates, tracks, vertices[1], out)
    cells = energy_map(candidates, tracks, vertices[1])
    count = trigger_jets(event, cells, vertices, out, count)
    decisions = 0
    taus = 0
    for k in range(count):
        if out[k].filterBits == 128:
            taus += 1
        else:
            decisions |= out[k].filterBits
    if taus >= 2:
        decisions |= 128
    return count, decisions
