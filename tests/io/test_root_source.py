import subprocess
import sys

import awkward as ak
import numpy as np
import pytest

from sonicmini.errors import ConfigError, InputError
from sonicmini.io.event_range import EventRange
from sonicmini.io.precision import truncate_mantissa
from sonicmini.io.root_source import RootSource
from sonicmini.io.schema import AOD


def gather(source):
    chunks = list(source.chunks())
    return {
        name: ak.concatenate([chunk.products[name] for chunk in chunks]) for name in source.produces
    }


def stored(products):
    """The products as the format keeps them: with fewer mantissa bits."""
    expected = {}
    for name, array in products.items():
        table = AOD[name]
        for branch in table.branches:
            if branch.bits is not None:
                values = ak.to_numpy(ak.flatten(array[branch.name], axis=None))
                values = truncate_mantissa(values, branch.bits)
                if table.kind == "jagged":
                    values = ak.unflatten(values, ak.num(array))
                array = ak.with_field(array, values, branch.name)  # noqa: PLW2901
        expected[name] = array
    return expected


def change(products, name, values):
    """A copy of the products with other values in a field, given as PRODUCT.FIELD."""
    product, field = name.split(".")
    return products | {product: ak.with_field(products[product], values, field)}


def poke(array, entry, value):
    """A copy with another first value in one event."""
    counts = ak.to_numpy(ak.num(array))
    flat = ak.to_numpy(ak.flatten(array)).copy()
    flat[counts[:entry].sum()] = value
    return ak.unflatten(flat, counts)


def test_reads_back_every_branch_of_the_format(aod_file, toys, same):
    products = gather(RootSource([aod_file]))
    expected = stored(toys)
    assert list(products) == list(AOD)
    for name, array in products.items():
        assert same(array, expected[name]), name


@pytest.mark.parametrize("size", [1, 7, 16, 25, 60, 1000])
def test_chunks_have_the_wanted_size_whatever_the_baskets(aod_file, size, same):
    chunks = list(RootSource([aod_file], chunk_size=size).chunks())
    assert [chunk.start for chunk in chunks] == list(range(0, 60, size))
    assert [chunk.stop for chunk in chunks] == [min(60, at + size) for at in range(0, 60, size)]
    whole = next(RootSource([aod_file], chunk_size=60).chunks())
    for name, array in whole.products.items():
        assert same(ak.concatenate([chunk.products[name] for chunk in chunks]), array)


def test_a_chunk_stands_for_itself(aod_file):
    """A module that looks at the buffers of its inputs sees its own events only."""
    for chunk in RootSource([aod_file], chunk_size=7).chunks():
        layout = chunk.products["PFCand"].layout
        assert layout.offsets[0] == 0
        assert len(layout.content) == layout.offsets[-1]


def test_a_chunk_never_spans_files(aod_file):
    chunks = list(RootSource([aod_file, aod_file], chunk_size=50).chunks())
    assert [(chunk.start, chunk.stop) for chunk in chunks] == [(0, 50), (50, 60)] * 2
    assert {chunk.file for chunk in chunks} == {str(aod_file)}


def test_may_be_read_twice(aod_file):
    source = RootSource([aod_file], ["event"], chunk_size=50)
    first = next(source.chunks())
    assert first.products["event"].to_list() == list(range(1, 51))
    assert [chunk.size for chunk in source.chunks()] == [50, 10]


@pytest.mark.parametrize(
    ("limit", "expected"), [(0, []), (1, [(0, 1)]), (60, [(0, 60)]), (70, [(0, 60), (0, 10)])]
)
def test_number_of_events_counts_over_all_files(aod_file, limit, expected):
    source = RootSource([aod_file, aod_file], ["run"], chunk_size=100, max_events=limit)
    assert [(chunk.start, chunk.stop) for chunk in source.chunks()] == expected
    assert source.entries == limit
    assert [(events.start, events.stop) for events in source.ranges] == expected


def test_event_ranges_of_a_file(aod_file, toys):
    ranges = [EventRange(str(aod_file), 5, 23), EventRange(str(aod_file), 58)]
    source = RootSource(ranges, ["event"], chunk_size=10)
    chunks = list(source.chunks())
    assert [(chunk.start, chunk.stop) for chunk in chunks] == [(5, 15), (15, 23), (58, 60)]
    assert gather(source)["event"].to_list() == [*range(6, 24), 59, 60]


def test_a_range_beyond_the_file_is_refused(aod_file):
    with pytest.raises(InputError, match=r"\[50:61\]: there are no such events, the file has 60"):
        RootSource([EventRange(str(aod_file), 50, 61)])


def test_a_file_without_events_gives_no_chunk(tmp_path, toys, write_aod):
    empty = write_aod(tmp_path / "empty.root", {name: array[:0] for name, array in toys.items()})
    source = RootSource([empty])
    assert source.entries == 0
    assert list(source.chunks()) == []


