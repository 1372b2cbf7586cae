"""Ways to say a quantity in a line."""

from collections.abc import Callable, Iterator
from typing import Any

import awkward as ak
import numpy as np

from sonicmini.validation.quantity import Distribution, Quotient

_TRACKER_ETA = 2.4
_PROMPT = 1
"""Bit 0 of GenPart_statusFlags: isPrompt."""


def linear(low: float, high: float, bins: int) -> tuple[float, ...]:
    """Edges at equal distances."""
    return tuple(float(edge) for edge in np.linspace(low, high, bins + 1))


def logarithmic(low: float, high: float, bins: int) -> tuple[float, ...]:
    """Edges at equal ratios."""
    return tuple(float(edge) for edge in np.geomspace(low, high, bins + 1))


def plain(branch: str, title: str, edges: tuple[float, ...]) -> Distribution:
    """All values of a branch."""
    return Distribution(branch, title, edges, (branch,), lambda values: values)


def above(branch: str, pt_min: float, title: str, edges: tuple[float, ...]) -> Distribution:
    """Values of objects whose pt is above a minimum (GeV)."""
    return Distribution(
        branch,
        f"{title}, pT > {pt_min:g} GeV",
        edges,
        (branch, f"{branch.partition('_')[0]}_pt"),
        lambda values, pt: values[pt > pt_min],
    )


def number(collection: str, pt_min: float, edges: tuple[float, ...]) -> Distribution:
    """How many objects of an event have a pt above a minimum (GeV)."""
    return Distribution(
        f"{collection}_number",
        f"number of {collection} with pT > {pt_min:g} GeV",
        edges,
        (f"{collection}_pt",),
        lambda pt: ak.sum(pt > pt_min, axis=1),
    )


def kinematics(collection: str, pt_min: float, pt_max: float) -> Iterator[Distribution]:
    """Number, pt, eta, and mass where there is one to speak of."""
    yield number(collection, pt_min, linear(-0.5, 14.5, 15))
    yield plain(f"{collection}_pt", f"{collection} pT (GeV)", logarithmic(pt_min, pt_max, 16))
    yield above(f"{collection}_eta", pt_min, f"{collection} eta", linear(-5.0, 5.0, 20))


def found(collection: str, pdg_id: int) -> Quotient:
    """The share of prompt generated leptons or photons that an object points back to."""

    def parts(pt: Any, eta: Any, ids: Any, *rest: Any) -> tuple[ak.Array, ak.Array]:  # noqa: ANN401
        status, flags, match = rest
        wanted = (abs(ids) == pdg_id) & (status == 1) & (flags & _PROMPT != 0)
        wanted = wanted & (pt > 20) & (abs(eta) < 2.4)
        return wanted & pointed_at(match, pt), wanted

    names = ("pt", "eta", "pdgId", "status", "statusFlags")
    branches = (*(f"GenPart_{name}" for name in names), f"{collection}_genPartIdx")
    title = f"prompt generated ones (pT > 20 GeV, |eta| < 2.4) found as {collection}"
    return Quotient(f"{collection}_efficiency", title, branches, parts)


def selected(branch: str, threshold: float, truth: str, value: int, pt_min: float) -> Quotient:
    """The share of the objects of a kind, by their truth, that a discriminator selects."""
    collection = branch.partition("_")[0]
    names = (branch, *(f"{collection}_{name}" for name in (truth, "pt", "eta")))

    def parts(found_values: Any, kind: Any, pt: Any, eta: Any) -> tuple[ak.Array, ak.Array]:  # noqa: ANN401
        wanted = (kind == value) & (pt > pt_min) & (abs(eta) < _TRACKER_ETA)
        return wanted & (found_values >= threshold), wanted

    title = f"{truth} {value} with {branch} >= {threshold:g}, pT > {pt_min:g} GeV, |eta| < 2.4"
    return Quotient(f"{branch}_{truth}{value}", title, names, parts)


def pointed_at(index: ak.Array, targets: ak.Array) -> ak.Array:
    """Which of the targets an index points at."""
    places = ak.local_index(targets)
    return ak.any(places[:, :, np.newaxis] == index[:, np.newaxis, :], axis=2)


def mean(name: str, title: str, branches: tuple[str, ...], values: Callable[..., Any]) -> Quotient:
    """The mean over objects of values."""

    def parts(*arrays: Any) -> tuple[ak.Array, ak.Array]:  # noqa: ANN401 - awkward has no types
        found_values = values(*arrays)
        return found_values, ak.ones_like(found_values)

    return Quotient(name, title, branches, parts)


def response(collection: str, gen: str, low: float, high: float) -> Quotient:
    """Mean ratio of reconstructed and generated pT of matched jets."""

    def values(pt: Any, index: Any, gen_pt: Any) -> ak.Array:  # noqa: ANN401
        matched = index >= 0
        expected = gen_pt[index[matched]]
        used = (expected > low) & (expected < high)
        return (pt[matched] / expected)[used]

    index = f"{collection}_{gen[0].lower()}{gen[1:]}Idx"
    title = f"mean pT over that of the generated jet, {low:g} to {high:g} GeV"
    branches = (f"{collection}_pt", index, f"{gen}_pt")
    return mean(f"{collection}_response{low:g}", title, branches, values)


def resolution(met: str) -> Quotient:
    """Mean square of the distance of a missing momentum from the generated one (GeV2)."""

    def values(pt: Any, phi: Any, gen_pt: Any, gen_phi: Any) -> ak.Array:  # noqa: ANN401
        x = pt * np.cos(phi) - gen_pt * np.cos(gen_phi)
        y = pt * np.sin(phi) - gen_pt * np.sin(gen_phi)
        return (x**2 + y**2) / 2

    title = "mean square of a component less the generated one (GeV2)"
    branches = (f"{met}_pt", f"{met}_phi", "GenMET_pt", "GenMET_phi")
    return mean(f"{met}_meanSquare", title, branches, values)
