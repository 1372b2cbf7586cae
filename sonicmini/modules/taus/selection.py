"""Which combinations look like the decay of a tau: mass windows and the signal cone.

CMSSW: ``RecoTauConstructor`` (signal cone, decay mode), ``PFRecoTauMassPlugin`` and
``PFRecoTauDiscriminationByHPSSelection``.
"""

import math
from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Bools, Floats, Ints, kernel
from sonicmini.modules.taus.combinations import Trials
from sonicmini.modules.taus.inputs import Candidates, Seeds
from sonicmini.modules.taus.modes import PION_MASS, WINDOW_TABLE
from sonicmini.modules.taus.strips import Strips

_MIN_INSIDE, _MIN_INSIDE_FRACTION = 2.5, 0.1  # pT of a strip in the signal cone to be a pi0


class Verdicts(NamedTuple):
    """What is found of each combination, shape ``(n,)``.

    Attributes:
        mode: decay mode; strips with little in the signal cone do not count.
        energy: in GeV; one hadron without neutral pion has a pion's mass.
        passes: within the mass window, the signal cone and the matching cone.
    """

    mode: Ints
    energy: Floats
    passes: Bools


def signal_cone(pt: Floats) -> Floats:
    """Radius of the signal cone of taus with this pT (GeV)."""
    return np.maximum(np.minimum(0.1, 3.0 / pt), 0.05)


@kernel
def judge(
    trials: Trials, seeds: Seeds, strips: Strips, candidates: Candidates, matching_cone: float
) -> Verdicts:
    """Decay mode, energy and selection of all combinations.

    Args:
        trials: the combinations.
        seeds: the jets that they are made of.
        strips: of all seeds.
        candidates: of all events.
        matching_cone: distance of a tau from its jet at most.
    """
    n = len(trials.seed)
    mode, energy, passes = np.empty(n, np.int64), np.empty(n), np.zeros(n, np.bool_)
    p4, work = np.empty(4), np.empty((2, 4))
    for i in range(n):
        hadron, seed = trials.hadron[i], trials.seed[i]
        n_hadrons, n_strips = _number(hadron), _number(trials.strip[i])
        p4[:] = trials.p4[i]
        pt = math.hypot(p4[0], p4[1])
        n_pi0, cone = 0, max(min(0.1, 3.0 / pt), 0.05)
        eta = math.asinh(p4[2] / pt) if n_strips > 0 else 0.0
        phi = math.atan2(p4[1], p4[0]) if n_strips > 0 else 0.0
        for k in range(n_strips):
            of = (trials.strip[i, k], hadron)
            inside = _inside((eta, phi), cone, of, strips, candidates)
            n_pi0 += inside > min(_MIN_INSIDE, _MIN_INSIDE_FRACTION * pt)
        mode[i] = 5 * (n_hadrons - 1) + n_pi0
        if mode[i] == 0:
            p4[3] = math.sqrt(p4[0] ** 2 + p4[1] ** 2 + p4[2] ** 2 + PION_MASS**2)
        energy[i] = p4[3]
        window = WINDOW_TABLE[n_hadrons, n_strips]
        parts = (trials.p4[i], trials.pi0[i], work)
        if not _mass_passes(p4, pt, parts, (strips, trials.strip[i]), window):
            continue
        eta, phi = math.asinh(p4[2] / math.hypot(p4[0], p4[1])), math.atan2(p4[1], p4[0])
        margins = (window[6], strips)
        passes[i] = (
            _near((eta, phi), seeds.eta[seed], seeds.phi[seed], matching_cone)
            and _hadrons_pass((eta, phi), hadron, candidates, cone)
            and _strips_in_cone((eta, phi), trials.pi0[i], trials.strip[i], cone, margins)
        )
    return Verdicts(mode, energy, passes)


@kernel
def _number(index: Ints) -> int:
    """How many are not -1; these are the first."""
    n = 0
    while n < len(index) and index[n] >= 0:
        n += 1
    return n


@kernel
def _inside(
    axis: tuple[float, float],
    cone: float,
    of: tuple[int, Ints],
    strips: Strips,
    candidates: Candidates,
) -> float:
    """Sum of pT (GeV) of the daughters of a strip, less the hadrons, in the signal cone."""
    strip, hadron = of
    total = 0.0
    for d in strips.daughter[strips.daughter_starts[strip] : strips.daughter_starts[strip + 1]]:
        is_hadron = d == hadron[0] or d == hadron[1] or d == hadron[2]
        if not is_hadron and _near(axis, candidates.eta[d], candidates.phi[d], cone):
            total += candidates.pt[d]
    return total


