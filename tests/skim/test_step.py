import awkward as ak
import numpy as np
import pytest

from sonicmini.errors import ConfigError
from sonicmini.event import Chunk
from sonicmini.skim.step import make_skim

OFFERED = {"run": ("run",), "Jet": ("SlimmedJet", "JetTag"), "MET": ("MET",)}


def chunk():
    products = {
        "run": ak.Array(np.arange(3)),
        "SlimmedJet": ak.zip({"pt": ak.Array([[50.0, 20.0], [], [90.0]])}),
        "JetTag": ak.zip({"score": ak.Array([[0.1, 0.9], [], [0.8]])}),
        "MET": ak.zip({"pt": ak.Array([5.0, 6.0, 7.0])}),
        "other": ak.Array([1, 2, 3]),
    }
    return Chunk("file", 100, 103, products)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MET.pt > 5", [1, 2]),
        ("any(Jet.pt > 40 and Jet.score > 0.5)", [2]),
        ("count(Jet.score > 0) == 0 or run == 0", [0, 1]),
        ("MET.pt > 100", []),
        ("MET.pt > 0", [0, 1, 2]),
    ],
)
def test_only_wanted_events_and_written_products_stay(expression, expected):
    skim = make_skim(expression, OFFERED, ("run", "SlimmedJet"))
    found = skim(chunk())
    assert found.size == len(expected)
    assert set(found.products) == {"run", "SlimmedJet"}
    assert found.products["run"].to_list() == expected
    assert (found.start, found.stop) == (100, 103)


def test_it_tells_which_products_it_needs():
    assert make_skim("any(Jet.pt > 40)", OFFERED, ("run",)).products == {"SlimmedJet", "JetTag"}


def test_names_that_nobody_makes_are_told_all_at_once():
    with pytest.raises(ConfigError, match=r"nobody makes Jett; did you mean Jet\?\nnobody makes X"):
        make_skim("any(Jett.pt > 40) and X.y > 2", OFFERED, ())


def test_unknown_fields_are_told_with_their_place():
    with pytest.raises(ConfigError, match="pr"):
        make_skim("any(Jet.pr > 40)", OFFERED, ())(chunk())
