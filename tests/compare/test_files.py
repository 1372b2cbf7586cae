import copy

import awkward as ak
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sonicmini.compare.events import EventId
from sonicmini.compare.files import TOLERANCE, Contrast, compare_files
from sonicmini.errors import InputError
from tests.tiny_files import PROVENANCE, changed, content, write

A = content()
SCORES = ("nTag", "Tag_score", "Best_pt", "Best_phi", "Best_index")


def event(position):
    return EventId(1, 7, 100 + position)


def value(branches, name, place):
    prefix, _, field = name.partition("_")
    return branches[name][place] if name in branches else branches[prefix][field][place]


@pytest.fixture
def compare(tmp_path):
    """Writes two contents and compares the files."""

    def compare(a, b, *, provenance=PROVENANCE, other=PROVENANCE, **options):
        paths = (tmp_path / "a.root", tmp_path / "b.root")
        return compare_files(write(paths[0], a, provenance), write(paths[1], b, other), **options)

    return compare


def by_name(comparison):
    return {branch.name: branch for branch in comparison.branches}


def test_a_file_agrees_with_itself(compare):
    found = compare(A, A)
    assert found.verdict == "agree"
    assert found.differing == ()
    assert len(found.branches) == 13
    assert {branch.differing for branch in found.branches} == {0}
    assert by_name(found)["Jet_pt"].compared == len(ak.flatten(A["Jet"].pt))
    assert found.provenance == ()


def test_what_follows_from_a_network_has_a_tolerance(compare):
    found = compare(A, A)
    assert found.products == ("Best", "Tag")
    near = {branch.name for branch in found.branches if branch.tolerance == TOLERANCE}
    assert near == {"Tag_score", "Best_pt", "Best_phi"}


@pytest.mark.parametrize(
    ("relative", "verdict"),
    [(0.9e-4, "agree within tolerance"), (3e-4, "differ"), (np.nan, "differ")],
)
def test_scores_agree_within_tolerance(relative, verdict, compare):
    pt = A["Best_pt"][3]
    found = compare(A, changed(A, "Best_pt", (3,), pt * (1 + relative)))
    branch = by_name(found)["Best_pt"]
    assert found.verdict == branch.verdict == verdict
    assert (branch.differing, branch.outside) == (1, int(verdict == "differ"))
    assert branch.worst is not None
    assert branch.worst.event == event(3)
    assert branch.worst.a == pt
    if relative == relative:  # noqa: PLR0124
        assert branch.max_relative == pytest.approx(relative, rel=0.01)
    else:
        assert branch.max_absolute == np.inf


def test_everything_else_must_be_the_same_to_the_last_bit(compare):
    pt = A["Jet"].pt[0, 1]
    found = compare(A, changed(A, "Jet_pt", (0, 1), np.nextafter(pt, np.float32(100))))
    assert found.verdict == "differ"
    assert found.differing == ("Jet_pt",)


def test_integers_of_a_network_are_exact_too(compare):
    found = compare(A, changed(A, "Best_index", (2,), 1))
    assert found.differing == ("Best_index",)
    branch = by_name(found)["Best_index"]
    assert branch.worst is not None
    assert (branch.max_absolute, branch.worst.a, branch.worst.b) == (1, 0, 1)


def test_a_full_turn_is_no_difference_of_an_angle(compare):
    near = np.float32(np.pi)
    a, b = (changed(A, "Best_phi", (1,), sign * near) for sign in (1, -1))
    assert compare(a, b).verdict == "agree within tolerance"
    a, b = (changed(A, "Best_pt", (1,), sign * near) for sign in (1, -1))
    assert compare(a, b).verdict == "differ"


def test_the_direction_of_almost_nothing_may_be_anything(compare):
    short = changed(A, "Best_pt", (1,), 1e-5)
    turned = changed(short, "Best_phi", (1,), 0.5 + short["Best_phi"][1])
    assert compare(short, turned).verdict == "agree within tolerance"
    assert compare(A, changed(A, "Best_phi", (1,), 0.5 + A["Best_phi"][1])).verdict == "differ"


def test_nan_agrees_with_nan(compare):
    a = changed(changed(A, "Best_pt", (1,), np.nan), "Jet_pt", (0, 0), np.nan)
    assert compare(a, a).verdict == "agree"
    assert compare(a, A).differing == ("Jet_pt", "Best_pt")


def test_another_tolerance(compare):
    b = changed(A, "Best_pt", (3,), A["Best_pt"][3] * 1.001)
    assert compare(A, b, tolerance=0.01).verdict == "agree within tolerance"
    exact = compare(A, b, tolerance=0.0)
    assert exact.verdict == "differ"
    assert by_name(exact)["Best_pt"].worst is not None
    assert compare(A, A, tolerance=0.0).verdict == "agree"


def test_products_may_be_told(compare):
    b = changed(A, "Jet_pt", (0, 1), A["Jet"].pt[0, 1] * np.float32(1.00001))
    assert compare(A, b, products={"Jet"}).verdict == "agree within tolerance"
    assert compare(A, b, products=()).verdict == "differ"


@pytest.mark.parametrize("silent", [{"provenance": None}, {"other": {}}])
def test_without_provenance_all_must_be_the_same_unless_a_tolerance_is_given(silent, compare):
    b = changed(A, "Jet_pt", (0, 1), A["Jet"].pt[0, 1] * np.float32(1.00001))
    found = compare(A, b, **silent)
    assert (found.products, found.tolerance, found.verdict) == (None, None, "differ")
    assert compare(A, b, tolerance=1e-4, **silent).verdict == "agree within tolerance"
    flag = changed(A, "Jet_good", (0, 1), not A["Jet"].good[0, 1])
    assert compare(A, flag, tolerance=1e9, **silent).differing == ("Jet_good",)