@kernel
def _near(axis: tuple[float, float], eta: float, phi: float, radius: float) -> bool:
    """Whether two directions are within a radius."""
    d_phi = abs(axis[1] - phi)
    d_phi = min(d_phi, 2.0 * math.pi - d_phi)
    return (axis[0] - eta) ** 2 + d_phi * d_phi <= radius * radius


@kernel
def _mass(px: float, py: float, pz: float, energy: float) -> float:
    """Invariant mass, negative for space-like momenta."""
    square = energy * energy - px * px - py * py - pz * pz
    return math.sqrt(square) if square >= 0.0 else -math.sqrt(-square)


@kernel
def _mass_passes(
    p4: Floats,
    pt: float,
    parts: tuple[Floats, Floats, Floats],
    of: tuple[Strips, Ints],
    window: Floats,
) -> bool:
    """Whether the masses are in the window; gives the strips in ``p4`` their assumed mass.

    Args:
        p4: of the tau, changed.
        pt: of the tau before.
        parts: sum of hadrons and strips, momenta of the strips, and room for two momenta.
        of: all strips, and those of the tau.
        window: row of the table.
    """
    whole, pi0, work = parts
    strips, index = of
    bend2 = 0.0
    charged, pions = work[0], work[1]
    charged[:], pions[:] = whole, 0.0
    tau = (whole[0], whole[1], whole[2], whole[3])
    mass = max(_mass(whole[0], whole[1], whole[2], whole[3]), PION_MASS)
    for k in range(2):
        if index[k] < 0:
            continue
        strip = pi0[k]
        if window[6] > 0:
            bends = (strips.bend_eta[index[k]], strips.bend_phi[index[k]])
            bend2 += _bend2(tau, strip, bends, mass)
        factor = _factor(strip, window[3])
        for x in range(4):
            scale = factor if x < 3 else 1.0
            charged[x] -= strip[x]
            pions[x] += scale * strip[x]
            p4[x] += (scale - 1.0) * strip[x]
    high = window[1]
    if window[2] > 0:
        high = max(high, min(high * math.sqrt(pt / 100.0), window[2]))
    mass, bend = _mass(p4[0], p4[1], p4[2], p4[3]), math.sqrt(bend2)
    of_pions = _mass(pions[0], pions[1], pions[2], pions[3])
    inside = mass - bend < high and mass + bend > window[0]
    inside = inside and _mass(charged[0], charged[1], charged[2], charged[3]) < high
    return bool(inside and window[4] <= of_pions <= window[5])


@kernel
def _factor(strip: Floats, mass: float) -> float:
    """What the momentum of a strip is multiplied by to have a mass (GeV), its own if below 0."""
    if mass < 0:
        return 1.0
    momentum2 = strip[0] ** 2 + strip[1] ** 2 + strip[2] ** 2
    return math.sqrt((strip[3] ** 2 - mass * mass) / momentum2)


@kernel
def _bend2(
    tau: tuple[float, float, float, float],
    strip: Floats,
    bends: tuple[float, float],
    mass: float,
) -> float:
    """Square of the change of a tau's mass when a strip moves by its bends."""
    by_eta = (strip[2] * tau[3] - strip[3] * tau[2]) / mass * bends[0]
    px, py = tau[0] - strip[0], tau[1] - strip[1]
    by_phi = (strip[1] * px - strip[0] * py) / mass * bends[1]
    return float(by_eta * by_eta + by_phi * by_phi)


@kernel
def _hadrons_pass(
    axis: tuple[float, float], hadron: Ints, candidates: Candidates, cone: float
) -> bool:
    """Whether all hadrons are in the signal cone and one has a pixel hit."""
    hits = 0
    for h in hadron:
        if h >= 0:
            hits += candidates.pixel_hits[h]
            if not _near(axis, candidates.eta[h], candidates.phi[h], cone):
                return False
    return hits > 0


@kernel
def _strips_in_cone(
    axis: tuple[float, float],
    pi0: Floats,
    index: Ints,
    cone: float,
    margins: tuple[float, Strips],
) -> bool:
    """Whether all strips are in the signal cone, which their bends may widen."""
    bends, strips = margins
    for k in range(2):
        if index[k] >= 0:
            strip = pi0[k]
            eta = math.asinh(strip[2] / math.hypot(strip[0], strip[1]))
            d_phi = abs(math.atan2(strip[1], strip[0]) - axis[1])
            d_phi = min(d_phi, 2.0 * math.pi - d_phi) - bends * strips.bend_phi[index[k]]
            d_eta = abs(eta - axis[0]) - bends * strips.bend_eta[index[k]]
            if max(d_eta, 0.0) ** 2 + max(d_phi, 0.0) ** 2 > cone * cone:
                return False
    return True
