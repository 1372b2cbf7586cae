"""What is kept of each jet beside its features: classes, true mass, what baselines need."""

from typing import Any, Final, TypeAlias

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from sonicmini.event import Products
from sonicmini.modules.columns import Floats, Ints, events_of, flat, momenta, offsets_of
from training.particlenet.labels import (
    AK8,
    AK8_MD,
    NONE,
    Labels,
    ak4_labels,
    qcd_labels,
    resonance_labels,
)

Columns: TypeAlias = dict[str, NDArray[Any]]

LARGE_PRODUCTS: Final = (
    *("FatJet", "FatJetGenMatch", "FatJetSubstructure"),
    *("GenPart", "GenJetAK8", "SubGenJetAK8"),
)
"""What :func:`large_truth` reads."""

SUBSTRUCTURE: Final = ("tau1", "tau2", "tau3", "tau4", "msoftdrop", "n2b1")
"""Columns of FatJetSubstructure that are kept."""

LEAST_MASS: Final = 1.0
"""GeV; jets without a true mass above it are no use for the regression."""

_MIXED_MASSES: Final = "graviton_xx"


def small_truth(matches: ak.Array) -> Columns:
    """Columns of AK4 jets.

    Args:
        matches: ``JetCHSGenMatch`` or ``JetGenMatch``.
    """
    labels = ak4_labels(matches)
    return {"label": labels, "target": np.zeros(len(labels), np.float32)}


def large_truth(inputs: Products, process: str) -> Columns:
    """Columns of AK8 jets: the classes of each network, the true mass, substructure.

    QCD classes are those of jets in QCD events. Resonances of other events count, in events of
    mixed masses as X only. The true mass is that of the resonance, of QCD jets the one of the
    generated jet after soft drop.

    Args:
        inputs: :data:`LARGE_PRODUCTS`.
        process: of the events.
    """
    if process.startswith("qcd"):
        label = qcd_labels(inputs["FatJetGenMatch"])
        label_md, target = _without_resonances(label), _groomed_mass(inputs)
        target[label == NONE] = 0
    else:
        found = resonance_labels(inputs["FatJet"], inputs["GenPart"])
        label, target = found.label, found.mass
        label_md = np.full(len(label), NONE, np.int16)
        if process.startswith(_MIXED_MASSES):
            label_md, label = _mixed(found.flavour), label_md
    return {
        "label": label,
        "label_md": label_md,
        "label_mass": np.where(target > LEAST_MASS, 0, NONE).astype(np.int16),
        "target": target.astype(np.float32),
        **{name: flat(inputs["FatJetSubstructure"], name, np.float32) for name in SUBSTRUCTURE},
    }


def _mixed(flavour: Ints) -> Labels:
    """Classes of X by the flavour of its quarks."""
    names = {5: "Xbb", 4: "Xcc", 1: "Xqq"}
    places = [AK8_MD.index(name) for name in names.values()]
    return np.select([flavour == code for code in names], places, NONE).astype(np.int16)


def _without_resonances(label: Labels) -> Labels:
    """Places of QCD classes among those of the network that must not know the mass."""
    table = np.array([AK8_MD.index(n) if n in AK8_MD else NONE for n in AK8] + [NONE], np.int16)
    return table[label]


def _groomed_mass(inputs: Products) -> Floats:
    """Mass of the generated jet of each large jet after soft drop, 0 for none."""
    subjets, generated = inputs["SubGenJetAK8"], inputs["GenJetAK8"]
    first = offsets_of(generated)
    place = flat(subjets, "genJetAK8Idx", np.int64) + first[events_of(offsets_of(subjets))]
    p4 = np.zeros((first[-1], 4))
    np.add.at(p4, place, momenta(subjets))
    mass2 = p4[:, 3] ** 2 - (p4[:, :3] ** 2).sum(axis=1)
    masses = np.append(np.sqrt(np.maximum(mass2, 0)), 0.0)
    matches = inputs["FatJetGenMatch"]
    index = flat(matches, "genJetAK8Idx", np.int64)
    return masses[np.where(index < 0, -1, index + first[events_of(offsets_of(matches))])]
