"""Constituents of toy jets: a few narrow sprays and soft radiation around them."""

from collections.abc import Sequence
from itertools import pairwise

import fastjet
import numpy as np

from sonicmini.modules.columns import Floats, Ints, offsets_from

ANY_RADIUS = 1000.0  # FastJet's largest: everything is one jet


def toy_jets(seed: int, sizes: Sequence[int], phi: float | None = None) -> tuple[Floats, Ints]:
    """px, py, pz, E of the constituents of jets of these sizes, and offsets.

    Args:
        seed: the same seed gives the same jets.
        sizes: constituents of each jet.
        phi: azimuth of all jets; default: anywhere.
    """
    rng = np.random.default_rng(seed)
    jets = [_jet(rng, size, phi) for size in sizes]
    return np.concatenate([np.zeros((0, 4)), *jets]), offsets_from(np.array(sizes, dtype=np.int64))


def _jet(rng: np.random.Generator, n: int, phi: float | None) -> Floats:
    centre = np.array([rng.uniform(-2, 2), rng.uniform(-np.pi, np.pi) if phi is None else phi])
    prongs = centre + rng.normal(0, 0.25, (rng.integers(1, 5), 2))
    prong = rng.integers(0, len(prongs) + 1, n)
    wide = prong == len(prongs)
    at = np.where(wide[:, np.newaxis], centre, prongs[prong % len(prongs)])
    eta, angle = (at + rng.normal(0, 1, (n, 2)) * np.where(wide, 0.3, 0.04)[:, np.newaxis]).T
    pt = rng.exponential(np.where(wide, 1.0, 15.0)) + 0.1
    mass = rng.choice([0.0, 0.1396], n)
    energy = np.hypot(pt * np.cosh(eta), mass)
    return np.stack([pt * np.cos(angle), pt * np.sin(angle), pt * np.sinh(eta), energy], axis=1)


def jets_in(p4: Floats, offsets: Ints) -> list[Floats]:
    """The constituents of each jet."""
    return [p4[a:b] for a, b in pairwise(offsets)]


def rotated(p4: Floats, angle: float) -> Floats:
    """Turned around the beam."""
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, sin, 0, 0], [-sin, cos, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    return np.asarray(p4 @ turn)


def fastjet_sequence(jet: Floats, algorithm: int) -> fastjet.ClusterSequence:
    """FastJet's own clustering of one jet; constituents know their place in it."""
    particles = []
    for i, momentum in enumerate(jet.tolist()):
        particle = fastjet.PseudoJet(*momentum)
        particle.set_user_index(i)
        particles.append(particle)
    return fastjet.ClusterSequence(particles, fastjet.JetDefinition(algorithm, ANY_RADIUS))


def momentum_of(jet: fastjet.PseudoJet) -> list[float]:
    """px, py, pz, E."""
    return [jet.px(), jet.py(), jet.pz(), jet.e()]
