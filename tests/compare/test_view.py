import io
from dataclasses import replace

from rich.console import Console

from sonicmini.compare.branches import BranchComparison, CountDifference, Place
from sonicmini.compare.events import EventId, EventMatch
from sonicmini.compare.files import Contrast, FileComparison
from sonicmini.compare.timing import compare_reports
from sonicmini.compare.view import render_comparison, verdict_line
from tests.compare.test_timing import report

ID = EventId(1, 2, 33)
SAME = BranchComparison(name="nJet", type="int32_t", tolerance=None, compared=7)
NEAR = BranchComparison(
    name="Tag_score",
    type="float[]",
    tolerance=1e-4,
    compared=20,
    differing=4,
    max_absolute=1.5e-6,
    max_relative=2e-6,
    worst=Place(ID, 3, 0.25, 0.2500015),
)
BAD = replace(NEAR, name="Met_[pt]", outside=2, worst=Place(ID, None, 12, 13))
COUNTS = replace(
    SAME, name="Jet_pt", counts_differing=2, first_count=CountDifference(ID, 4, 5), compared=0
)
AGREED = FileComparison(
    file_a="a.root",
    file_b="b.root",
    products=("Tag",),
    tolerance=1e-4,
    events=EventMatch(events_a=7, events_b=7, common=7),
    branches=(SAME, replace(NEAR, differing=0, worst=None)),
)
EVENTS = EventMatch(
    events_a=9,
    events_b=8,
    common=2,
    only_a=(ID,) * 5,
    only_b=(EventId(1, 2, 44),),
    out_of_order=1,
    first_out_of_order=ID,
)


def shown(files, timing=None, width=110):
    text = io.StringIO()
    Console(file=text, width=width).print(render_comparison(files, timing, ("[local]", "remote")))
    return [" ".join(line.split()) for line in text.getvalue().splitlines()]


def test_little_is_said_when_all_is_well():
    assert shown(AGREED) == [
        "A [local]",
        "B remote",
        "",
        "7 events, the same in the same order",
        "compared to the last bit: 1 branches; within 0.0001: 1 (Tag)",
        "",
        "The outputs agree: 7 events, 2 branches, all values the same",
    ]


def test_differences_within_tolerance_are_listed():
    lines = shown(replace(AGREED, branches=(SAME, NEAR)))
    assert "Branches that differ by no more than they may" in lines
    assert "Tag_score 4/20 1.5e-06 2e-06 1:2:33 [3] 0.25 0.2500015" in lines
    assert lines[-1] == ("The outputs agree within tolerance: 1 branches the same, 1 within 0.0001")


def test_branches_that_differ_are_named_with_their_place():
    files = replace(AGREED, branches=(SAME, NEAR, BAD, COUNTS))
    lines = shown(files)
    assert "Met_[pt] 4/20 1.5e-06 2e-06 1:2:33 12 13" in lines
    assert "Jet_pt (values) 2 events 1:2:33 4 5" in lines
    assert lines[-1] == "The outputs differ: Met_[pt], Jet_pt"
    many = tuple(replace(BAD, name=f"Met_{i}") for i in range(8))
    assert verdict_line(replace(AGREED, branches=many)).endswith("Met_4 and 3 more")


def test_other_events_and_other_branches():
    files = replace(
        AGREED,
        events=EVENTS,
        only_a=("X_pt",),
        types=(Contrast("Y_pt", "float", "double"),),
    )
    lines = shown(files)
    assert "9 events in A, 8 in B, 2 in both" in lines
    assert f"only in A: {', '.join(['1:2:33'] * 5)} and 2 more" in lines
    assert "only in B: 1:2:44 and 5 more" in lines
    assert any("the first in A is 1:2:33" in line for line in lines)
    assert "branches only in A: X_pt" in lines
    assert "branch Y_pt is float in A and double in B" in lines
    assert lines[-1] == "The outputs differ: other events; Y_pt, X_pt"


def test_provenance_is_shown_shortened():
    contrasts = (
        Contrast("models.tagger.sha256", "a" * 64, "b" * 64),
        Contrast("modules.jets.radius", 0.4, None),
        *(Contrast(f"versions.{i}", [1], [2]) for i in range(12)),
    )
    lines = shown(replace(AGREED, provenance=contrasts))
    assert f"models.tagger.sha256 {'a' * 24}... {'b' * 24}..." in lines
    assert "modules.jets.radius 0.4 -" in lines
    assert "and 2 more (--json has all)" in lines


def test_files_that_do_not_tell_what_follows_from_a_network():
    unknown = replace(AGREED, products=None, tolerance=None, branches=(SAME,))
    reason = "the files do not tell what follows from a network"
    assert f"compared to the last bit: 1 branches; {reason}" in shown(unknown)
    near = replace(unknown, tolerance=0.01, branches=(SAME, NEAR))
    assert f"compared to the last bit: 1 branches; within 0.01: 1; {reason}" in shown(near)
    nothing = replace(AGREED, products=(), branches=(SAME,))
    assert "compared to the last bit: 1 branches" in shown(nothing)


def test_the_timing_stands_before_the_verdict():
    lines = shown(AGREED, compare_reports([report()], [report()]))
    assert lines.index("100 events") < lines.index("7 events, the same in the same order")
