"""Which generated object is nearest to a reconstructed one (CMSSW: ``PhysObjectMatcher``)."""

from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Bools, Floats, Ints, kernel


class Directions(NamedTuple):
    """Where objects of all events fly; pseudorapidity, azimuth, offsets of the events."""

    eta: Floats
    phi: Floats
    offsets: Ints


class Objects(NamedTuple):
    """Directions and transverse momenta (GeV) of objects of all events."""

    eta: Floats
    phi: Floats
    offsets: Ints
    pt: Floats


@kernel
def _distance2(eta: float, phi: float, other_eta: float, other_phi: float) -> float:
    d_phi = abs(phi - other_phi) % (2 * np.pi)
    d_phi = min(d_phi, 2 * np.pi - d_phi)
    return float((eta - other_eta) ** 2 + d_phi**2)


@kernel
def match_in_order(objects: Directions, targets: Directions, max_dr: float) -> Ints:
    """Gives each object in turn the nearest target that is left (``resolveByMatchQuality`` off).

    Args:
        objects: in the order in which they choose.
        targets: what they choose from; each is chosen once.
        max_dr: largest distance in pseudorapidity and azimuth, not included.

    Returns:
        The target of each object within the event, -1 for none.
    """
    result = np.full(len(objects.eta), -1)
    taken = np.zeros(len(targets.eta), dtype=np.bool_)
    for event in range(len(objects.offsets) - 1):
        first = targets.offsets[event]
        for i in range(objects.offsets[event], objects.offsets[event + 1]):
            least = max_dr**2
            for j in range(first, targets.offsets[event + 1]):
                distance2 = _distance2(
                    objects.eta[i], objects.phi[i], targets.eta[j], targets.phi[j]
                )
                if distance2 < least and not taken[j]:
                    least, result[i] = distance2, j - first
            if result[i] >= 0:
                taken[first + result[i]] = True
    return result


@kernel
def match_nearest_first(
    objects: Objects, targets: Objects, wanted: Bools, max_dr: float, max_dpt: float
) -> Ints:
    """Joins the nearest pair of all, then the nearest of the others (``resolveByMatchQuality`` on).

    Args:
        objects: reconstructed.
        targets: generated.
        wanted: targets that may be chosen.
        max_dr: largest distance in pseudorapidity and azimuth, not included.
        max_dpt: largest difference of pT over that of the target, not included.

    Returns:
        The target of each object within the event, -1 for none.
    """
    result = np.full(len(objects.eta), -1)
    taken = ~wanted
    for event in range(len(objects.offsets) - 1):
        first, last = objects.offsets[event], objects.offsets[event + 1]
        for _ in range(first, last):
            least, best, target = max_dr**2, -1, -1
            for j in range(targets.offsets[event], targets.offsets[event + 1]):
                if taken[j]:
                    continue
                for i in range(first, last):
                    if result[i] >= 0:
                        continue
                    distance2 = _distance2(
                        objects.eta[i], objects.phi[i], targets.eta[j], targets.phi[j]
                    )
                    difference = abs(objects.pt[i] - targets.pt[j])
                    if distance2 < least and difference < max_dpt * targets.pt[j]:
                        least, best, target = distance2, i, j
            if best < 0:
                break
            result[best] = target - targets.offsets[event]
            taken[target] = True
    return result
