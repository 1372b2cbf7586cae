import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from sonicmini.errors import ConfigError, ModuleError, OutputError
from sonicmini.event import Chunk
from sonicmini.io.branches import open_events
from sonicmini.io.columns import UnlistedProduct
from sonicmini.io.inspect import inspect_file
from sonicmini.io.keep import written
from sonicmini.io.miniaod import MINIAOD, MINIAOD_FORMAT
from sonicmini.io.root_sink import OutputOptions, RootSink
from sonicmini.io.schema import AOD, Branch, Collection
from tests.toys import toy_products

EVENTS = 23
TABLES = tuple(table for table in written(["*"], MINIAOD.keys() - AOD.keys()).values() if table)
"""Of all modules together, in the place of the input's."""
GENPART = next(table for table in TABLES if table.prefix == "GenPart")


def values(rng, branch, n):
    if branch.dtype == "float32":
        return rng.normal(size=n).astype(np.float32)
    return rng.integers(0, 2, n).astype(branch.dtype)


@pytest.fixture(scope="module")
def products():
    """All products of the output's table, some events without any object."""
    rng = np.random.default_rng(7)
    made: dict[str, Any] = {}
    sizes: dict[str, Any] = {}
    for table in TABLES:
        counts = rng.integers(0, 6, EVENTS) if table.kind == "jagged" else np.ones(EVENTS, int)
        counts[3] *= table.kind != "jagged"
        counts = sizes.setdefault(table.prefix, counts)
        columns = {b.name: values(rng, b, counts.sum()) for b in table.branches}
        array = next(iter(columns.values())) if table.kind == "bare" else ak.zip(columns)
        made[table.product] = ak.unflatten(array, counts) if table.kind == "jagged" else array
    particles = made[GENPART.product]
    mothers = ak.values_astype(ak.local_index(particles.pt) - 1, np.int16)
    made[GENPART.product] = ak.with_field(particles, mothers, "genPartIdxMother")
    made["event"] = np.arange(1, EVENTS + 1, dtype=np.uint64)
    return {name: ak.Array(array) for name, array in made.items()}


def write(path, products, size=EVENTS, tables=TABLES, **options):
    events = len(next(iter(products.values())))
    settings = OutputOptions(**options)
    with RootSink(path, tables, file_format=MINIAOD_FORMAT, options=settings) as sink:
        for start in range(0, events, size):
            part = {name: array[start : start + size] for name, array in products.items()}
            sink.write(Chunk("toys", start, min(start + size, events), part))
        sink.finish({"chunk_size": size})
    return path


@pytest.fixture(scope="module")
def output(tmp_path_factory, products):
    return write(tmp_path_factory.mktemp("out") / "out.root", products)


def content(path):
    with uproot.open(path) as file:
        return file["Events"].arrays(how=dict)


def test_uproot_reads_every_branch_back(output, products):
    arrays = content(output)
    for table in TABLES:
        for branch in table.branches:
            found = arrays.pop(table.branch_name(branch))
            array = products[table.product]
            expected = array if table.kind == "bare" else array[branch.name]
            assert found.type == expected.type
            relative = 0.0 if branch.bits is None else 2.0 ** -(branch.bits + 1)
            np.testing.assert_allclose(
                ak.flatten(found, axis=None), ak.flatten(expected, axis=None), relative
            )
        if table.counter is not None:
            counts = arrays.get(table.counter)
            assert counts.to_list() == ak.num(products[table.product]).to_list()
    assert arrays.keys() == {table.counter for table in TABLES} - {None}


def test_an_rntuple_has_the_same_content(tmp_path, products, output):
    path = write(tmp_path / "out.root", products, 5, basket_events=10, format="rntuple")
    expected, every = content(output), np.arange(EVENTS)
    with open_events(str(output)) as tree, open_events(str(path)) as ntuple:
        assert ntuple.types == tree.types
        assert ntuple.metadata is not None
        assert ntuple.metadata.format_name == MINIAOD_FORMAT[0]
        assert ntuple.metadata.provenance == {"chunk_size": 5}
        for name in expected:
            one, other = tree.read(name, every), ntuple.read(name, every)
            assert np.array_equal(one.values, other.values), name
            assert one.values.dtype == other.values.dtype
            if one.counts is None or other.counts is None:
                assert one.counts is other.counts
            else:
                assert np.array_equal(one.counts, other.counts)


