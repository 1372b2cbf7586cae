"""What belongs to a tau: its decay products and what is around them.

CMSSW: ``RecoTauBuilderCombinatoricPlugin`` and ``RecoTauConstructor``, which keep candidates of
signal and isolation by type. Candidates of the jet come first; of others near the jet only charged
hadrons, photons and neutral hadrons count, and only for the isolation.
"""

import math
from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Floats, Ints, kernel
from sonicmini.modules.taus.choice import Taus
from sonicmini.modules.taus.inputs import (
    Candidates,
    Seeds,
    by_falling_pt,
    chosen,
    delta_phi,
    delta_r,
)
from sonicmini.modules.taus.quality import SIGNAL_CUTS, passes
from sonicmini.modules.taus.strips import Strips
from sonicmini.modules.tracks import Vertices

SIGNAL_CHARGED, SIGNAL_GAMMA, SIGNAL_NEUTRAL = 0, 1, 2
"""Roles of decay products. Neutral hadrons are none unless merged with tracks above 100 GeV, which
is not done here: the role 2 is free."""
ISO_CHARGED, ISO_GAMMA, ISO_NEUTRAL = 3, 4, 5
"""Roles of candidates in the isolation cone."""

_ROLE = {211: ISO_CHARGED, 22: ISO_GAMMA, 130: ISO_NEUTRAL}


class Members(NamedTuple):
    """Pairs of tau and candidate, by tau, role and falling pT."""

    tau: Ints
    candidate: Ints
    role: Ints


class Around(NamedTuple):
    """Pairs of tau and candidate within a radius, and their distance, by tau."""

    tau: Ints
    candidate: Ints
    distance: Floats


class Reconstructed(NamedTuple):
    """What the taus were made from.

    Attributes:
        seeds: the jets.
        vertex: of each seed, among those of all events, -1 for none.
        strips: of all seeds.
        candidates: of all events.
        vertices: of all events.
    """

    seeds: Seeds
    vertex: Ints
    strips: Strips
    candidates: Candidates
    vertices: Vertices


def axes(p4: Floats) -> tuple[Floats, Floats]:
    """Pseudorapidity and azimuth of momenta of shape ``(n, 4)``."""
    pt = np.hypot(p4[:, 0], p4[:, 1])
    return np.arcsinh(p4[:, 2] / pt), np.arctan2(p4[:, 1], p4[:, 0])


def candidates_around(p4: Floats, event: Ints, candidates: Candidates, radius: float) -> Around:
    """All candidates within a radius of taus.

    Args:
        p4: of the taus, shape ``(taus, 4)``.
        event: of each tau.
        candidates: of all events.
        radius: in pseudorapidity and azimuth.
    """
    eta, phi = axes(p4)
    return _around((eta, phi), event, candidates, radius)


@kernel
def _around(
    axis: tuple[Floats, Floats], event: Ints, candidates: Candidates, radius: float
) -> Around:
    eta, phi = axis
    size = 1024
    tau, candidate, distance = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size)
    n = 0
    for i in range(len(event)):
        begin, end = candidates.offsets[event[i]], candidates.offsets[event[i] + 1]
        if n + end - begin > size:
            size = 2 * size + end - begin
            tau, candidate = _enlarged(tau, size), _enlarged(candidate, size)
            old, distance = distance, np.empty(size)
            distance[:n] = old[:n]
        for c in range(begin, end):
            d_eta = candidates.eta[c] - eta[i]
            if abs(d_eta) < radius:
                d_phi = abs(candidates.phi[c] - phi[i])
                d_phi = min(d_phi, 2.0 * math.pi - d_phi)
                dr2 = d_eta * d_eta + d_phi * d_phi
                if dr2 < radius * radius:
                    tau[n], candidate[n], distance[n] = i, c, math.sqrt(dr2)
                    n += 1
    return Around(tau[:n].copy(), candidate[:n].copy(), distance[:n].copy())


@kernel
def _enlarged(values: Ints, size: int) -> Ints:
    result = np.empty(size, np.int64)
    result[: len(values)] = values
    return result


