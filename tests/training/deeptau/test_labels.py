"""Classes of candidates in events made by hand."""

import awkward as ak
import numpy as np
import pytest

from sonicmini.modules.gen.flags import IS_DIRECT_PROMPT_TAU_DECAY_PRODUCT, IS_PROMPT
from sonicmini.modules.gen.lepton_matches import TauGenMatch
from training.deeptau.labels import labels
from training.deeptau.layout import CLASSES

TAU_E = IS_DIRECT_PROMPT_TAU_DECAY_PRODUCT


def particles(*rows):
    """Of one event: pdgId, flags, pt, eta."""
    names = ("pdgId", "statusFlags", "pt", "eta")
    columns = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    stable = {"status": [1] * len(rows), "phi": [0.0] * len(rows)}
    return ak.zip(
        {
            **{name: ak.Array([values]) for name, values in (columns | stable).items()},
            "genPartIdxMother": ak.Array([[-1] * len(rows)]),
            "mass": ak.Array([[0.0] * len(rows)]),
        }
    )


def objects(*rows, **more):
    columns = {"pt": [row[0] for row in rows], "eta": [row[1] for row in rows]}
    columns |= {name: [value] * len(rows) for name, value in more.items()}
    columns["phi"] = [0.0] * len(rows)
    return ak.zip({name: ak.Array([values]) for name, values in columns.items()})


@pytest.mark.parametrize(
    ("particle", "expected"),
    [
        ((11, IS_PROMPT, 40.0, 0.0), "e"),
        ((-11, TAU_E, 40.0, 0.0), "e"),
        ((13, IS_PROMPT, 40.0, 0.0), "mu"),
        ((13, TAU_E, 40.0, 0.0), "mu"),
        ((13, 0, 40.0, 0.0), "jet"),
        ((13, IS_PROMPT, 40.0, 0.5), "jet"),
        ((211, IS_PROMPT, 40.0, 0.0), "jet"),
    ],
)
def test_candidate_on_a_particle(particle, expected):
    inputs = {
        "SlimmedTau": objects((42.0, 0.05)),
        "PrunedGenPart": particles(particle),
        "GenVisTau": objects((30.0, 2.0), genPartIdxMother=0),
    }
    found = labels(TauGenMatch().produce(inputs)["TauGenMatch"])
    assert [CLASSES[label] for label in found] == [expected]


def test_candidate_on_a_visible_tau_and_one_on_nothing():
    inputs = {
        "SlimmedTau": objects((50.0, 1.0), (42.0, 0.05)),
        "PrunedGenPart": particles((15, IS_PROMPT, 50.0, 0.0)),
        "GenVisTau": objects((35.0, 0.0), genPartIdxMother=0),
    }
    found = labels(TauGenMatch().produce(inputs)["TauGenMatch"])
    assert [CLASSES[label] for label in found] == ["jet", "tau"]


def test_every_flavour_of_nanoaod():
    matches = ak.Array([[{"genPartFlav": flavour} for flavour in range(6)], []])
    found = labels(matches)
    assert [CLASSES[label] for label in found] == ["jet", "e", "mu", "e", "mu", "tau"]
    assert found.dtype == np.int16
