"""Substructure beside the large jets of the output, and their subjets as it stores them.

CMSSW: ``JetSubstructurePacker`` and ``BoostedJetMerger`` of ``PhysicsTools/PatAlgos``.
"""

from dataclasses import dataclass

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.clustering import polar
from sonicmini.modules.columns import (
    Columns,
    Floats,
    Ints,
    events_of,
    flat,
    jagged,
    momenta,
    offsets_from,
    offsets_of,
)
from sonicmini.modules.jets.substructure import COLUMNS

_INDICES = ("subJetIdx1", "subJetIdx2")


@dataclass(frozen=True, kw_only=True)
class SlimmedFatJetSubstructure(Producer):
    """Puts the substructure of raw AK8 jets beside those that are kept, with corrected subjets."""

    consumes = (
        "FatJet",
        "AK8PuppiJetSubstructure",
        "AK8PuppiSubJet",
        "AK8PuppiSubJetCorrection",
    )
    produces = ("FatJetSubstructure", "SubJet")

    def produce(self, inputs: Products) -> Products:
        """Returns columns parallel to FatJet, and the subjets of kept jets in their order.

        ``subJetIdx1`` and ``subJetIdx2`` are places in SubJet, -1 for none; ``fatJetIdx`` of a
        subjet is its place in FatJet. ``msoftdrop`` is the mass of the corrected subjets, as in
        NanoAOD.
        """
        jets, rows = inputs["FatJet"], inputs["AK8PuppiJetSubstructure"]
        offsets = offsets_of(jets)
        event = events_of(offsets)
        row = offsets_of(rows)[event] + flat(jets, "rawJetIdx", np.int64)
        columns: Columns = {name: flat(rows, name)[row] for name in COLUMNS}
        old = np.stack([flat(rows, name, np.int64)[row] for name in _INDICES], axis=1)
        subjets = _corrected(inputs["AK8PuppiSubJet"], inputs["AK8PuppiSubJetCorrection"])
        first = offsets_of(subjets)[event, np.newaxis]
        pairs = np.all(old >= 0, axis=1)
        columns["msoftdrop"][pairs] = _masses(subjets, (first + old)[pairs])
        columns |= dict(zip(_INDICES, _new_indices(old, event).T, strict=True))
        return {
            "FatJetSubstructure": jagged(offsets, columns),
            "SubJet": _kept(subjets, old, offsets),
        }


def _corrected(subjets: ak.Array, correction: ak.Array) -> ak.Array:
    factor = flat(correction, "factor")
    columns: Columns = {name: flat(subjets, name, None) for name in subjets.fields}
    columns |= {name: columns[name] * factor for name in ("pt", "mass")}
    columns["rawFactor"] = 1.0 - 1.0 / factor
    return jagged(offsets_of(subjets), columns)


def _masses(subjets: ak.Array, pairs: Ints) -> Floats:
    """The masses of pairs of subjets, given by their places among those of all events."""
    total = momenta(subjets)[pairs].sum(axis=1)
    return polar(total, np.float64)["mass"]


def _new_indices(old: Ints, event: Ints) -> Ints:
    """Counts the subjets of each event anew, in the order of the kept jets.

    Args:
        old: indices of the two subjets of each kept jet, -1 for none, shape ``(jets, 2)``.
        event: of each kept jet, ascending.
    """
    exists = old >= 0
    before = np.concatenate([[0], np.cumsum(exists)])
    first = before[2 * np.searchsorted(event, event)]
    places = before[:-1].reshape(old.shape) - first[:, np.newaxis]
    return np.where(exists, places, -1)


def _kept(subjets: ak.Array, old: Ints, offsets: Ints) -> ak.Array:
    """The subjets of the kept jets, with ``fatJetIdx`` in stead of ``jetIdx``.

    Args:
        subjets: of all raw jets.
        old: their indices for each kept jet, -1 for none, shape ``(jets, 2)``.
        offsets: of the events in the kept jets.
    """
    jet, number = np.nonzero(old >= 0)
    event = events_of(offsets)[jet]
    index = offsets_of(subjets)[event] + old[jet, number]
    columns = {
        name: flat(subjets, name, None)[index] for name in subjets.fields if name != "jetIdx"
    }
    columns["fatJetIdx"] = (jet - offsets[event]).astype(np.int16)
    return jagged(offsets_from(np.bincount(event, minlength=len(offsets) - 1)), columns)