def find_members(
    taus: Taus, around: Around, of: Reconstructed, *, isolation_cone: float, region: float
) -> Members:
    """The decay products of taus and the candidates in their isolation cones.

    Args:
        taus: combinations of hadrons and strips.
        around: candidates within at least the isolation cone of each.
        of: what they were made from.
        isolation_cone: radius around the tau.
        region: radius around the jet for candidates that are not in it.
    """
    daughters = _strip_daughters(taus, of)
    tau, strip, candidate = daughters
    is_signal = (strip[:, np.newaxis] == taus.strip[tau]).any(axis=1)
    hadrons = np.nonzero(taus.hadron >= 0)
    parts = [
        (hadrons[0], taus.hadron[hadrons], SIGNAL_CHARGED),
        (tau[is_signal], candidate[is_signal], SIGNAL_GAMMA),
    ]
    n = len(of.candidates.pt)
    taken = np.concatenate([part[0] * n + part[1] for part in parts])
    others = chosen(~is_signal, *daughters)
    tau, candidate = _isolation_strips(taus, others, of.candidates, isolation_cone)
    parts.append((tau, candidate, ISO_GAMMA))
    parts += _isolation(taus, around, of, (isolation_cone, region, taken))
    tau, candidate = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    role = np.concatenate([np.full(len(part[0]), part[2]) for part in parts])
    order = by_falling_pt(tau * 6 + role, candidate, of.candidates)
    return Members(tau[order], candidate[order], role[order])


def _strip_daughters(taus: Taus, of: Reconstructed) -> tuple[Ints, ...]:
    """Tau, strip and candidate for all strips of each tau's jet, less the tau's hadrons."""
    strips = of.strips
    tau, strip = _ranges(strips.starts[taus.seed], strips.starts[taus.seed + 1])
    pair, place = _ranges(strips.daughter_starts[strip], strips.daughter_starts[strip + 1])
    tau, strip, candidate = tau[pair], strip[pair], strips.daughter[place]
    free = (candidate[:, np.newaxis] != taus.hadron[tau]).all(axis=1)
    return chosen(free, tau, strip, candidate)


def _isolation_strips(
    taus: Taus, daughters: tuple[Ints, ...], candidates: Candidates, cone: float
) -> tuple[Ints, Ints]:
    """The daughters of strips whose axis is in the isolation cone."""
    tau, strip, candidate = daughters
    starts = np.flatnonzero(np.diff(tau, prepend=-1) | np.diff(strip, prepend=-1))
    if not len(starts):
        return tau, candidate
    columns = (candidates.px, candidates.py, candidates.pz)
    axis = np.stack([np.add.reduceat(column[candidate], starts) for column in columns], axis=1)
    (eta, phi), (tau_eta, tau_phi) = axes(axis), axes(taus.p4)
    owner = tau[starts]
    near = delta_r((eta, tau_eta[owner]), (phi, tau_phi[owner])) < cone
    inside = np.repeat(near, np.diff(np.append(starts, len(tau))))
    return tau[inside], candidate[inside]


def _isolation(
    taus: Taus, around: Around, of: Reconstructed, cuts: tuple[float, float, Ints]
) -> list[tuple[Ints, Ints, int]]:
    """Candidates by role that are in the isolation cone, but not by way of a strip."""
    cone, region, taken = cuts
    seeds, candidates = of.seeds, of.candidates
    tau, candidate = chosen(around.distance < cone, around.tau, around.candidate)
    kind = np.isin(candidates.pdg_id[candidate], list(_ROLE))
    tau, candidate = chosen(kind, tau, candidate)
    n, seed = len(candidates.pt), taus.seed[tau]
    owner = np.repeat(np.arange(len(seeds.pt)), np.diff(seeds.starts))
    in_jet = np.isin(seed * n + candidate, owner * n + seeds.candidate)
    d_phi = delta_phi(seeds.phi[seed], candidates.phi[candidate])
    in_region = np.hypot(seeds.eta[seed] - candidates.eta[candidate], d_phi) < region
    good = passes(candidate, of.vertex[seed], SIGNAL_CUTS, of=candidates, vertices=of.vertices)
    good &= ~np.isin(tau * n + candidate, taken) & (in_jet | in_region)
    good &= ~(in_jet & (candidates.pdg_id[candidate] == 22))  # they are in strips
    tau, candidate = chosen(good, tau, candidate)
    pdg_id = candidates.pdg_id[candidate]
    return [(tau[pdg_id == code], candidate[pdg_id == code], role) for code, role in _ROLE.items()]


def _ranges(begin: Ints, end: Ints) -> tuple[Ints, Ints]:
    """All integers of half-open ranges one after the other, and the range of each."""
    counts = end - begin
    group = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts) - counts
    return group, np.arange(len(group)) - np.repeat(first - begin, counts)
