"""Stored vertices against the found ones, and links against candidates."""

import functools

import awkward as ak
import pytest

from sonicmini.io.miniaod import MINIAOD
from sonicmini.modules.packing.candidates import PackPFCandidates
from sonicmini.modules.puppi.puppi import Puppi
from sonicmini.modules.vertexing.inclusive import InclusiveVertexFinder
from sonicmini.modules.vertexing.slimmed import SlimmedSecondaryVertices
from tests.modules.vertexing.toy_tracks import real_products

CHAIN = (Puppi(), PackPFCandidates(), InclusiveVertexFinder(), SlimmedSecondaryVertices())


@functools.cache
def made():
    products = dict(real_products())
    for module in CHAIN:
        products |= module.produce({name: products[name] for name in module.consumes})
    return products


def test_links_lead_to_the_same_candidates():
    products = made()
    packed = products["PackedPFCand"].pfCandIdx[products["SVPFCand"].pfCandIdx]
    for event, links in enumerate(products["InclusiveSVCand"].to_list()):
        stored = zip(products["SVPFCand"].svIdx[event], packed[event], strict=True)
        assert sorted(stored) == [(link["svIdx"], link["candIdx"]) for link in links]


def test_links_are_sorted():
    for links in made()["SVPFCand"].to_list():
        pairs = [(link["svIdx"], link["pfCandIdx"]) for link in links]
        assert pairs == sorted(set(pairs))


def test_chi2_is_reduced():
    products = made()
    found, stored = products["InclusiveSV"], products["SV"]
    assert stored.fields == found.fields
    assert stored.x.to_list() == found.x.to_list()
    chi2 = ak.flatten(stored.chi2 * found.ndof).to_numpy()
    assert chi2 == pytest.approx(ak.flatten(found.chi2).to_numpy())


def test_without_degrees_of_freedom_chi2_says_so():
    products = made()
    ndof = ak.zeros_like(products["InclusiveSV"].ndof) - 0.5
    changed = products | {"InclusiveSV": ak.with_field(products["InclusiveSV"], ndof, "ndof")}
    module = SlimmedSecondaryVertices()
    stored = module.produce({name: changed[name] for name in module.consumes})["SV"]
    assert set(ak.flatten(stored.chi2)) == {-1.0}


@pytest.mark.parametrize("product", ["SV", "SVPFCand"])
def test_all_stored_columns_are_made(product):
    names = {branch.name for branch in MINIAOD[product].branches}
    assert names == set(made()[product].fields)


def test_a_chunk_without_events():
    module = SlimmedSecondaryVertices()
    result = module.produce({name: made()[name][:0] for name in module.consumes})
    assert {name: len(array) for name, array in result.items()} == {"SV": 0, "SVPFCand": 0}
