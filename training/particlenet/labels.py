"""What a jet is, by generated particles: classes of ParticleNet, and the true mass."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from sonicmini.modules.columns import Bools, Floats, Ints, events_of, flat, offsets_of
from training.particlenet.decays import HIGGS, TOP, Decays, W, Z, decays_of

Labels = NDArray[np.int16]

AK4: Final = ("b", "bb", "c", "cc", "uds", "g", "undef", "pu")
"""Classes of small jets."""

RESONANT: Final = (
    *("Tbcq", "Tbqq", "Tbc", "Tbq", "Tbel", "Tbmu", "Tbta", "Wcq", "Wqq"),
    *("Zbb", "Zcc", "Zqq", "Hbb", "Hcc", "Hqqqq"),
)
QCD: Final = ("QCDbb", "QCDcc", "QCDb", "QCDc", "QCDothers")
AK8: Final = (*RESONANT, *QCD)
"""Classes of large jets."""

AK8_MD: Final = ("Xbb", "Xcc", "Xqq", *QCD)
"""Classes of large jets of which the mass must not tell."""

WHOLE: Final = tuple(name for name in RESONANT if name[0] != "T" or name in ("Tbcq", "Tbqq"))
"""Classes whose jets have the resonance's whole mass."""

NONE: Final = -1
"""Label of jets that are left out."""

RADIUS: Final = 0.8
"""A quark or charged lepton is inside a large jet if it is nearer than this in eta and phi."""


class Matched(NamedTuple):
    """Large jets and the decays in them.

    Attributes:
        label: place in :data:`AK8`, that of a resonance; -1 for none, or only a part of one.
        flavour: 5, 4 or 1 of the two quarks of a Higgs boson, or X, wholly inside; else 0.
        mass: generated mass (GeV) of a resonance that is wholly inside, else 0.
    """

    label: Labels
    flavour: Ints
    mass: Floats


def ak4_labels(matches: ak.Array) -> Labels:
    """Classes of small jets, places in :data:`AK4`.

    Heavy hadrons come first: ``bb`` has two or more b hadrons, ``b`` one, ``cc`` and ``c`` the same
    without b. Of the others those without a generated jet are ``pu``, the rest go by the flavour of
    the parton; ``undef`` has none, or a heavy one without its hadron.

    Args:
        matches: ``JetCHSGenMatch`` or ``JetGenMatch``.
    """
    n_b, n_c = (flat(matches, name, np.int64) for name in ("nBHadrons", "nCHadrons"))
    parton = np.abs(flat(matches, "partonFlavour", np.int64))
    rules = {
        "bb": n_b > 1,
        "b": n_b == 1,
        "cc": n_c > 1,
        "c": n_c == 1,
        "pu": flat(matches, "genJetIdx", np.int64) < 0,
        "uds": (parton >= 1) & (parton <= 3),
        "g": parton == 21,
    }
    return _selected(rules, AK4, "undef")


def qcd_labels(matches: ak.Array) -> Labels:
    """Classes of large jets of light partons, places in :data:`AK8`; -1 without a generated jet.

    Args:
        matches: ``FatJetGenMatch``.
    """
    n_b, n_c = (flat(matches, name, np.int64) for name in ("nBHadrons", "nCHadrons"))
    rules = {"QCDbb": n_b > 1, "QCDb": n_b == 1, "QCDcc": n_c > 1, "QCDc": n_c == 1}
    labels = _selected(rules, AK8, "QCDothers")
    labels[flat(matches, "genJetAK8Idx", np.int64) < 0] = NONE
    return labels


def resonance_labels(jets: ak.Array, particles: ak.Array) -> Matched:
    """Classes of large jets that contain a resonance.

    A top is ``Tbcq`` or ``Tbqq`` with all three quarks inside, ``Tbc`` or ``Tbq`` with the b and
    one other, ``Tbel``, ``Tbmu``, ``Tbta`` with the b and the charged lepton; without the b and
    with the two others it is a W. W, Z and Higgs bosons have both quarks inside, ``Hqqqq`` all
    four. Jets with another part of a resonance, or parts of two, are left out.

    Args:
        jets: ``FatJet``.
        particles: ``GenPart``.
    """
    decays = decays_of(particles)
    jet, decay = _pairs(offsets_of(jets), decays.offsets)
    inside = _inside((flat(jets, "eta")[jet], flat(jets, "phi")[jet]), decays, decay)
    label = pair_labels(decays.kind[decay], decays.fermions[decay], inside)
    touched = inside.any(axis=1)
    count = len(flat(jets, "eta"))
    alone = np.bincount(jet[touched], minlength=count)[jet] == 1
    chosen = touched & alone
    jet, decay, label = jet[chosen], decay[chosen], label[chosen]
    result = np.full(count, NONE, np.int16)
    result[jet] = label
    flavour, mass = np.zeros(count, np.int64), np.zeros(count)
    flavour[jet] = _pair_flavour(decays, decay) * inside[chosen, :2].all(axis=1)
    whole = np.isin(label, [AK8.index(name) for name in WHOLE]) | (flavour[jet] > 0)
    is_w_of_top = (decays.kind[decay] == TOP) & np.isin(label, _places("Wcq", "Wqq"))
    masses = np.where(is_w_of_top, decays.boson_mass[decay], decays.mass[decay])
    mass[jet] = np.where(whole, masses, 0)
    return Matched(result, flavour, mass)


