from typing import Any

import numpy as np
import pytest
import uproot
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sonicmini.io.ntuple_writer import NTupleWriter, split
from sonicmini.io.tree_writer import TreeBranch, compression

DTYPES = ["float32", "float64", "int16", "int32", "int64", "uint8", "uint32", "uint64", "bool"]


def write(path, branches, counters, clusters):
    with uproot.recreate(path, compression=compression()) as file:
        writer = NTupleWriter(file, "Events", branches, counters)
        for values, offsets in clusters:
            writer.extend(values, offsets)
    return path


def test_every_type_comes_back_with_its_title(tmp_path):
    branches = [TreeBranch("one", np.dtype("i4"), "one an event")]
    branches += [TreeBranch(f"X_{name}", np.dtype(name), f"as {name}", "nX") for name in DTYPES]
    branches += [
        TreeBranch("MET_pt", np.dtype("f4"), "missing"),
        TreeBranch("s", np.dtype("U"), "t"),
    ]
    low = [0 if name[0] in "ub" else -300 for name in DTYPES]
    cluster: dict[str, Any] = {
        f"X_{n}": np.array([0, 1, v], n) for n, v in zip(DTYPES, low, strict=True)
    }
    cluster |= {"one": np.array([-1, 0, 70000]), "MET_pt": np.array([1.5, -2, 0]), "s": list("abc")}
    offsets = {"nX": np.array([0, 2, 2, 3])}
    path = write(tmp_path / "a.root", branches, {"nX": "objects"}, [(cluster, offsets)] * 3)
    with uproot.open(path) as file:
        events = file["Events"]
        assert [events[name].description for name in ("X", "one", "MET.pt")] == [
            "objects",
            "one an event",
            "missing",
        ]
        assert events["one"].array().to_list() == [-1, 0, 70000] * 3
        assert events["MET.pt"].array().to_list() == [1.5, -2, 0] * 3
        assert events["s"].array().to_list() == ["a", "b", "c"] * 3
        for name, value in zip(DTYPES, low, strict=True):
            found = events[f"X.{name}"].array()
            assert events[f"X.{name}"].description == f"as {name}"
            assert str(found.type.content.content) == name
            assert found.to_list() == [[0, 1], [], [value]] * 3


def test_names_that_are_no_members(tmp_path):
    """Of products of users: one list of numbers, and a value beside others of its name."""
    branches = [
        TreeBranch("Score", np.dtype("f4"), "scores", "nScore"),
        TreeBranch("Ht", np.dtype("f4"), "Ht"),
        TreeBranch("Ht_jets", np.dtype("f4"), "of jets"),
        TreeBranch("my_tag_pt", np.dtype("f4"), "pt", "nmy_tag"),
    ]
    one = np.ones(2, np.float32)
    values = {branch.name: one * (i + 1) for i, branch in enumerate(branches)}
    offsets = {"nScore": np.array([0, 2]), "nmy_tag": np.array([0, 2])}
    values["Ht"], values["Ht_jets"] = values["Ht"][:1], values["Ht_jets"][:1]
    counters = {"nScore": "scores", "nmy_tag": "tags"}
    path = write(tmp_path / "a.root", branches, counters, [(values, offsets)])
    with uproot.open(path) as file:
        assert file["Events"].arrays().to_list() == [
            {"Score": [1, 1], "Ht": 2, "Ht_jets": 3, "my_tag": [{"pt": 4}, {"pt": 4}]}
        ]


def test_the_split_encoding_is_that_of_the_specification():
    """RNTuple binary format: bytes by position, zigzag of signed integers."""
    assert split(np.array([0x0102, 0x0304], np.uint16)).tobytes() == bytes([2, 4, 1, 3])
    zigzag = split(np.array([0, -1, 1, -2, 32767, -32768], np.int16)).tobytes()
    assert zigzag == bytes([0, 1, 2, 3, 0xFE, 0xFF, 0, 0, 0, 0, 0xFF, 0xFF])
    assert split(np.array([1.0, -2.0], np.float32)).tobytes() == bytes.fromhex(
        "0000 0000 8000 3fc0"
    )
    assert split(np.array([1, 2], np.uint8)).tobytes() == bytes([1, 2])


@pytest.mark.parametrize("dtype", ["f4", "i2", "u8"])
@given(values=st.data())
def test_any_numbers_survive(tmp_path_factory, dtype, values):
    drawn = values.draw(arrays(dtype, st.integers(1, 5)))
    path = tmp_path_factory.mktemp("a") / "a.root"
    write(path, [TreeBranch("x", np.dtype(dtype), "x")], {}, [({"x": drawn}, {})])
    with uproot.open(path) as file:
        found = file["Events"]["x"].array().to_numpy()
    assert found.tobytes() == drawn.tobytes()


def test_split_columns_are_smaller(tmp_path):
    rng = np.random.default_rng(1)
    x = np.round(rng.normal(size=5000) * 512).astype(np.float32) / 512
    branch = TreeBranch("x", np.dtype("f4"), "x")
    split_size = write(tmp_path / "a.root", [branch], {}, [({"x": x}, {})]).stat().st_size
    with uproot.recreate(tmp_path / "b.root", compression=compression()) as file:
        file.mkrntuple("Events", {"x": x})
    assert split_size < 0.9 * (tmp_path / "b.root").stat().st_size