def test_what_nobody_wants_may_be_missing(tmp_path, toys, write_aod):
    some = {name: toys[name] for name in ("run", "PFCand", "PV")}
    file = write_aod(tmp_path / "some.root", some)
    assert RootSource([file], ["PFCand"]).produces == ("PFCand",)
    assert gather(RootSource([file], ["PFCand"]))["PFCand"].fields == toys["PFCand"].fields
    with pytest.raises(InputError, match="collection Track is missing, all 26 branches") as error:
        RootSource([file], ["PFCand", "Track", "Muon"])
    assert "collection Muon is missing" in str(error.value)


def test_only_wanted_branches_are_read(aod_file, toys, tmp_path, write_aod):
    """A fault of the content in a collection that nobody wants does not matter."""
    file = write_aod(tmp_path / "nan.root", change(toys, "Generator.weight", np.full(60, np.nan)))
    assert len(gather(RootSource([file], ["PFCand", "PV"]))["PV"]) == 60


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_an_error(tmp_path, toys, write_aod, value):
    products = change(toys, "Track.covQopQop", poke(toys["Track"].covQopQop, 42, value))
    products = change(products, "BeamSpot.z", np.where(np.arange(60) == 50, value, 0.0))
    file = write_aod(tmp_path / "bad.root", products)
    source = RootSource([file], chunk_size=60)
    with pytest.raises(InputError) as error:
        list(source.chunks())
    assert str(error.value).splitlines() == [
        f"{file}: content of events [0:60] is wrong",
        "  branch Track_covQopQop is NaN or infinite in 1 places, the first in entry 42",
        "  branch BeamSpot_z is NaN or infinite in 1 places, the first in entry 50",
    ]
    passed = gather(RootSource([file], allow_nonfinite=True))
    assert not np.isfinite(passed["BeamSpot"].z[50])


def test_events_before_the_bad_ones_are_delivered(tmp_path, toys, write_aod):
    products = change(toys, "PV.z", poke(toys["PV"].z, 42, np.nan))
    file = write_aod(tmp_path / "bad.root", products, basket=10)
    chunks = RootSource([file], chunk_size=10).chunks()
    assert [next(chunks).start for _ in range(4)] == [0, 10, 20, 30]
    with pytest.raises(InputError, match=r"events \[40:50\] is wrong\n.*PV_z .* entry 42"):
        next(chunks)


INDEX_FAULTS = [
    ("PFCand.trackIdx", -2, "Track"),
    ("PFCand.trackIdx", 1000, "Track"),
    ("Track.pvIdx", 3, "PV"),
    ("GenPart.genPartIdxMother", 0, "GenPart"),  # its own mother
    ("V0.trackIdx2", 999, "Track"),
    ("Muon.pfCandIdx", 30, "PFCand"),
]


@pytest.mark.parametrize("fault", INDEX_FAULTS, ids=str)
def test_indices_that_point_to_nothing_are_an_error(tmp_path, toys, write_aod, fault):
    name, value, target = fault
    product, field = name.split(".")
    entry = int(np.flatnonzero(ak.to_numpy(ak.num(toys[product])) > 0)[-1])
    products = change(toys, name, poke(toys[product][field], entry, value))
    file = write_aod(tmp_path / "bad.root", products)
    for wanted in (None, [product]):  # also if the target is not wanted
        with pytest.raises(InputError) as error:
            list(RootSource([file], wanted, chunk_size=60).chunks())
        place = f"in 1 places, the first in entry {entry}"
        expected = f"  branch {product}_{field} points to no {target} {place}"
        assert str(error.value).splitlines()[1:] == [expected]


def test_all_faults_of_the_request_are_told():
    with pytest.raises(ConfigError) as error:
        RootSource([], ["Tracks", "Jet"], chunk_size=0, max_events=-1)
    assert "no input file is given" in str(error.value)
    assert "no product Tracks; did you mean Track?" in str(error.value)
    assert "no product Jet" in str(error.value)
    assert "a chunk of 0 events" in str(error.value)
    assert "-1 events" in str(error.value)


def test_all_faults_of_all_files_are_told_before_the_first_event(aod_file, tmp_path):
    (tmp_path / "text.root").write_text("This is not a ROOT file.")
    files = [tmp_path / "missing.root", aod_file, tmp_path / "text.root", tmp_path]
    with pytest.raises(InputError) as error:
        RootSource(files)
    assert str(error.value).splitlines() == [
        "3 faults in 4 input files",
        f"{tmp_path}/missing.root: there is no such file",
        f"{tmp_path}/text.root: is not a ROOT file",
        f"{tmp_path}: is a folder; name the files in it",
    ]


MEASURE = """
import resource, sys
from sonicmini.io.root_source import RootSource
for chunk in RootSource(sys.argv[1:], chunk_size=16).chunks():
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_events(aod_file):
    def peak_kb(files):
        command = [sys.executable, "-c", MEASURE, *files]
        return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)

    assert peak_kb([str(aod_file)] * 40) < peak_kb([str(aod_file)] * 2) + 20_000
