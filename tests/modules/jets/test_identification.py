"""The identification against the cuts, one jet and one cut at a time."""

import numpy as np
import pytest

from sonicmini.modules.jets.identification import jet_id

GOOD = {
    "chHEF": 0.5,
    "neHEF": 0.3,
    "neEmEF": 0.15,
    "chEmEF": 0.03,
    "muEF": 0.02,
    "nConstituents": 20,
    "chMultiplicity": 9,
    "neMultiplicity": 11,
    "puppiMultiplicity": 15.0,
    "neutralPuppiMultiplicity": 6.0,
}


def bits(eta, *, puppi=False, **changed):
    columns = {name: np.array([value]) for name, value in (GOOD | changed).items()}
    return jet_id(np.array([eta]), columns, puppi=puppi).tolist()[0]


@pytest.mark.parametrize("puppi", [False, True])
@pytest.mark.parametrize("eta", [0.0, -2.6, 2.65, 2.9, -4.0])
def test_an_ordinary_jet_passes_everywhere(eta, puppi):
    assert bits(eta, puppi=puppi) == 6


CHS_CUTS = [
    (2.0, {"nConstituents": 1}),
    (2.0, {"neHEF": 0.9}),
    (2.0, {"neEmEF": 0.9}),
    (2.0, {"chHEF": 0.0}),
    (2.0, {"chMultiplicity": 0}),
    (2.65, {"neHEF": 0.9}),
    (2.65, {"neEmEF": 0.99}),
    (2.65, {"chMultiplicity": 0}),
    (2.9, {"neEmEF": 0.01}),
    (2.9, {"neEmEF": 0.99}),
    (2.9, {"neMultiplicity": 2}),
    (3.5, {"neHEF": 0.2}),
    (3.5, {"neEmEF": 0.9}),
    (3.5, {"neMultiplicity": 10}),
]
PUPPI_CUTS = [
    (2.0, {"puppiMultiplicity": 1.0}),
    (2.0, {"neHEF": 0.9}),
    (2.0, {"neEmEF": 0.9}),
    (2.0, {"chHEF": 0.0}),
    (2.0, {"chMultiplicity": 0}),
    (2.65, {"neHEF": 0.9}),
    (2.65, {"neEmEF": 0.99}),
    (2.9, {"neHEF": 0.9999}),
    (3.5, {"neEmEF": 0.9}),
    (3.5, {"neutralPuppiMultiplicity": 2.0}),
]


@pytest.mark.parametrize(
    ("puppi", "eta", "changed"),
    [*((False, *cut) for cut in CHS_CUTS), *((True, *cut) for cut in PUPPI_CUTS)],
)
def test_each_cut_alone_rejects(puppi, eta, changed):
    assert bits(eta, puppi=puppi, **changed) == 0


@pytest.mark.parametrize(
    ("puppi", "eta", "changed"),
    [
        (False, 2.9, {"neHEF": 0.95}),
        (False, 2.9, {"chMultiplicity": 0, "nConstituents": 1}),
        (False, 3.5, {"chHEF": 0.0}),
        (True, 2.65, {"chMultiplicity": 0}),
        (True, 2.9, {"neEmEF": 0.0, "neutralPuppiMultiplicity": 0.0}),
        (True, 3.5, {"neHEF": 0.0}),
        (True, 2.0, {"nConstituents": 1, "neMultiplicity": 0}),
    ],
)
def test_cuts_hold_in_their_region_only(puppi, eta, changed):
    assert bits(eta, puppi=puppi, **changed) == 6


@pytest.mark.parametrize("name", ["muEF", "chEmEF"])
@pytest.mark.parametrize(("eta", "expected"), [(1.0, 2), (2.65, 2), (2.9, 6), (4.0, 6)])
def test_leptons_are_vetoed_in_the_tracker(name, eta, expected):
    assert bits(eta, **{name: 0.8}) == expected
