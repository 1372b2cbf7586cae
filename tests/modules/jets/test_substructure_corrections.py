"""Corrections of subjets: those of AK4 PUPPI jets, without pileup."""

import correctionlib
import numpy as np
import pytest

from sonicmini.modules.columns import jagged
from sonicmini.modules.jets.corrections import AK4_FILE, TAG
from sonicmini.modules.jets.substructure_corrections import AK8PuppiSubJetCorrections
from sonicmini.resources import bundled


def test_are_those_of_the_file():
    rng = np.random.default_rng(1)
    subjets = {"pt": rng.uniform(20, 900, 7), "eta": rng.uniform(-2.4, 2.4, 7)}
    inputs = {"AK8PuppiSubJet": jagged(np.array([0, 3, 3, 7]), subjets)}
    made = AK8PuppiSubJetCorrections().produce(inputs)["AK8PuppiSubJetCorrection"]
    assert [len(event) for event in made.to_list()] == [3, 0, 4]
    compound = correctionlib.CorrectionSet.from_file(str(bundled(AK4_FILE))).compound
    for row, pt, eta in zip(
        [row for event in made.to_list() for row in event], *subjets.values(), strict=True
    ):
        expected = compound[f"{TAG}_L1L2L3_AK4PFPuppi"].evaluate(0.0, eta, pt, 0.0)
        assert row["factor"] == pytest.approx(expected)


def test_no_subjets():
    inputs = {"AK8PuppiSubJet": jagged(np.array([0]), {"pt": np.zeros(0), "eta": np.zeros(0)})}
    assert len(AK8PuppiSubJetCorrections().produce(inputs)["AK8PuppiSubJetCorrection"]) == 0


def test_a_file_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"cannot read nowhere\.json"):
        AK8PuppiSubJetCorrections(file="nowhere.json")
