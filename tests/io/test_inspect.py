import json

import numpy as np
import pytest
import uproot

from sonicmini.errors import InputError
from sonicmini.event import Chunk
from sonicmini.io.inspect import inspect_file
from sonicmini.io.root_sink import OutputOptions, RootSink
from sonicmini.io.schema import AOD, FORMAT_NAME, FORMAT_VERSION


def test_tells_events_format_and_provenance(aod_file):
    summary = inspect_file(aod_file)
    assert summary.events == 60
    assert summary.bytes == aod_file.stat().st_size
    assert (summary.format_name, summary.format_version) == (FORMAT_NAME, FORMAT_VERSION)
    assert summary.provenance == {"seed": 1}


def test_groups_branches_by_collection_largest_first(aod_file):
    collections = inspect_file(aod_file).collections
    sizes = [collection.compressed_bytes for collection in collections]
    assert sizes == sorted(sizes, reverse=True)
    found = {collection.name: collection for collection in collections}
    assert set(found) == {table.prefix for table in AOD.values()}
    for table in AOD.values():
        names = {branch.name for branch in found[table.prefix].branches}
        expected = {table.branch_name(branch) for branch in table.branches}
        assert names == expected | ({table.counter} - {None})
        assert found[table.prefix].title == table.title


def test_sizes_are_those_of_the_baskets(aod_file):
    summary = inspect_file(aod_file)
    with uproot.open(aod_file) as file:
        tree = file["Events"]
        assert sum(branch.compressed_bytes for branch in summary.branches) == tree.compressed_bytes
        keys = [tree["Track_pt"].basket_key(number) for number in range(4)]
    track_pt = next(branch for branch in summary.branches if branch.name == "Track_pt")
    assert track_pt.compressed_bytes == sum(key.fNbytes for key in keys)
    assert track_pt.uncompressed_bytes == sum(key.fObjlen + key.fKeylen for key in keys)
    assert track_pt.type == "float[]"
    assert track_pt.title == "transverse momentum at the reference point (GeV)"


def test_an_rntuple_is_shown_with_the_same_collections(aod_file, toys, tmp_path):
    options = OutputOptions(format="rntuple")
    path = tmp_path / "a.root"
    file_format = (FORMAT_NAME, FORMAT_VERSION)
    with RootSink(path, AOD.values(), file_format=file_format, options=options) as sink:
        sink.write(Chunk("toys", 0, 60, dict(toys)))
        sink.finish({"seed": 1})
    summary, tree = inspect_file(path), inspect_file(aod_file)
    assert (summary.kind, tree.kind) == ("RNTuple", "TTree")
    assert summary.provenance == tree.provenance
    assert summary.format_name == tree.format_name
    expected = {one.name: (one.title, {b.name for b in one.branches}) for one in tree.collections}
    assert expected == {
        one.name: (one.title, {b.name for b in one.branches}) for one in summary.collections
    }


def test_everything_as_json(aod_file):
    summary = inspect_file(aod_file)
    data = json.loads(json.dumps(summary.to_dict()))
    assert data["events"] == 60
    assert data["collections"][0]["name"] == summary.collections[0].name
    assert data["collections"][0]["compressed_bytes"] == summary.collections[0].compressed_bytes
    assert data["collections"][0]["branches"][0]["type"] == "int32_t"


def test_any_file_with_events_will_do(tmp_path):
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("Events", {"nothing": "int32"})
    summary = inspect_file(tmp_path / "a.root")
    assert (summary.events, summary.format_name, summary.provenance) == (0, None, {})


def test_files_that_cannot_be_read_are_input_errors(tmp_path, aod_file):
    with pytest.raises(InputError, match="there is no such file"):
        inspect_file(tmp_path / "a.root")
    (tmp_path / "short.root").write_bytes(aod_file.read_bytes()[:-1])
    with pytest.raises(InputError, match="is truncated"):
        inspect_file(tmp_path / "short.root")
    with uproot.recreate(tmp_path / "b.root") as file:
        file["h"] = np.histogram([1.0])
    with pytest.raises(InputError, match="it has no tree Events"):
        inspect_file(tmp_path / "b.root")
