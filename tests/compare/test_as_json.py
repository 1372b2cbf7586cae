import json
from dataclasses import replace

from sonicmini.compare.as_json import to_json
from sonicmini.compare.branches import Place
from sonicmini.compare.timing import compare_reports
from tests.compare.test_timing import report
from tests.compare.test_view import AGREED, BAD, ID


def test_everything_is_in_the_json():
    reports = [[report()], [report(20)]]
    made = to_json(AGREED, compare_reports(*reports), ("a", "b"), reports)
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert (made["version"], made["verdict"], made["agrees"]) == (1, "agree", True)
    assert made["files"]["branches"][0]["name"] == "nJet"
    assert made["files"]["events"]["common"] == 7
    assert made["timing"]["ratio"]["median"] == 2
    assert made["reports"]["b"][0]["events_per_s"] == 20


def test_json_has_no_infinity():
    worst = Place(ID, 0, float("nan"), 1.0)
    bad = replace(BAD, max_absolute=float("inf"), worst=worst)
    made = to_json(replace(AGREED, branches=(bad,)), None, ("a", "b"), ())
    (branch,) = json.loads(json.dumps(made, allow_nan=False))["files"]["branches"]
    assert (branch["max_absolute"], branch["worst"]["a"]) == ("inf", "nan")
    assert branch["worst"]["event"] == list(ID)
    assert branch["verdict"] == "differ"
    assert made["differing"] == ["Met_[pt]"]
    assert made["timing"] is made["reports"] is None
