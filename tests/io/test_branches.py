from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.errors import InputError
from sonicmini.io.branches import open_events
from tests.tiny_files import content, write

EVENTS = 230


@pytest.fixture(scope="module")
def branches():
    return content(EVENTS)


@pytest.fixture(scope="module")
def path(branches, tmp_path_factory):
    return write(tmp_path_factory.mktemp("branches") / "a.root", branches, baskets=4)


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


def test_damage_is_told_with_the_branch(tmp_path, path):
    with uproot.open(path) as file:
        branch = file["Events/Best_pt"]
        seek, size = branch.member("fBasketSeek")[0], branch.member("fBasketBytes")[0]
    data = bytearray(Path(path).read_bytes())
    data[seek : seek + size] = bytes(size)
    (damaged := tmp_path / "damaged.root").write_bytes(data)
    with (
        open_events(str(damaged)) as events,
        pytest.raises(InputError, match="reading branch Best_pt failed"),
    ):
        events.read("Best_pt", np.arange(EVENTS))
