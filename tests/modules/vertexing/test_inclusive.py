"""The whole search on real events: order, neighbours, empty events, and what the columns say."""

import functools

import awkward as ak
import numpy as np
import pytest

from sonicmini.modules.vertexing.charged import first_vertices
from sonicmini.modules.vertexing.description import PION_MASS
from sonicmini.modules.vertexing.inclusive import InclusiveVertexFinder
from tests.modules.vertexing.toy_tracks import matrix, real_products
from tests.toys import toy_products

FINDER = InclusiveVertexFinder()


def run(products, finder=FINDER):
    return finder.produce({name: products[name] for name in finder.consumes})


@functools.cache
def found():
    return run(real_products())


def tracks_of(products, made, event):
    """The candidates of each vertex of an event."""
    links = made["InclusiveSVCand"][event].to_list()
    result: list[list[int]] = [[] for _ in range(len(made["InclusiveSV"][event]))]
    for link in links:
        result[link["svIdx"]].append(link["candIdx"])
    return result


def test_there_are_vertices():
    assert 2.0 < ak.mean(ak.num(found()["InclusiveSV"])) < 6.0


def test_columns_follow_from_the_tracks():
    products, made = real_products(), found()
    for event, vertices in enumerate(made["InclusiveSV"].to_list()):
        for vertex, members in zip(vertices, tracks_of(products, made, event), strict=True):
            candidates = products["PFCand"][event][members]
            tracks = products["Track"][event][candidates.trackIdx]
            assert vertex["ntracks"] == len(members) >= 2
            assert members == sorted(set(members))
            assert vertex["charge"] == ak.sum(tracks.charge)
            pz = float(ak.sum(tracks.pt * np.sinh(tracks.eta)))
            energy = float(ak.sum(np.hypot(tracks.pt * np.cosh(tracks.eta), PION_MASS)))
            assert vertex["pt"] * np.sinh(vertex["eta"]) == pytest.approx(pz, rel=1e-5)
            momentum = vertex["pt"] * np.cosh(vertex["eta"])
            assert np.hypot(momentum, vertex["mass"]) == pytest.approx(energy, rel=1e-5)
            px = float(ak.sum(tracks.pt * np.cos(tracks.phi)))
            bend = vertex["dxy"] / 60  # a pion of 0.4 GeV turns by less than this
            assert vertex["pt"] * np.cos(vertex["phi"]) == pytest.approx(
                px, abs=(bend + 0.01) * float(ak.sum(tracks.pt))
            )


def test_flights_and_errors():
    products, made = real_products(), found()
    pv = first_vertices(products["SlimmedPV"])
    for event, vertices in enumerate(made["InclusiveSV"].to_list()):
        for vertex in vertices:
            gap = np.array([vertex[name] for name in "xyz"]) - pv.point[event]
            names = ("covXX", "covYY", "covZZ", "covXY", "covXZ", "covYZ")
            full = matrix([vertex[name] for name in names])
            assert np.all(np.linalg.eigvalsh(full) > 0)
            full += matrix(pv.covariance[event])
            for length, used in (("dlen", gap), ("dxy", gap * [1, 1, 0])):
                size = np.linalg.norm(used)
                assert vertex[length] == pytest.approx(size)
                assert vertex[f"{length}Sig"] == pytest.approx(
                    size**2 / np.sqrt(used @ full @ used)
                )
            p = [
                vertex["pt"] * np.cos(vertex["phi"]),
                vertex["pt"] * np.sin(vertex["phi"]),
                vertex["pt"] * np.sinh(vertex["eta"]),
            ]
            cosine = gap @ p / np.linalg.norm(gap) / np.linalg.norm(p)
            assert np.cos(vertex["pAngle"]) == pytest.approx(cosine, abs=1e-6)


def test_no_two_vertices_share_most_of_their_tracks():
    made = found()
    for event in range(len(made["InclusiveSV"])):
        members = [set(tracks) for tracks in tracks_of(real_products(), made, event)]
        for i, one in enumerate(members):
            assert all(one != other for other in members[:i])


def test_the_order_of_candidates_does_not_matter():
    products = dict(real_products())
    rng = np.random.default_rng(1)
    order = ak.Array([rng.permutation(n) for n in ak.num(products["PFCand"])])
    shuffled = products | {"PFCand": products["PFCand"][order]}
    made = run(shuffled)
    assert made["InclusiveSV"].to_list() == found()["InclusiveSV"].to_list()
    links = found()["InclusiveSVCand"]
    for event in range(len(order)):
        original = order[event][made["InclusiveSVCand"].candIdx[event]]
        pairs = zip(made["InclusiveSVCand"].svIdx[event], original, strict=True)
        expected = zip(links.svIdx[event], links.candIdx[event], strict=True)
        assert sorted(pairs) == sorted(expected)


def test_events_are_independent_of_their_neighbours():
    products, made = real_products(), found()
    for part in (slice(0, 1), slice(3, 7), slice(9, 10)):
        alone = run({name: array[part] for name, array in products.items()})
        for name, array in alone.items():
            assert array.to_list() == made[name][part].to_list()


def test_extreme_events():
    products = toy_products(5, 3, candidates=(300, 0, 1, 2, 200), vertices=(8, 3, 1, 0, 0))
    products["SlimmedPV"] = products["PV"]
    made = run(products)
    assert ak.num(made["InclusiveSV"]).to_list()[1:] == [0, 0, 0, 0]
    assert ak.all(ak.num(made["InclusiveSVCand"])[1:] == 0)
    full = run({name: array[:1] for name, array in products.items()})
    assert full["InclusiveSV"].to_list() == made["InclusiveSV"][:1].to_list()


def test_a_chunk_without_events():
    products = {name: array[:0] for name, array in real_products().items()}
    made = run(products)
    assert {name: len(array) for name, array in made.items()} == dict.fromkeys(made, 0)
    assert made["InclusiveSV"].fields == found()["InclusiveSV"].fields


def test_a_track_cut_above_all_tracks_leaves_nothing():
    made = run(real_products(), InclusiveVertexFinder(min_pt=1e4))
    assert ak.sum(ak.num(made["InclusiveSV"])) == 0
