"""Candidates of jets against loops over lists."""

from itertools import pairwise

import awkward as ak
import numpy as np
import pytest

from sonicmini.modules.jets.constituents import (
    Constituents,
    composition,
    constituents_of,
    jet_charge,
    packed_links,
)

# Two events with three and one jets, and an empty one between.
LINKS = ak.Array(
    [
        [
            {"jetIdx": jet, "candIdx": candidate}
            for jet, candidate in ((0, 1), (0, 4), (1, 0), (2, 2), (2, 3), (2, 5))
        ],
        [],
        [{"jetIdx": 0, "candIdx": 1}],
    ]
)
JET_OFFSETS, OFFSETS = np.array([0, 3, 3, 4]), np.array([0, 6, 6, 8])


def members_of(constituents):
    first, candidate = (array.tolist() for array in constituents)
    return [candidate[a:b] for a, b in pairwise(first)]


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ([0, 1, 2, 3], [[1, 4], [0], [2, 3, 5], [7]]),
        ([2, 0, 3], [[2, 3, 5], [1, 4], [7]]),
        ([3], [[7]]),
        ([], []),
    ],
)
def test_candidates_follow_their_jets(kept, expected):
    found = constituents_of(LINKS, np.array(kept, dtype=np.int64), JET_OFFSETS, OFFSETS)
    assert members_of(found) == expected


def test_links_point_to_packed_candidates():
    order = [[3, 1, 0, 5, 2, 4], [], [1, 0]]
    packed = ak.Array([[{"pfCandIdx": i} for i in event] for event in order])
    kept = np.array([2, 0, 3])
    constituents = constituents_of(LINKS, kept, JET_OFFSETS, OFFSETS)
    links = packed_links(constituents, np.array([0, 2, 2, 3]), packed)
    pairs = [[(link["jetIdx"], link["pfCandIdx"]) for link in event] for event in links.to_list()]
    assert pairs == [[(0, 0), (0, 3), (0, 4), (1, 1), (1, 5)], [], [(0, 0)]]


def test_composition_is_that_of_plain_sums():
    rng = np.random.default_rng(3)
    pdg_id = rng.choice([211, 211, 11, 13, 130, 22, 22, 1, 2], 300)
    energy, weight = rng.exponential(5, 300), rng.choice([0.2, 1.0], 300)
    candidate = rng.permutation(300)[:200]
    first = np.array([0, 1, 50, 51, 200])
    found = composition(Constituents(first, candidate), energy, weight, pdg_id)
    for jet in range(4):
        members = candidate[first[jet] : first[jet + 1]]

        def part(*ids, members=members):
            chosen = [i for i in members if pdg_id[i] in ids]
            return sum(energy[i] for i in chosen) / sum(energy[i] for i in members)

        expected = {
            "chHEF": part(211),
            "neHEF": part(130, 1),
            "chEmEF": part(11),
            "neEmEF": part(22, 2),
            "muEF": part(13),
            "hfHEF": part(1),
            "hfEmEF": part(2),
            "nConstituents": len(members),
            "chMultiplicity": sum(pdg_id[i] in (211, 11, 13) for i in members),
            "neMultiplicity": sum(pdg_id[i] not in (211, 11, 13) for i in members),
            "nElectrons": sum(pdg_id[i] == 11 for i in members),
            "nMuons": sum(pdg_id[i] == 13 for i in members),
            "puppiMultiplicity": sum(weight[i] for i in members),
            "neutralPuppiMultiplicity": sum(
                weight[i] for i in members if pdg_id[i] not in (211, 11, 13)
            ),
        }
        assert {name: values[jet] for name, values in found.items()} == pytest.approx(
            expected, rel=1e-5, abs=1e-6
        )


def test_charge_is_the_mean_of_the_charged():
    constituents = Constituents(np.array([0, 3, 4, 4]), np.array([0, 1, 3, 2]))
    pt, charge = np.array([6.0, 2.0, 5.0, 50.0]), np.array([1.0, -1.0, 0.0, 0.0])
    assert jet_charge(constituents, pt, charge).tolist() == [0.5, 0.0, 0.0]
