"""Seeds and candidates as flat columns, object by object."""

import awkward as ak
import numpy as np
import pytest

from sonicmini.modules.jets.raw import AK4CHSJets
from sonicmini.modules.taus.inputs import (
    by_falling_pt,
    candidate_columns,
    delta_phi,
    delta_r,
    seed_columns,
)
from sonicmini.modules.vertexing.primary import PrimaryVertexAssociation, PrimaryVertexSorting
from tests.toys import toy_products


def made():
    sizes = (300, 0, 200, 1)
    products = toy_products(len(sizes), 4, candidates=sizes, vertices=(4, 1, 3, 1))
    for module in (PrimaryVertexSorting(), PrimaryVertexAssociation(), AK4CHSJets()):
        products |= module.produce({name: products[name] for name in module.consumes})
    return products


def test_candidates_have_the_columns_of_their_track():
    products = made()
    columns = candidate_columns(products["PFCand"], products["Track"])
    tracks, i = products["Track"].to_list(), 0
    for event, candidates in enumerate(products["PFCand"].to_list()):
        for c in candidates:
            assert (columns.pdg_id[i], columns.charge[i]) == (abs(c["pdgId"]), c["charge"])
            energy = np.hypot(c["pt"] * np.cosh(c["eta"]), c["mass"])
            assert columns.energy[i] == pytest.approx(energy)
            assert columns.et[i] == pytest.approx(energy / np.cosh(c["eta"]))
            if c["trackIdx"] < 0:
                assert (columns.track[i], columns.track_pt[i], columns.hits[i]) == (-1, 0, 0)
            else:
                track = tracks[event][c["trackIdx"]]
                expected = (track["pt"], track["chi2"] / track["ndof"], track["vz"])
                found = (columns.track_pt[i], columns.norm_chi2[i], columns.vz[i])
                assert found == pytest.approx(expected)
                assert columns.pixel_hits[i] == track["nValidPixelHits"]
                assert columns.cos_phi[i] == pytest.approx(np.cos(track["phi"]))
            i += 1
    assert i == columns.offsets[-1]


def test_seeds_are_the_hard_central_jets_with_their_constituents():
    products = made()
    columns = candidate_columns(products["PFCand"], products["Track"])
    jets, links = products["AK4CHSJet"], products["AK4CHSJetCand"]
    seeds = seed_columns(jets, links, columns, min_pt=14.0, max_eta=2.5)
    seed = 0
    for event in range(len(jets)):
        assert seeds.offsets[event] == seed
        for place, jet in enumerate(jets[event].to_list()):
            if jet["pt"] <= 14 or abs(jet["eta"]) >= 2.5:
                continue
            assert (seeds.jet[seed], seeds.event[seed]) == (place, event)
            assert seeds.pt[seed] == jet["pt"]
            mine = links[event].candIdx[links[event].jetIdx == place].to_list()
            found = seeds.candidate[seeds.starts[seed] : seeds.starts[seed + 1]]
            assert sorted(found - columns.offsets[event]) == mine
            assert (np.diff(columns.pt[found]) <= 0).all()
            seed += 1
    assert seed == len(seeds.pt) > 3


def test_equal_pt_is_ordered_by_direction():
    products = made()
    columns = candidate_columns(products["PFCand"], products["Track"])
    same = columns._replace(pt=np.full_like(columns.pt, 2.0))
    one, other = np.arange(50), np.arange(50)[::-1].copy()
    group = np.zeros(50, dtype=np.int64)
    first = one[by_falling_pt(group, one, same)]
    assert first.tolist() == other[by_falling_pt(group, other, same)].tolist()
    assert (np.diff(columns.eta[first]) >= 0).all()


def test_differences_of_angles():
    assert delta_phi(np.array([3.1, -3.1]), np.array([-3.1, 3.1])) == pytest.approx(
        [6.2 - 2 * np.pi, 2 * np.pi - 6.2]
    )
    pair = (np.array([1.0]), np.array([0.7]))
    assert delta_r(pair, (np.array([3.1]), np.array([-3.1]))) == pytest.approx(
        [np.hypot(0.3, 2 * np.pi - 6.2)]
    )


def test_no_events():
    products = {name: array[:0] for name, array in made().items()}
    columns = candidate_columns(products["PFCand"], products["Track"])
    links = (products["AK4CHSJet"], products["AK4CHSJetCand"])
    seeds = seed_columns(*links, columns, min_pt=14.0, max_eta=2.5)
    assert len(seeds.pt) == len(seeds.candidate) == 0
    assert ak.to_list(seeds.offsets) == ak.to_list(seeds.starts) == [0]
