import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.io.basket import Basket, BasketBuffer
from sonicmini.io.columns import Column, FlatProduct, StoredProduct
from sonicmini.io.tree_writer import TreeBranch

RUN = StoredProduct("run", "", None, (Column(None, TreeBranch("run", np.dtype("u4"), "")),))
JET = StoredProduct(
    "Jet", "", "nJet", (Column("pt", TreeBranch("Jet_pt", np.dtype("f4"), "", "nJet")),)
)


def chunk(counts, start, stop):
    """Events [start, stop) of a sample whose values tell where they belong."""
    starts = np.concatenate([[0], np.cumsum(counts)])
    run = FlatProduct(None, {"run": np.arange(start, stop, dtype="u4")})
    pt = np.arange(starts[start], starts[stop], dtype="f4")
    return [run, FlatProduct(np.array(counts[start:stop], dtype=np.int64), {"Jet_pt": pt})]


def baskets(counts, size, **limits):
    buffer = BasketBuffer(**limits)
    found: list[Basket] = []
    for start in range(0, len(counts), size):
        stop = min(start + size, len(counts))
        found += buffer.add([RUN, JET], chunk(counts, start, stop), stop - start)
    rest = buffer.rest()
    return found if rest is None else [*found, rest]


@given(
    counts=st.lists(st.integers(0, 20), min_size=1, max_size=80),
    size=st.integers(1, 90),
    max_events=st.integers(1, 30),
    max_bytes=st.integers(1, 300),
)
def test_chunks_have_no_influence_and_nothing_is_lost(counts, size, max_events, max_bytes):
    limits = {"max_events": max_events, "max_bytes": max_bytes}
    found = baskets(counts, size, **limits)
    whole = baskets(counts, len(counts), **limits)
    assert [len(basket.values["run"]) for basket in found] == [
        len(basket.values["run"]) for basket in whole
    ]
    run = np.concatenate([basket.values["run"] for basket in found])
    pt = np.concatenate([basket.values["Jet_pt"] for basket in found])
    n = np.concatenate([np.diff(basket.offsets["nJet"]) for basket in found])
    assert run.tolist() == list(range(len(counts)))
    assert pt.tolist() == list(range(sum(counts)))
    assert n.tolist() == counts
    for basket in found:
        assert basket.offsets["nJet"][0] == 0
        assert basket.offsets["nJet"][-1] == len(basket.values["Jet_pt"])


@given(
    counts=st.lists(st.integers(0, 20), min_size=1, max_size=80),
    max_events=st.integers(1, 30),
    max_bytes=st.integers(1, 300),
)
def test_a_basket_ends_with_the_event_that_fills_it(counts, max_events, max_bytes):
    found = baskets(counts, 7, max_events=max_events, max_bytes=max_bytes)
    sizes = [4 + 4 * np.diff(basket.offsets["nJet"]) for basket in found]
    for events in sizes:
        assert len(events) <= max_events
        assert events[:-1].sum() < max_bytes
    for events in sizes[:-1]:
        assert len(events) == max_events or events.sum() >= max_bytes


def test_an_empty_chunk_makes_no_basket():
    buffer = BasketBuffer(max_events=1)
    assert list(buffer.add([RUN, JET], chunk([3], 0, 0), 0)) == []
    assert buffer.rest() is None