def test_an_rntuple_without_events_has_all_fields(tmp_path):
    settings = OutputOptions(format="rntuple")
    path = tmp_path / "out.root"
    with RootSink(path, TABLES, file_format=MINIAOD_FORMAT, options=settings) as sink:
        sink.finish({})
    with uproot.open(path) as file:
        assert file["Events"].num_entries == 0
        assert file["Events"]["Jet.pt"].typename == "float"


def test_every_branch_has_its_title(output):
    with uproot.open(output) as file:
        titles = {branch.name: branch.title for branch in file["Events"].branches}
        metadata = {branch.name: branch.title for branch in file["Runs"].branches}
    for table in TABLES:
        for branch in table.branches:
            unit = f" ({branch.unit})" if branch.unit else ""
            assert titles.pop(table.branch_name(branch)) == f"{branch.title}{unit}"
        if table.counter in titles:
            assert titles.pop(table.counter) == table.title
    assert titles == {}
    assert metadata["provenance"] == "how the file was made, as JSON"


@pytest.mark.parametrize("size", [1, 5, 22])
def test_the_size_of_chunks_has_no_influence(tmp_path, products, output, size):
    other = write(tmp_path / "out.root", products, size, basket_events=10)
    expected, found = content(output), content(other)
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert ak.array_equal(found[name], array), name
    with uproot.open(other) as file:
        assert file["Events"]["PFCand_pt"].entry_offsets == [0, 10, 20, EVENTS]


def test_many_small_chunks_make_few_baskets(tmp_path):
    toys = toy_products(700, 1, candidates=[3] * 700, vertices=[1] * 700)
    tables = [AOD["run"], AOD["PFCand"]]
    path = write(
        tmp_path / "out.root", {name: toys[name] for name in ("run", "PFCand")}, 10, tables
    )
    with uproot.open(path) as file:
        for branch in file["Events"].branches:
            assert branch.entry_offsets == [0, 500, 700]


def test_more_baskets_than_the_header_has_room_for(tmp_path):
    table = Collection("X", "x", "jagged", (Branch("y", "float32", "", "title of y"),))
    counts = np.arange(150) % 3
    array = ak.unflatten(ak.zip({"y": np.arange(counts.sum(), dtype=np.float32)}), counts)
    path = write(tmp_path / "out.root", {"X": array}, tables=[table], basket_events=1)
    with uproot.open(path) as file:
        branch = file["Events"]["X_y"]
        assert branch.num_baskets == 150
        assert branch.title == "title of y"
        assert ak.array_equal(branch.array(), array.y)


