"""Generated particles by hand, and a slow reading of the classes of large jets."""

import math
from typing import Any

import awkward as ak
import numpy as np

LAST = 1 << 13
INSIDE = 0.8

Particle = tuple[int, int, float, float]
"""PDG code, mother's place, pseudorapidity, azimuth."""


def particles(*events: list[Particle]) -> ak.Array:
    """``GenPart`` of events; a particle without a daughter of its own kind is the last copy."""
    return ak.Array(
        [
            [
                {
                    "pdgId": code,
                    "genPartIdxMother": mother,
                    "eta": eta,
                    "phi": phi,
                    "pt": 100.0,
                    "mass": 80.0 + place,
                    "status": 23,
                    "statusFlags": 0
                    if any(m == place and c == code for c, m, _, _ in event)
                    else LAST,
                }
                for place, (code, mother, eta, phi) in enumerate(event)
            ]
            for event in events
        ]
    )


def jets(*events: list[tuple[float, float]]) -> ak.Array:
    """``FatJet`` of events, from pseudorapidity and azimuth."""
    shape = ak.Array(
        [[{"eta": eta, "phi": phi, "pt": 300.0} for eta, phi in event] for event in events]
    )
    return shape if len(ak.flatten(shape)) else ak.values_astype(_no_jets(len(events)), np.float32)


def _no_jets(events: int) -> ak.Array:
    one = ak.Array([[{"eta": 0.0, "phi": 0.0, "pt": 0.0}]] * events)
    return one[:, :0]


def slow_class(jet: Any, event: Any) -> str:
    """The class of a jet by reading the event like a diagram; empty for none.

    ``event`` is a list of dictionaries as :func:`particles` makes them.
    """
    found = []
    for place, particle in enumerate(event):
        code = abs(particle["pdgId"])
        if code in (6, 23, 24, 25) and particle["statusFlags"] & LAST and _is_first(event, place):
            name, touched = _of_decay(jet, event, place)
            if touched:
                found.append(name)
    return found[0] if len(found) == 1 else ""


def _is_first(event: Any, place: int) -> bool:
    """Not from a top or Higgs boson."""
    code = event[place]["pdgId"]
    while (place := event[place]["genPartIdxMother"]) >= 0 and event[place]["pdgId"] == code:
        pass
    return place < 0 or abs(event[place]["pdgId"]) not in (6, 25)


def _of_decay(jet: Any, event: Any, place: int) -> tuple[str, bool]:
    code = abs(event[place]["pdgId"])
    inside: list[tuple[int, bool]] = []
    outside: list[tuple[int, bool]] = []
    for fermion in _fermions(event, place):
        kind = abs(event[fermion]["pdgId"])
        if kind not in (12, 14, 16):
            near = _distance(jet, event[fermion]) < INSIDE
            (inside if near else outside).append(
                (kind, event[fermion]["genPartIdxMother"] == place)
            )
    return _name(code, inside, outside), bool(inside)


def _fermions(event: Any, place: int) -> list[int]:
    found = []
    for number, particle in enumerate(event):
        if particle["genPartIdxMother"] != place:
            continue
        code = abs(particle["pdgId"])
        if code in (1, 2, 3, 4, 5, 11, 12, 13, 14, 15, 16):
            found.append(number)
        elif code in (23, 24):
            found += _fermions(event, _last(event, number))
    return found


def _last(event: Any, place: int) -> int:
    for number, particle in enumerate(event):
        if particle["genPartIdxMother"] == place and particle["pdgId"] == event[place]["pdgId"]:
            return _last(event, number)
    return place


def _name(code: int, inside: Any, outside: Any) -> str:
    kinds = sorted(kind for kind, _ in inside)
    if code == 6:
        return _top(inside)
    if outside or any(kind > 5 for kind in kinds):
        return ""
    if code == 24:
        return "Wcq" if 4 in kinds else "Wqq"
    if len(kinds) == 4:
        return "Hqqqq"
    suffix = {5: "bb", 4: "cc"}.get(kinds[0], "qq")
    letter = "Z" if code == 23 else "H"
    return "" if letter + suffix == "Hqq" else letter + suffix


def _top(inside: Any) -> str:
    has_b = any(direct for _, direct in inside)
    others = sorted(kind for kind, direct in inside if not direct)
    leptons = {11: "el", 13: "mu", 15: "ta"}
    if others and others[-1] in leptons:
        return f"Tb{leptons[others[-1]]}" if has_b else ""
    charm = "c" if 4 in others else "q"
    if len(others) == 2:
        return f"Tb{charm}q" if has_b else f"W{charm}q"
    return f"Tb{charm}" if has_b and len(others) == 1 else ""


def _distance(jet: Any, particle: Any) -> float:
    d_phi = abs(jet["phi"] - particle["phi"]) % (2 * math.pi)
    return math.hypot(jet["eta"] - particle["eta"], min(d_phi, 2 * math.pi - d_phi))
