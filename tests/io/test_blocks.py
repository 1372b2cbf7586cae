from itertools import pairwise
from types import SimpleNamespace

import awkward as ak
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.io import blocks
from sonicmini.io.blocks import Block, cut_into_chunks, flat_block, join, plan_reads
from sonicmini.io.schema import Branch, Collection

COUNTER_OF = {"run": None, "Jet_pt": "nJet"}
JET = Collection("Jet", "jets", "jagged", (Branch("pt", "float32", "GeV", "pt"),))


def block(counts, start, stop):
    """Events [start, stop) of a sample whose values tell where they belong."""
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    values = {
        "run": np.arange(start, stop, dtype=np.uint32),
        "Jet_pt": np.arange(starts[start], starts[stop], dtype=np.float32),
    }
    return Block(start, stop, values, {"nJet": starts[start : stop + 1] - starts[start]})


def equal(one, other):
    return (
        (one.start, one.stop) == (other.start, other.stop)
        and all(np.array_equal(one.values[name], other.values[name]) for name in COUNTER_OF)
        and np.array_equal(one.offsets["nJet"], other.offsets["nJet"])
    )


@given(
    counts=st.lists(st.integers(0, 5), min_size=1, max_size=60),
    cuts=st.sets(st.integers(0, 60)),
    size=st.integers(1, 70),
)
def test_chunks_do_not_depend_on_the_blocks(counts, cuts, size):
    edges = sorted({0, len(counts), *(cut for cut in cuts if cut < len(counts))})
    parts = [block(counts, *edge) for edge in pairwise(edges)]
    chunks = list(cut_into_chunks(parts, size, COUNTER_OF))
    assert len(chunks) == -(-len(counts) // size)
    for number, chunk in enumerate(chunks):
        start = number * size
        assert equal(chunk, block(counts, start, min(start + size, len(counts))))


def test_joining_what_was_cut_gives_the_whole():
    whole = block([3, 0, 2, 5], 0, 4)
    parts = [whole.cut(0, 1, COUNTER_OF), whole.cut(1, 4, COUNTER_OF)]
    assert equal(join(parts), whole)
    assert whole.cut(1, 3, COUNTER_OF).array(JET).pt.to_list() == [[], [3.0, 4.0]]


def test_branches_become_a_block():
    jets = ak.Array([[1.0, 2.0], [], [3.0]])
    run = ak.Array(np.arange(3, dtype=np.uint32))
    made = flat_block({"run": run, "Jet_pt": jets, "nJet": ak.Array([2, 0, 1])}, COUNTER_OF, 10, 13)
    assert made.offsets["nJet"].tolist() == [0, 2, 2, 3]
    assert made.array(JET).pt.to_list() == jets.to_list()
    assert made.start == 10


def test_branches_that_do_not_fit_together_are_refused():
    jets, run = ak.Array([[1.0, 2.0], []]), ak.Array([1, 1])
    with pytest.raises(ValueError, match="Jet_pt has not as many values as nJet says"):
        flat_block({"run": run, "Jet_pt": jets, "nJet": ak.Array([1, 1])}, COUNTER_OF, 0, 2)
    with pytest.raises(ValueError, match="run has 2 of 3 events"):
        flat_block({"run": run, "Jet_pt": jets, "nJet": ak.Array([2, 0])}, COUNTER_OF, 0, 3)


def branch(offsets, event_bytes=100):
    return SimpleNamespace(
        entry_offsets=offsets,
        num_entries=offsets[-1],
        uncompressed_bytes=event_bytes * offsets[-1],
    )


@pytest.mark.parametrize(
    ("events", "at_least", "expected"),
    [
        ((0, 100), 1, [0, 20, 40, 60, 80, 100]),
        ((0, 100), 20, [0, 20, 40, 60, 80, 100]),
        ((0, 100), 30, [0, 40, 80, 100]),
        ((0, 100), 500, [0, 100]),
        ((5, 70), 10, [5, 20, 40, 60, 70]),
        ((45, 50), 10, [45, 50]),
        ((50, 50), 10, [50, 50]),
    ],
)
def test_reads_end_where_baskets_end(events, at_least, expected):
    baskets = branch(list(range(0, 101, 20)))
    start, stop = events
    assert plan_reads([baskets, baskets], start, stop, at_least) == expected


def test_reads_end_where_the_baskets_of_all_branches_end():
    branches = [branch([0, 10, 20, 50, 100]), branch([0, 25, 50, 100]), branch([0, 50, 75, 100])]
    assert plan_reads(branches, 0, 100, 1) == [0, 50, 100]


def test_a_cluster_too_large_for_memory_is_read_in_parts(monkeypatch):
    monkeypatch.setattr(blocks, "MAX_BLOCK_BYTES", 3000)
    assert plan_reads([branch([0, 100])], 0, 100, 10) == [0, 30, 60, 90, 100]
    assert plan_reads([branch([0, 100])], 0, 100, 40) == [0, 40, 80, 100]
