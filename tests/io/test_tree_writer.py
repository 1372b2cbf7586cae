import numpy as np
import pytest
import uproot

from sonicmini.errors import ConfigError
from sonicmini.io.tree_writer import DEFAULT_LEVELS, TreeBranch, TreeWriter, compression

DTYPES = ["float32", "float64", "int16", "int32", "int64", "uint8", "uint32", "uint64", "bool"]


def test_every_type_comes_back_with_its_title(tmp_path):
    branches = [TreeBranch("one", np.dtype("i4"), "one an event")]
    branches += [TreeBranch(f"X_{name}", np.dtype(name), f"as {name}", "nX") for name in DTYPES]
    offsets = {"nX": np.array([0, 2, 2, 3])}
    values = {f"X_{name}": np.array([0, 1, 1], dtype=name) for name in DTYPES}
    with uproot.recreate(tmp_path / "a.root") as file:
        tree = TreeWriter(file, "Events", branches, {"nX": "number of X"})
        for _ in range(30):  # more baskets than the first header has room for
            tree.extend({"one": np.arange(3), **values}, offsets)
    with uproot.open(tmp_path / "a.root") as file:
        tree = file["Events"]
        assert tree["nX"].title == "number of X"
        assert tree["nX"].array().to_list() == [2, 0, 1] * 30
        for branch in branches:
            assert tree[branch.name].title == branch.title
        for name in DTYPES:
            found = tree[f"X_{name}"].array()
            assert str(found.type.content.content) == name
            assert found.to_list() == [[0, 1], [], [1]] * 30


def test_a_level_of_its_own_for_each_compression():
    for algorithm, level in DEFAULT_LEVELS.items():
        assert compression(algorithm).level == level
        assert compression(algorithm, 1).level == 1


def test_unknown_compressions_are_refused():
    with pytest.raises(ConfigError, match="choose one of ZSTD, LZMA, LZ4, ZLIB"):
        compression("zip")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="level 23 is not possible with ZSTD"):
        compression("ZSTD", 23)
