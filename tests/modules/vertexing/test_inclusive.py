"""The whole search on real events: order, neighbours, empty events, and what the columns say."""

import functools

import awkward as ak
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sonicmini.modules.vertexing.inclusive import InclusiveVertexFinder
from tests.modules.vertexing.toy_tracks import real_products
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


@settings(max_examples=15)
@given(st.integers(0, 2**16), st.randoms(use_true_random=False))
def test_toy_events_in_any_order(seed, random):
    """Neither the order of candidates nor that of events changes a vertex."""
    products = toy_products(3, seed, candidates=(250, 40, 1), vertices=(8, 2, 1))
    products["SlimmedPV"] = products["PV"]
    made = run(products)["InclusiveSV"].to_list()
    places = [random.sample(range(n), n) for n in ak.num(products["PFCand"]).to_list()]
    events = random.sample(range(3), 3)
    shuffled = products | {"PFCand": products["PFCand"][ak.Array(places)]}
    again = run({name: array[events] for name, array in shuffled.items()})["InclusiveSV"]
    assert again.to_list() == [made[event] for event in events]


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
