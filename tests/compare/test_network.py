import json

import pytest

from sonicmini.compare.network import Step, holds, network_products, recorded_steps, steps_of
from sonicmini.plugins import resolve
from tests.tiny_files import PROVENANCE

CHAIN = [
    Step(("Best",), ("Late",), network=False),
    Step(("Tag", "Jet"), ("Best", "Count"), network=False),
    Step(("Jet",), ("Tag",), network=True),
    Step(("PFCand",), ("Jet",), network=False),
]


def test_all_that_is_made_of_a_network_follows_from_it():
    assert network_products(CHAIN) == {"Tag", "Best", "Count", "Late"}
    assert network_products(CHAIN[3:]) == frozenset()


def test_modules_tell_whether_they_are_networks():
    modules = [resolve("DeepMET")(), resolve("RawMET")()]
    assert network_products(steps_of(modules)) == {"DeepMETResolutionTune"}


def test_files_tell_the_same():
    steps = recorded_steps(json.loads(json.dumps(PROVENANCE)))
    assert steps is not None
    assert network_products(steps) == {"Tag", "Best"}
    merged = recorded_steps({"merged": [{"modules": {}}, PROVENANCE]})
    assert merged == steps


@pytest.mark.parametrize(
    "provenance",
    [
        {},
        {"modules": ["a"]},
        {"modules": {"a": {"type": "x:Y"}}},
        {"modules": {"a": None}},
        {"merged": [PROVENANCE, {}]},
        {"merged": 3},
    ],
)
def test_files_that_do_not_tell(provenance):
    assert recorded_steps(provenance) is None


@pytest.mark.parametrize(
    ("branch", "products", "expected"),
    [
        ("Tag_score", {"Tag"}, True),
        ("nTag", {"Tag"}, True),
        ("Tag", {"Tag"}, True),
        ("TagOther_score", {"Tag"}, False),
        ("Tag_score", set(), False),
        ("PFCand_pt", {"PackedPFCand"}, True),
        ("PackedPFCand_pt", {"PackedPFCand"}, False),
        ("PFCand_scoreOfAnother", {"PackedPFCand"}, False),
        ("DeepMETResolutionTune_pt", {"DeepMETResolutionTune"}, True),
    ],
)
def test_branches_belong_to_products(branch, products, expected):
    assert holds(branch, products) == expected
