"""The candidates of jets as flat columns, and what sums over them tell of a jet."""

from typing import NamedTuple

import awkward as ak
import numpy as np

from sonicmini.modules.columns import (
    Columns,
    Floats,
    Ints,
    events_of,
    flat,
    jagged,
    kernel,
    offsets_from,
    offsets_of,
)

_KINDS = (211, 11, 13, 130, 22, 1, 2)
_CHARGED = 3  # the first of them


class Constituents(NamedTuple):
    """Candidates of some jets, one jet after the other.

    Attributes:
        first: where those of each jet start, shape ``(jets + 1,)``.
        candidate: their position among the candidates of all events.
    """

    first: Ints
    candidate: Ints


def constituents_of(links: ak.Array, kept: Ints, jet_offsets: Ints, offsets: Ints) -> Constituents:
    """The candidates of the jets that are kept, in their order.

    Args:
        links: pairs ``jetIdx`` and ``candIdx`` by jet, both within the event.
        kept: positions of jets among those of all events.
        jet_offsets: of the events in these.
        offsets: of the events in the candidates.
    """
    event = events_of(offsets_of(links))
    jet = flat(links, "jetIdx", np.int64) + jet_offsets[event]
    candidate = flat(links, "candIdx", np.int64) + offsets[event]
    counts = np.bincount(jet, minlength=jet_offsets[-1])
    first = offsets_from(counts[kept])
    shift = np.repeat(offsets_from(counts)[kept] - first[:-1], counts[kept])
    return Constituents(first, candidate[np.arange(first[-1]) + shift])


def composition(
    constituents: Constituents, energy: Floats, weight: Floats, pdg_id: Ints
) -> Columns:
    """NanoAOD's energy fractions and numbers of constituents (CMSSW: ``JetSpecific``).

    Args:
        constituents: of the jets.
        energy: of all candidates (GeV), times their weight.
        weight: of all candidates.
        pdg_id: absolute identities of all candidates.

    Returns:
        Fractions of the uncorrected energy, numbers, and ``puppiMultiplicity`` and
        ``neutralPuppiMultiplicity``, the sums of weights that PUPPI jets are identified with.
    """
    of_id = np.zeros(max(_KINDS) + 1, dtype=np.int64)
    of_id[list(_KINDS)] = np.arange(len(_KINDS))
    sums = _sums(constituents, energy, weight, of_id[pdg_id])
    total = sums[0].sum(axis=1)
    ch, e, mu, nh, gamma, hf_had, hf_em = (sums[0] / total[:, np.newaxis]).T
    n, weighted = sums[1], sums[2]
    fractions = {
        "chHEF": ch,
        "neHEF": nh + hf_had,
        "chEmEF": e,
        "neEmEF": gamma + hf_em,
        "muEF": mu,
        "hfHEF": hf_had,
        "hfEmEF": hf_em,
    }
    return {
        **{name: values.astype(np.float32) for name, values in fractions.items()},
        "nConstituents": n.sum(axis=1).astype(np.int16),
        "chMultiplicity": n[:, :_CHARGED].sum(axis=1).astype(np.int16),
        "neMultiplicity": n[:, _CHARGED:].sum(axis=1).astype(np.int16),
        "nElectrons": n[:, 1].astype(np.uint8),
        "nMuons": n[:, 2].astype(np.uint8),
        "puppiMultiplicity": weighted.sum(axis=1).astype(np.float32),
        "neutralPuppiMultiplicity": weighted[:, _CHARGED:].sum(axis=1).astype(np.float32),
    }


@kernel
def _sums(constituents: Constituents, energy: Floats, weight: Floats, kind: Ints) -> Floats:
    """Energy, number and weight of each kind in each jet, shape ``(3, jets, 7)``."""
    sums = np.zeros((3, len(constituents.first) - 1, 7))
    for jet in range(sums.shape[1]):
        for place in range(constituents.first[jet], constituents.first[jet + 1]):
            i = constituents.candidate[place]
            sums[0, jet, kind[i]] += energy[i]
            sums[1, jet, kind[i]] += 1
            sums[2, jet, kind[i]] += weight[i]
    return sums


def jet_charge(constituents: Constituents, pt: Floats, charge: Floats) -> Floats:
    """The mean charge of the charged constituents, by pT; 0 without any (``JetCharge``).

    Args:
        constituents: of the jets.
        pt: of all candidates.
        charge: of all candidates.
    """
    jet = events_of(constituents.first)
    weight = np.where(charge != 0, pt, 0.0)[constituents.candidate]
    n = len(constituents.first) - 1
    signed = np.bincount(jet, weight * charge[constituents.candidate], minlength=n)
    total = np.bincount(jet, weight, minlength=n)
    return np.divide(signed, total, out=np.zeros(n), where=total > 0)


def packed_links(constituents: Constituents, jet_offsets: Ints, packed: ak.Array) -> ak.Array:
    """Pairs of jet and packed candidate, both within the event, by jet and candidate.

    Args:
        constituents: of the jets.
        jet_offsets: of the events in the jets.
        packed: the packed candidates.
    """
    offsets = offsets_of(packed)
    first = offsets[events_of(offsets)]
    place = np.empty(offsets[-1], dtype=np.int64)
    place[first + flat(packed, "pfCandIdx", np.int64)] = np.arange(offsets[-1]) - first
    jet = events_of(constituents.first)
    key = np.sort(jet * 2**16 + place[constituents.candidate])
    event = events_of(jet_offsets)[jet]
    columns = {
        "jetIdx": (jet - jet_offsets[event]).astype(np.int16),
        "pfCandIdx": (key & (2**16 - 1)).astype(np.int16),
    }
    counts = np.bincount(event, minlength=len(jet_offsets) - 1)
    return jagged(offsets_from(counts), columns)