def pair_labels(kind: Ints, fermions: Ints, inside: Bools) -> Labels:
    """Classes of pairs of a large jet and a decay, -1 for none.

    Args:
        kind: of the resonances.
        fermions: of the decays, shape ``(pairs, 4)``.
        inside: which of them are inside the jet.
    """
    two = (fermions[:, :2] <= 5).all(axis=1) & (fermions[:, 1] > 0) & (fermions[:, 2] == 0)
    two &= inside[:, :2].all(axis=1)
    four = (fermions > 0).all(axis=1) & (fermions <= 5).all(axis=1) & inside.all(axis=1)
    flavour = fermions[:, 0]
    charm = (fermions[:, :2] == 4).any(axis=1)
    top = _top_rules(kind == TOP, fermions, inside)
    rules = {
        **top,
        "Hqqqq": (kind == HIGGS) & four,
        "Wcq": top["Wcq"] | (kind == W) & two & charm,
        "Wqq": top["Wqq"] | (kind == W) & two & ~charm,
        "Zbb": (kind == Z) & two & (flavour == 5),
        "Zcc": (kind == Z) & two & (flavour == 4),
        "Zqq": (kind == Z) & two,
        "Hbb": (kind == HIGGS) & two & (flavour == 5),
        "Hcc": (kind == HIGGS) & two & (flavour == 4),
    }
    return _selected(rules, AK8, None)


def _top_rules(is_top: Bools, fermions: Ints, inside: Bools) -> dict[str, Bools]:
    with_b, others = is_top & inside[:, 0], fermions[:, 1:3]
    others_in = np.where(inside[:, 1:3], others, 0)
    number = np.count_nonzero((others_in > 0) & (others_in <= 5), axis=1)
    charm_in = (others_in == 4).any(axis=1)
    leptons = {"Tbel": 11, "Tbmu": 13, "Tbta": 15}
    return {
        "Tbcq": with_b & (number == 2) & charm_in,
        "Tbqq": with_b & (number == 2),
        "Tbc": with_b & (number == 1) & charm_in,
        "Tbq": with_b & (number == 1),
        **{name: with_b & (others_in == code).any(axis=1) for name, code in leptons.items()},
        "Wcq": is_top & ~inside[:, 0] & (number == 2) & charm_in,
        "Wqq": is_top & ~inside[:, 0] & (number == 2) & ~charm_in,
    }


def _pair_flavour(decays: Decays, decay: Ints) -> Ints:
    """5, 4 or 1 of Higgs bosons that decay to two quarks, else 0."""
    first, third = decays.fermions[decay, 0], decays.fermions[decay, 2]
    is_pair = (decays.kind[decay] == HIGGS) & (third == 0) & (first >= 1) & (first <= 5)
    return np.asarray(np.where(is_pair, np.where(first >= 4, first, 1), 0))


def _inside(jets: tuple[Floats, Floats], decays: Decays, decay: Ints) -> Bools:
    """Which visible fermions of decays are inside jets, shape ``(pairs, 4)``."""
    eta, phi = jets
    d_eta = decays.eta[decay] - eta[:, np.newaxis]
    d_phi = np.remainder(decays.phi[decay] - phi[:, np.newaxis] + np.pi, 2 * np.pi) - np.pi
    fermions = decays.fermions[decay]
    visible = (fermions > 0) & ~np.isin(fermions, (12, 14, 16))
    return np.asarray(visible & (np.hypot(d_eta, d_phi) < RADIUS))


def _pairs(first: Ints, second: Ints) -> tuple[Ints, Ints]:
    """All pairs of an object of one collection and one of another of the same event."""
    event = events_of(first)
    counts = np.diff(second)[event]
    left = np.repeat(np.arange(len(event)), counts)
    starts = np.cumsum(counts) - counts
    return left, np.arange(len(left)) - starts[left] + second[event[left]]


def _selected(rules: dict[str, Bools], classes: Sequence[str], default: str | None) -> Labels:
    """The first class whose rule holds."""
    places = [classes.index(name) for name in rules]
    rest = NONE if default is None else classes.index(default)
    return np.select(list(rules.values()), places, rest).astype(np.int16)


def _places(*names: str) -> list[int]:
    return [AK8.index(name) for name in names]
