from itertools import pairwise

import awkward as ak
import numpy as np
import pytest
import uproot

from sonicmini.errors import InputError
from sonicmini.event import Chunk
from sonicmini.io.event_tree import event_tree
from sonicmini.io.root_sink import OutputOptions, RootSink
from sonicmini.io.schema import AOD

EVENTS = 60


@pytest.fixture(scope="module")
def paths(tmp_path_factory, toys):
    """The same events as TTree and as RNTuple."""
    folder = tmp_path_factory.mktemp("formats")
    for kind in ("ttree", "rntuple"):
        options = OutputOptions(basket_events=16, format=kind)
        tables = list(AOD.values())
        with RootSink(folder / kind, tables, file_format=("toy", 1), options=options) as sink:
            sink.write(Chunk("toys", 0, EVENTS, dict(toys)))
            sink.finish({})
    return folder


@pytest.fixture
def both(paths):
    with uproot.open(paths / "ttree") as tree, uproot.open(paths / "rntuple") as ntuple:
        yield event_tree(tree, "a"), event_tree(ntuple, "b")


def test_both_kinds_show_the_same_branches(both):
    tree, ntuple = both
    assert (tree.kind, ntuple.kind) == ("TTree", "RNTuple")
    assert tree.entries == ntuple.entries == EVENTS
    described = [{(one.name, one.type, one.title) for one in found.branches} for found in both]
    assert described[0] == described[1]
    assert len(ntuple.branches) == len(described[1])


def test_both_kinds_have_the_same_values(both):
    for branch in both[0].branches:
        for start, stop in ((0, EVENTS), (5, 40), (16, 32), (7, 8), (3, 3)):
            one, other = (found.array(branch.name, start, stop) for found in both)
            assert ak.array_equal(one, other), branch.name


def test_both_kinds_are_cut_into_the_same_parts(both):
    for found in both:
        cuts = list(found.cuts())
        assert cuts[0][0] == 0
        assert cuts[-1][1] == EVENTS
        assert all(one[1] == other[0] for one, other in pairwise(cuts))


def test_sizes_of_an_rntuple_are_those_of_its_pages(both, paths, toys):
    sizes = {branch.name: branch for branch in both[1].branches}
    candidates = int(ak.sum(ak.num(toys["PFCand"])))
    assert sizes["PFCand_pt"].uncompressed_bytes == 4 * candidates
    assert sizes["PFCand_trackIdx"].uncompressed_bytes == 2 * candidates
    assert sizes["nPFCand"].uncompressed_bytes == 8 * EVENTS
    assert sizes["run"].uncompressed_bytes == 4 * EVENTS
    total = sum(branch.compressed_bytes for branch in both[1].branches)
    assert 0.3 < total / (paths / "rntuple").stat().st_size < 1


def test_nested_lists_and_texts_are_told_by_their_type(tmp_path):
    with uproot.recreate(tmp_path / "a.root") as file:
        nested = ak.Array([[[1.0], []], []])
        file["Events"] = {"x": nested, "name": ak.Array(["a", "bc"]), "n": np.array([1, 2])}
    with uproot.open(tmp_path / "a.root") as file:
        types = {branch.name: branch.type for branch in event_tree(file, "a").branches}
    assert types["n"] == "int64_t"
    assert types["name"] == "string"
    assert types["x"] == "double[][]"


def test_no_events(tmp_path):
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mkrntuple("Events", {"x": "float32"})
        file.mkdir("empty")
    with uproot.open(tmp_path / "a.root") as file:
        found = event_tree(file, "a")
        assert (found.entries, list(found.cuts())) == (0, [])
        assert [branch.compressed_bytes for branch in found.branches] == [0]
        with pytest.raises(InputError, match=r"a\.root: it has no tree Events"):
            event_tree(file["empty"], "a.root")
