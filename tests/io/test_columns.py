import awkward as ak
import numpy as np
import pytest

from sonicmini.errors import ModuleError
from sonicmini.io.columns import (
    StoredProduct,
    UnlistedProduct,
    derive_product,
    flatten,
    stored_product,
)
from sonicmini.io.schema import AOD, Branch, Collection

JET = Collection(
    "Jet",
    "jets",
    "jagged",
    (
        Branch("pt", "float32", "GeV", "transverse momentum"),
        Branch("n", "int16", "", "constituents"),
        Branch("good", "bool", "", "is good"),
        Branch("mass", "float32", "GeV", "mass", 8),
    ),
)


def jets(**columns):
    fields = {
        "pt": np.array([30, 20, 50], np.float32),
        "n": np.array([3, 2, 1], np.int16),
        "good": np.array([True, False, True]),
        "mass": np.array([1.0, 1.001, 2.0], np.float32),
    } | columns
    return ak.unflatten(ak.zip(fields, depth_limit=1), [2, 0, 1])


def flat(array, collection=JET):
    return flatten(stored_product(collection), array)


def test_branches_have_the_names_types_and_titles_of_the_table():
    stored = stored_product(JET)
    assert stored.counter == "nJet"
    assert [column.branch.name for column in stored.columns] == [
        "Jet_pt",
        "Jet_n",
        "Jet_good",
        "Jet_mass",
    ]
    assert stored.columns[0].branch.title == "transverse momentum (GeV)"
    assert stored.columns[1].branch.title == "constituents"
    assert stored.columns[1].branch.dtype == np.int16
    assert stored_product(AOD["BeamSpot"]).counter is None
    assert stored_product(AOD["run"]).columns[0].branch.name == "run"


def test_flattens_jagged_records():
    found = flat(jets())
    assert found.counts is not None
    assert found.counts.tolist() == [2, 0, 1]
    assert found.values["Jet_n"].tolist() == [3, 2, 1]
    assert {name: values.dtype.name for name, values in found.values.items()} == {
        "Jet_pt": "float32",
        "Jet_n": "int16",
        "Jet_good": "bool",
        "Jet_mass": "float32",
    }
    assert found.values["Jet_mass"].tolist() == [1.0, 1.0, 2.0]  # 8 bits


def test_the_layout_of_an_array_does_not_matter():
    whole = ak.concatenate([jets(), jets()])
    order = ak.argsort(whole.pt, ascending=False)
    for array in (whole[2:5], whole[order][2:5], whole[[2, 3, 4]], ak.to_packed(whole[2:5])):
        found = flat(array)
        assert found.counts is not None
        assert found.counts.tolist() == [1, 2, 0]
        expected = ak.to_numpy(ak.flatten(array.pt))
        assert found.values["Jet_pt"].tolist() == expected.tolist()
    masked = ak.mask(whole, [True] * 6)
    assert flat(masked).values["Jet_n"].tolist() == [3, 2, 1, 3, 2, 1]


def test_values_that_the_type_can_hold_are_cast():
    found = flat(jets(pt=np.array([1.5, 2.5, 3.5]), n=np.array([1, 2, 32767])))
    assert found.values["Jet_pt"].dtype == np.float32
    assert found.values["Jet_n"].tolist() == [1, 2, 32767]


@pytest.mark.parametrize(
    ("field", "values", "message"),
    [
        ("n", [1, 2, 32768], "Jet.n has the value 32768, which int16 cannot hold"),
        ("n", [1.0, 2.5, 3.0], "Jet.n has the value 2.5, which int16 cannot hold"),
        ("n", [1.0, np.nan, 3.0], "Jet.n has values that int16 cannot hold"),
        ("good", [0, 1, 2], "Jet.good has the value 2, which bool cannot hold"),
        ("pt", [1e30, 1e39, 1.0], "Jet.pt has values that float32 cannot hold"),
    ],
)
def test_values_that_the_type_cannot_hold_are_refused(field, values, message):
    with pytest.raises(ModuleError, match=message):
        flat(jets(**{field: np.array(values)}))


def test_infinite_values_stay():
    values = [np.inf, -np.inf, np.nan]
    found = flat(jets(pt=np.array(values, np.float64))).values["Jet_pt"]
    np.testing.assert_array_equal(found, np.array(values, np.float32))


def test_missing_fields_are_all_told():
    with pytest.raises(
        ModuleError, match=r"product Jet has no field n, mass, which .* has pt, good"
    ):
        flat(jets()[["pt", "good"]])


def test_fields_beyond_the_table_are_not_written():
    assert "Jet_area" not in flat(ak.with_field(jets(), 1.0, "area")).values


@pytest.mark.parametrize(
    "array",
    [
        ak.Array([{"pt": 1.0}, {"pt": 2.0}]),
        ak.Array([1.0, 2.0]),
        ak.Array([[{"pt": 1.0}], None]),
    ],
    ids=["records", "numbers", "missing"],
)
def test_a_jagged_collection_must_be_one(array):
    table = Collection("Jet", "jets", "jagged", (Branch("pt", "float32", "", "pt"),))
    with pytest.raises(ModuleError, match="Jet"):
        flat(array, table)


def test_missing_values_and_lists_of_lists_are_refused():
    table = Collection("Jet", "jets", "jagged", (Branch("pt", "float32", "", "pt"),))
    with pytest.raises(ModuleError, match=r"Jet.pt holds missing values"):
        flat(ak.Array([[{"pt": 1.0}, {"pt": None}]]), table)
    with pytest.raises(ModuleError, match=r"Jet.pt holds"):
        flat(ak.Array([[{"pt": [1.0, 2.0]}, {"pt": []}]]), table)


def derive(array):
    return derive_product(UnlistedProduct("Tag", "made by tagger"), array)


def test_products_without_table_get_the_types_of_their_arrays():
    scores = np.array([0.5, 0.1, 0.9], np.float32)
    array = ak.unflatten(ak.zip({"score": scores, "label": np.array([1, 2, 3], np.int8)}), [2, 1])
    stored = derive(array)
    assert stored.counter == "nTag"
    assert [
        (column.branch.name, column.branch.dtype.name, column.branch.title)
        for column in stored.columns
    ] == [
        ("Tag_score", "float32", "score, made by tagger"),
        ("Tag_label", "int8", "label, made by tagger"),
    ]
    assert flatten(stored, array).values["Tag_label"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("array", "counter", "names"),
    [
        (ak.Array([1.0, 2.0]), None, ["Tag"]),
        (ak.Array([[1.0], [], [2.0, 3.0]]), "nTag", ["Tag"]),
        (ak.Array([{"x": 1, "y": 2.0}]), None, ["Tag_x", "Tag_y"]),
        (ak.Array([[{"x": 1}], []])[1:], "nTag", ["Tag_x"]),
    ],
    ids=["numbers", "lists", "records", "no objects"],
)
def test_products_without_table_have_any_shape(array, counter, names):
    stored = derive(array)
    assert isinstance(stored, StoredProduct)
    assert stored.counter == counter
    found = flatten(stored, array)
    assert list(found.values) == names
    assert (found.counts is None) == (counter is None)


@pytest.mark.parametrize(
    "array",
    [
        ak.Array(["text"]),
        ak.Array([[[1.0], [2.0]]]),
        ak.Array([[{"x": {"y": 1.0}}]]),
        ak.Array([1.0, None]),
    ],
    ids=["text", "lists of lists", "records of records", "missing"],
)
def test_products_without_table_that_no_branch_can_hold_are_refused(array):
    with pytest.raises(ModuleError, match="Tag"):
        derive(array)