def test_missing_and_extra_events(compare):
    every = {name: array[np.array([0, 1, 3, 4, 5])] for name, array in A.items()}
    found = compare(A, every)
    assert found.verdict == "differ"
    assert found.events.only_a == (event(2),)
    assert found.differing == ()
    back = compare(every, A)
    assert back.events.only_b == (event(2),)
    none = compare(A, {name: array[:0] for name, array in A.items()})
    assert (none.events.common, none.verdict) == (0, "differ")


def test_permuted_events_are_told_and_compared_all_the_same(compare):
    order = np.array([3, 1, 0, 2, 5, 4])
    shuffled = {name: array[order] for name, array in A.items()}
    found = compare(A, shuffled)
    assert found.verdict == "differ"
    assert found.differing == ()
    assert found.events.common == 6
    assert found.events.first_out_of_order == event(1)
    found = compare(A, changed(shuffled, "Best_index", (4,), 9))
    worst = by_name(found)["Best_index"].worst
    assert worst is not None
    assert worst.event == event(5)


def test_branches_of_one_file_only(compare):
    less = {name: array for name, array in A.items() if name not in ("Tag", "Best_pt")}
    found = compare(A, less)
    assert (found.only_a, found.only_b) == (("nTag", "Tag_score", "Best_pt"), ())
    assert found.verdict == "differ"
    assert compare(less, A).only_b == found.only_a


def test_types_are_compared_not_converted(compare):
    found = compare(A, A | {"Best_index": A["Best_index"].astype(np.int64)})
    assert found.types == (Contrast("Best_index", "int32_t", "int64_t"),)
    assert found.differing == ("Best_index",)


def test_counts_must_agree_and_the_other_events_are_still_compared(compare):
    fields = {name: A["Jet"][name] for name in A["Jet"].fields}
    fewer = {name: ak.concatenate([array[:1, :1], array[1:]]) for name, array in fields.items()}
    b = A | {"Jet": ak.zip(fewer)}
    last = max(i for i in range(6) if len(A["Jet"][i]))
    found = compare(A, changed(b, "Jet_n", (last, 0), 77), products={"Jet", "Tag"})
    assert set(found.differing) == {"nJet", "Jet_pt", "Jet_phi", "Jet_n", "Jet_good"}
    branch = by_name(found)["Jet_n"]
    assert branch.counts_differing == 1
    assert branch.first_count is not None
    assert (branch.first_count.event, branch.first_count.a, branch.first_count.b) == (
        event(0),
        2,
        1,
    )
    assert branch.differing == 1
    assert branch.compared == len(ak.flatten(A["Jet"].n)) - 2
    assert branch.worst is not None
    assert (branch.worst.event, branch.worst.index, branch.worst.b) == (event(last), 0, 77)
    assert by_name(found)["Jet_pt"].worst is None


def test_how_the_files_were_made_is_told_and_no_difference(compare):
    other = copy.deepcopy(PROVENANCE)
    other["models"]["tagger"]["sha256"] = "bb"
    del other["models"]["tagger"]["version"]
    other["modules"]["jets"]["consumes"] = ["PFCand", "PV"]
    found = compare(A, A, other=other)
    assert found.verdict == "agree"
    assert found.provenance == (
        Contrast("models.tagger.version", 1, None),
        Contrast("models.tagger.sha256", "aa", "bb"),
        Contrast("modules.jets.consumes.1", None, "PV"),
    )


def test_files_that_cannot_be_read(tmp_path):
    path = write(tmp_path / "a.root", A)
    with pytest.raises(InputError, match="there is no such file"):
        compare_files(path, str(tmp_path / "b.root"))


def test_no_events_agree(compare):
    none = {name: array[:0] for name, array in A.items()}
    assert compare(none, none).verdict == "agree"


LARGE = content(1500, seed=3)
NAMES = st.sampled_from(
    ["Jet_pt", "Jet_n", "Jet_good", "Tag_score", "Best_pt", "Best_phi", "Best_index"]
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), name=NAMES, baskets=st.tuples(st.integers(1, 3), st.integers(1, 5)))
def test_a_single_changed_value_is_found_where_it_is(data, name, baskets, tmp_path):
    at = data.draw(st.integers(0, 1499))
    place: tuple[int, ...] = (at,)
    if name.startswith(("Jet", "Tag")):
        while not len(LARGE["Jet"][at]):
            at -= 1
        place = (at, data.draw(st.integers(0, len(LARGE["Jet"][at]) - 1)))
    before = value(LARGE, name, place)
    after = not before if name == "Jet_good" else before + 1
    paths = [tmp_path / "a.root", tmp_path / "b.root"]
    write(paths[0], LARGE, PROVENANCE, baskets=baskets[0])
    write(paths[1], changed(LARGE, name, place, after), PROVENANCE, baskets=baskets[1])
    found = compare_files(*map(str, paths))
    assert found.differing == (name,)
    branch = by_name(found)[name]
    assert branch.worst is not None
    assert branch.differing == branch.outside == 1
    assert branch.worst.event == event(at)
    assert branch.worst.index == (place[1] if len(place) == 2 else None)
    assert (branch.worst.a, branch.worst.b) == pytest.approx((before, after))
