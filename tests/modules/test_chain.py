"""The modules of the workflow one after the other, on ordinary and on extreme events."""

import functools
from graphlib import TopologicalSorter

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonicmini import plugins
from sonicmini.config import load
from sonicmini.graph import build_graph
from sonicmini.io.columns import flatten, stored_product
from sonicmini.io.keep import available
from sonicmini.io.miniaod import MINIAOD
from sonicmini.io.schema import AOD
from sonicmini.module import Producer, SonicProducer
from sonicmini.plugins import instantiate, resolve
from sonicmini.resources import bundled
from tests.toys import toy_products


def chain():
    """The modules of the bundled workflow less the networks, in an order in which they can run."""
    entries = load(bundled("configs") / "miniaod.yaml").modules
    every = {name: instantiate(resolve(one.type), one.parameters) for name, one in entries.items()}
    modules = {name: one for name, one in every.items() if isinstance(one, Producer)}
    order = TopologicalSorter(build_graph(modules, AOD)).static_order()
    return [modules[name] for name in order]


CHAIN = chain()
MADE = [name for module in CHAIN for name in module.produces]
STORED = [name for name in MADE if name in MINIAOD]

SIZES = (300, 0, 1, 2, 700, 40)
VERTICES = (8, 3, 1, 0, 25, 0)


def run(products):
    products = dict(products)
    for module in CHAIN:
        made = module.produce({name: products[name] for name in module.consumes})
        assert set(made) == set(module.produces)
        products |= made
    return {name: products[name] for name in MADE}


@functools.cache
def events():
    return toy_products(len(SIZES), 11, candidates=SIZES, vertices=VERTICES)


@functools.cache
def results():
    return run(events())


def test_the_chain_makes_every_collection_of_the_output_but_the_networks():
    networks = {
        product
        for one in map(resolve, plugins.available())
        if issubclass(one, SonicProducer)
        for product in one.produces
    }
    assert set(MINIAOD) - set(available(set(MADE))) == networks


@pytest.mark.parametrize("name", STORED)
def test_columns_fit_into_the_output(name):
    product, stored = results()[name], stored_product(MINIAOD[name])
    values = flatten(stored, product).values
    assert {column.branch.name for column in stored.columns} == set(values)
    for column in stored.columns:
        assert values[column.branch.name].dtype == column.branch.dtype
    assert len(product) == len(SIZES)


@pytest.mark.parametrize("name", MADE)
def test_no_value_is_infinite_or_not_a_number(name):
    product = results()[name]
    for field in product.fields:
        assert np.all(np.isfinite(ak.flatten(product[field], axis=None)))


@pytest.mark.parametrize("bounds", [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (1, 5), (2, 2)])
def test_other_events_of_the_chunk_do_not_matter(bounds):
    part = run({name: array[slice(*bounds)] for name, array in events().items()})
    for name, array in results().items():
        assert part[name].to_list() == array[slice(*bounds)].to_list(), name


def test_no_events_at_all():
    empty = run(toy_products(0, 1))
    assert {len(array) for array in empty.values()} == {0}
    assert {name: array.fields for name, array in empty.items()} == {
        name: array.fields for name, array in results().items()
    }


def test_events_without_candidates_keep_their_vertices():
    made = results()
    assert ak.num(made["SlimmedPV"]).to_list() == list(VERTICES)
    assert made["SlimmedPV"].score[1].to_list() == [0, 0, 0]
    for name in ("PackedPFCand", "Jet", "JetPFCand"):
        assert len(made[name][1]) == 0


def test_events_without_vertices_keep_their_candidates():
    vertex = results()["PFCandVertex"][5]
    assert np.all(vertex.pvIdx == -1)
    assert len(results()["PackedPFCand"][5]) == SIZES[5]


def test_huge_events():
    made = run(toy_products(1, 12, candidates=[12000], vertices=[200]))
    assert len(made["PackedPFCand"][0]) == 12000
    assert len(made["SlimmedPV"][0]) == 200
    assert len(made["Jet"][0]) > 0


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 6)), max_size=4),
)
def test_any_small_events(seed, sizes):
    candidates, vertices = [n for n, _ in sizes], [n for _, n in sizes]
    products = toy_products(len(sizes), seed, candidates=candidates, vertices=vertices)
    made = run(products)
    weight = made["PuppiWeight"].weight
    assert ak.all((weight >= 0) & (weight <= 1))
    assert ak.num(made["PackedPFCand"]).to_list() == candidates
    assert ak.all(made["PFCandVertex"].pvIdx < ak.num(products["PV"]))
    assert ak.all(made["JetPFCand"].jetIdx < ak.num(made["Jet"]))
    score = made["SlimmedPV"].score
    assert ak.all(score[:, 1:] <= score[:, :-1])