@pytest.mark.parametrize("algorithm", ["ZSTD", "LZMA", "LZ4", "ZLIB"])
def test_compressions(tmp_path, products, output, algorithm):
    path = write(tmp_path / "out.root", products, compression=algorithm, level=1)
    with uproot.open(path) as file:
        assert type(file.file.compression).__name__ == algorithm
    assert ak.array_equal(content(path)["PFCand_pt"], content(output)["PFCand_pt"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"compression": "GZIP"},
            "unknown compression 'GZIP'; choose one of ZSTD, LZMA, LZ4, ZLIB",
        ),
        ({"compression": "ZLIB", "level": 99}, "compression level 99 is not possible with ZLIB"),
    ],
)
def test_impossible_compressions_are_refused(tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        RootSink(
            tmp_path / "out.root",
            TABLES,
            file_format=MINIAOD_FORMAT,
            options=OutputOptions(**options),
        )
    assert list(tmp_path.iterdir()) == []


def test_two_products_of_one_name_in_the_file_are_refused(tmp_path):
    with pytest.raises(
        ConfigError, match="PFCand and PackedPFCand would be written under the same"
    ):
        RootSink(
            tmp_path / "out.root",
            [AOD["PFCand"], MINIAOD["PackedPFCand"]],
            file_format=MINIAOD_FORMAT,
        )


def tagged(name, counts):
    scores = Collection(name, "scores of X", "jagged", (Branch(name, "float32", "", ""),), "X")
    return scores, ak.unflatten(ak.zip({name: np.arange(sum(counts))}), counts)


def test_products_may_be_columns_of_the_same_objects(tmp_path):
    tables, arrays = zip(*(tagged(name, [2, 0, 3]) for name in ("a", "b")), strict=True)
    products = {"a": arrays[0], "b": arrays[1]}
    path = write(tmp_path / "out.root", products, size=2, tables=tables)
    with uproot.open(path) as file:
        assert file["Events"].keys() == ["nX", "X_a", "X_b"]
        assert file["Events"]["X_b"].array().to_list() == arrays[1].b.to_list()
        assert file["Events"]["nX"].array().to_list() == [2, 0, 3]


def test_columns_of_other_objects_are_refused(tmp_path):
    tables, arrays = zip(*(tagged("a", [2, 1]), tagged("b", [2, 2])), strict=True)
    with pytest.raises(ModuleError, match="products a and b share nX"):
        write(tmp_path / "out.root", dict(zip("ab", arrays, strict=True)), tables=tables)
    assert list(tmp_path.iterdir()) == []


def test_no_events_make_a_file_with_all_branches(tmp_path):
    tables: list[Collection | UnlistedProduct] = [*TABLES]
    tables.append(UnlistedProduct("Tag", "made by tagger"))
    with RootSink(tmp_path / "out.root", tables, file_format=MINIAOD_FORMAT) as sink:
        sink.finish({})
    arrays = content(tmp_path / "out.root")
    assert {len(array) for array in arrays.values()} == {0}
    assert str(arrays["Jet_pt"].type) == "0 * var * float32"
    assert "Tag" not in arrays


def test_products_of_users_modules(tmp_path):
    scores = ak.unflatten(ak.zip({"score": np.array([0.25, 0.5], np.float32)}), [2, 0, 0])
    made = {"run": ak.Array(np.ones(3, np.uint32)), "Tag": scores}
    tables = [AOD["run"], UnlistedProduct("Tag", "made by my_package:Tagger")]
    path = write(tmp_path / "out.root", made, tables=tables)
    assert content(path)["Tag_score"].to_list() == [[0.25, 0.5], [], []]
    with uproot.open(path) as file:
        assert file["Events"]["Tag_score"].title == "score, made by my_package:Tagger"


def test_a_missing_product_is_told(tmp_path, products):
    with pytest.raises(
        ModuleError, match=r"product Jet is to be written, but toys\[0:23\] does not"
    ):
        write(tmp_path / "out.root", {n: a for n, a in products.items() if n != "Jet"})
    assert list(tmp_path.iterdir()) == []


def test_metadata_tells_how_the_file_was_made(output):
    summary = inspect_file(output)
    assert (summary.format_name, summary.format_version) == MINIAOD_FORMAT
    assert summary.provenance == {"chunk_size": EVENTS}


# coffea takes photons to be massless, whatever the file says.
@pytest.mark.filterwarnings("ignore:Branch Photon_mass already exists:RuntimeWarning")
def test_coffea_reads_nested_collections_and_titles(output, products):
    from coffea.nanoevents import NanoAODSchema, NanoEventsFactory  # noqa: PLC0415 - slow

    class Schema(NanoAODSchema):  # type: ignore[misc]  # coffea has no types
        warn_missing_crossrefs = False

    events = NanoEventsFactory.from_root(
        {str(output): "Events"}, schemaclass=Schema, mode="eager"
    ).events()
    assert len(events) == EVENTS
    for table in TABLES:
        for branch in table.branches:
            found, expected = events[table.prefix], products[table.product]
            if table.kind != "bare":
                found, expected = found[branch.name], expected[branch.name]
            if (table.prefix, branch.name) != ("Photon", "mass"):
                assert found.ndim == expected.ndim
                np.testing.assert_allclose(
                    ak.flatten(found, axis=None), ak.flatten(expected, axis=None), rtol=0.01
                )
    title = "particle-flow candidates (CMS: packedPFCandidates), in CMS's order"
    assert events.PFCand.layout.purelist_parameter("__doc__") == title
    assert events.Muon.pt.layout.purelist_parameter("__doc__") == "transverse momentum (GeV)"
    assert ak.all(np.abs(events.Muon.pvec.rho - np.abs(events.Muon.pt)) < 1e-3)
    mothers = events.GenPart.parent.pt
    assert ak.all(ak.is_none(mothers, axis=1)[:, :1])
    assert mothers[:, 1:].to_list() == events.GenPart.pt[:, :-1].to_list()


READ_WITH_ROOT = """
import json, sys
import ROOT

frame = ROOT.RDataFrame("Events", sys.argv[1])
file = ROOT.TFile(sys.argv[1])
tree, runs = file.Get("Events"), file.Get("Runs")
runs.GetEntry(0)
names = [str(name) for name in frame.GetColumnNames()]
columns = frame.AsNumpy(names)
json.dump(
    {
        "values": {name: [value.tolist() for value in columns[name]] for name in names},
        "titles": {name: str(tree.GetBranch(name).GetTitle()) for name in names},
        "version": runs.formatVersion,
    },
    open(sys.argv[2], "w"),
)
"""


@pytest.fixture(scope="module")
def root_python():
    """A Python with ROOT: this one, or the one that ROOT_PYTHON names."""
    python = os.environ.get("ROOT_PYTHON", sys.executable)
    found = subprocess.run([python, "-c", "import ROOT"], check=False, capture_output=True)
    if found.returncode:
        pytest.skip("ROOT is not installed; name a Python that has it in ROOT_PYTHON")
    return python


READ_NTUPLE_WITH_ROOT = """
import json, sys
import ROOT

frame = ROOT.RDataFrame("Events", sys.argv[1])
names = [str(name) for name in frame.GetColumnNames()]
columns = frame.AsNumpy(names)
reader = ROOT.RNTupleReader.Open("Events", sys.argv[1])
descriptor = reader.GetDescriptor()
titles = {
    name: str(descriptor.GetFieldDescriptor(descriptor.FindFieldId(name)).GetFieldDescription())
    for name in ("PFCand", "event")
}
provenance = ROOT.RDataFrame("Runs", sys.argv[1]).AsNumpy(["provenance"])["provenance"]
json.dump(
    {
        "values": {name: [value.tolist() for value in columns[name]] for name in names},
        "titles": titles,
        "provenance": str(provenance[0]),
    },
    open(sys.argv[2], "w"),
)
"""


@pytest.mark.root
def test_rdataframe_reads_every_field_of_an_rntuple(output, products, root_python, tmp_path):
    path = write(tmp_path / "out.root", products, basket_events=10, format="rntuple")
    result = tmp_path / "result.json"
    command = [root_python, "-c", READ_NTUPLE_WITH_ROOT, str(path), str(result)]
    subprocess.run(command, check=True)
    read = json.loads(result.read_text())
    expected = {name: array for name, array in content(output).items() if name[0] != "n"}
    assert {name.replace(".", "_") for name in read["values"]} == set(expected)
    for name, values in read["values"].items():
        assert values == expected[name.replace(".", "_")].to_list(), name
    assert read["titles"] == {
        "PFCand": MINIAOD["PackedPFCand"].title,
        "event": MINIAOD["event"].title,
    }
    assert json.loads(read["provenance"]) == {"chunk_size": EVENTS}


@pytest.mark.root
def test_rdataframe_reads_every_branch(output, root_python, tmp_path):
    result = tmp_path / "result.json"
    command = [root_python, "-c", READ_WITH_ROOT, str(output), str(result)]
    subprocess.run(command, check=True)
    read = json.loads(result.read_text())
    arrays = content(output)
    assert set(read["values"]) == set(arrays)
    for name, array in arrays.items():
        assert read["values"][name] == array.to_list(), name
    with uproot.open(output) as file:
        assert read["titles"] == {branch.name: branch.title for branch in file["Events"].branches}
    assert read["version"] == MINIAOD_FORMAT[1]


def test_an_error_or_interrupt_leaves_nothing(tmp_path, products):
    def fail(fault):
        with RootSink(tmp_path / "out.root", TABLES, file_format=MINIAOD_FORMAT) as sink:
            sink.write(Chunk("toys", 0, EVENTS, products))
            assert len(list(tmp_path.iterdir())) == 1
            raise fault

    for fault in (ValueError, KeyboardInterrupt):
        with pytest.raises(fault):
            fail(fault)
        assert list(tmp_path.iterdir()) == []


KILLED = """
import sys
import numpy as np
from sonicmini.event import Chunk
from sonicmini.io.root_sink import OutputOptions, RootSink
from sonicmini.io.schema import AOD
from tests.toys import toy_products

toys = toy_products(20, 1)
options = OutputOptions(basket_events=10)
with RootSink(sys.argv[1], AOD.values(), file_format=("x", 1), options=options) as sink:
    while True:
        sink.write(Chunk("toys", 0, 20, toys))
        print("written", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_job_leaves_no_file_that_looks_finished(tmp_path, number):
    path = tmp_path / "out.root"
    command = [sys.executable, "-c", KILLED, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as job:
        assert job.stdout is not None
        for _ in range(3):
            assert job.stdout.readline() == b"written\n"
        time.sleep(0.05)  # somewhere in a later write
        job.send_signal(number)
        job.stdout.close()
    assert not path.exists()
    assert list(tmp_path.glob("*.root")) == []
    if number == signal.SIGINT:
        assert list(tmp_path.iterdir()) == []


LIMITED = """
import resource, sys
from pathlib import Path
from sonicmini.errors import OutputError
from sonicmini.event import Chunk
from sonicmini.io.root_sink import OutputOptions, RootSink
from sonicmini.io.schema import AOD
from tests.toys import toy_products

path, limit, events = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
toys = toy_products(events, 1)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    options = OutputOptions(basket_events=10, format=sys.argv[4])
    with RootSink(path, AOD.values(), file_format=("x", 1), options=options) as sink:
        sink.write(Chunk("toys", 0, events, toys))
        sink.finish({"long": "x" * 100_000})
except OutputError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("kind", "limit", "events"),
    [
        *(("ttree", *case) for case in ((10, 1), (20_000, 1), (150_000, 1), (131_500, 0))),
        *(("rntuple", *case) for case in ((10, 1), (15_000, 1), (50_000, 1), (24_000, 0))),
        *((kind, 500_000, 50) for kind in ("ttree", "rntuple")),
    ],
)
def test_a_write_that_the_system_refuses_is_an_output_error(tmp_path, kind, limit, events):
    """At the header, the tree, a basket, and the metadata."""
    path = tmp_path / "out.root"
    command = [sys.executable, "-c", LIMITED, str(path), str(limit), str(events), kind]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{path}: cannot be written: File too large; nothing is left behind\n"
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs an administrator")
def test_a_full_disk_is_an_output_error(tmp_path, products):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["/usr/bin/mount", "-t", "tmpfs", "-o", "size=256k", "none", str(disk)]
    unmount = ["/usr/bin/umount", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no mounts here")
    try:
        (disk / "precious").write_text("content")
        with pytest.raises(OutputError, match=f"{disk}/out.root: .*: No space left on device"):
            write(disk / "out.root", products)
        assert [path.name for path in disk.iterdir()] == ["precious"]
    finally:
        subprocess.run(unmount, check=True)
