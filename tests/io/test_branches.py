from itertools import pairwise
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.errors import InputError
from sonicmini.io.branches import open_events
from sonicmini.io.ntuple_writer import NTupleWriter
from sonicmini.io.tree_writer import TreeBranch
from tests.tiny_files import content, write

EVENTS = 230


@pytest.fixture(scope="module")
def branches():
    return content(EVENTS)


def write_ntuple(path, branches, clusters):
    """The same content as an RNTuple."""
    flat: dict[str, tuple[Any, str | None]] = {}
    for name, array in branches.items():
        if isinstance(array, np.ndarray):
            flat[name] = (array, None)
            continue
        for field in array.fields:
            flat[f"{name}_{field}"] = (array[field], f"n{name}")
    types = {
        name: np.dtype(ak.type(ak.flatten(array, axis=None)).content.primitive)
        for name, (array, _) in flat.items()
    }
    counters = {name: name for _, name in flat.values() if name}
    writer_branches = [
        TreeBranch(name, types[name], name, counter) for name, (_, counter) in flat.items()
    ]
    with uproot.recreate(path) as file:
        writer = NTupleWriter(file, "Events", writer_branches, counters)
        for start, stop in pairwise(np.linspace(0, EVENTS, clusters + 1).astype(int)):
            part = {name: (array[start:stop], counter) for name, (array, counter) in flat.items()}
            offsets = {
                counter: np.append(0, np.cumsum(ak.num(array)))
                for array, counter in part.values()
                if counter
            }
            values = {
                name: ak.to_numpy(ak.flatten(one, axis=None)) for name, (one, _) in part.items()
            }
            writer.extend(values, offsets)
    return str(path)


@pytest.fixture(scope="module", params=["TTree", "RNTuple"])
def path(request, branches, tmp_path_factory):
    file = tmp_path_factory.mktemp("branches") / "a.root"
    if request.param == "RNTuple":
        return write_ntuple(file, branches, 4)
    return write(file, branches, baskets=4)


@given(positions=st.lists(st.integers(0, EVENTS - 1), unique=True))
def test_any_events_in_any_order(positions, branches, path):
    wanted = np.array(positions, np.int64)
    with open_events(path) as file:
        single, jagged = file.read("Best_pt", wanted), file.read("Jet_pt", wanted)
    assert single.counts is None
    assert jagged.counts is not None
    assert np.array_equal(single.values, branches["Best_pt"][wanted])
    pt = branches["Jet"].pt[wanted]
    assert np.array_equal(jagged.counts, ak.num(pt))
    assert np.array_equal(jagged.values, ak.flatten(pt))
    assert jagged.values.dtype == np.float32


def test_names_of_events_and_types(path):
    with open_events(path) as file:
        ids = file.event_ids()
        assert file.types["Jet_pt"] == "float[]"
        assert file.types["Jet_good"] == "bool[]"
        assert file.metadata is None
        cuts = list(file.cuts())
    assert ids.shape == (EVENTS, 3)
    assert ids[3].tolist() == [1, 7, 103]
    assert cuts[0][0] == 0
    assert cuts[-1][1] == EVENTS


def test_a_file_without_events(tmp_path):
    with open_events(write(tmp_path / "a.root", content(0))) as file:
        assert file.event_ids().shape == (0, 3)
        assert list(file.cuts()) == []


def test_events_need_names(tmp_path, branches):
    del (nameless := dict(branches))["luminosityBlock"]
    with (
        open_events(write(tmp_path / "a.root", nameless)) as file,
        pytest.raises(InputError, match=r"a\.root: no branch luminosityBlock"),
    ):
        file.event_ids()


def test_faults_of_files_are_told(tmp_path, path):
    def opening(file):
        with pytest.raises(InputError) as error, open_events(str(file)):
            pass
        return str(error.value)

    assert "there is no such file" in opening(tmp_path / "no.root")
    with uproot.recreate(tmp_path / "empty.root"):
        pass
    assert "it has no tree Events" in opening(tmp_path / "empty.root")
    with uproot.recreate(tmp_path / "text.root") as file:
        file.mktree("Events", {"name": "string"}).extend({"name": ["a"]})
    assert "not name (char*)" in opening(tmp_path / "text.root")


def place_of_best_pt(path):
    """Where its first values are in the file, and how many bytes they have."""
    with uproot.open(path) as file:
        events = file["Events"]
        if isinstance(events, uproot.TTree):
            branch = events["Best_pt"]
            return branch.member("fBasketSeek")[0], branch.member("fBasketBytes")[0]
        names = [events.field_records[one.field_id].field_name for one in events.column_records]
        column = len(names) - 1 - names[::-1].index("pt")
        page = events.page_link_list[0][column].pages[0].locator
        return page.offset, page.num_bytes


def test_damage_is_told_with_the_branch(tmp_path, path):
    seek, size = place_of_best_pt(path)
    data = bytearray(Path(path).read_bytes())
    data[seek : seek + size] = bytes(size)
    (damaged := tmp_path / "damaged.root").write_bytes(data)
    with (
        open_events(str(damaged)) as events,
        pytest.raises(InputError, match="reading branch Best_pt failed"),
    ):
        events.read("Best_pt", np.arange(EVENTS))
