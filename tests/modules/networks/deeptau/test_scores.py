"""Discriminators of taus and their working points."""

import json

import numpy as np
import pytest

from sonicmini.errors import ModelError
from sonicmini.modules.networks.deeptau.scores import FILE, discriminators, read_working_points

POINTS = {
    "VSe": {"Loose": 0.2, "Medium": 0.5, "Tight": 0.9},
    "VSmu": {"Loose": 0.5},
    "VSjet": {"Loose": 0.25, "Tight": 0.75},
}


def test_a_score_is_the_share_of_the_tau_among_two(tmp_path):
    (tmp_path / FILE).write_text(json.dumps(POINTS))
    probabilities = np.array([[0.1, 0.0, 0.9, 0.0], [0.2, 0.3, 0.2, 0.3], [0, 0, 0, 1]], np.float32)
    sent = np.array([True, True, False, True])
    columns = discriminators(probabilities, sent, read_working_points(tmp_path))
    expected = {
        "rawDeepTau2018v2p5VSe": [0.9, 0.5, -1, 0],
        "rawDeepTau2018v2p5VSmu": [1, 0.4, -1, 0],
        "rawDeepTau2018v2p5VSjet": [1, 0.4, -1, 0],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(columns[name], values, rtol=1e-6)
    # The threshold itself does not pass.
    assert columns["idDeepTau2018v2p5VSe"].tolist() == [2, 1, 0, 0]
    assert columns["idDeepTau2018v2p5VSmu"].tolist() == [1, 0, 0, 0]
    assert columns["idDeepTau2018v2p5VSjet"].tolist() == [2, 1, 0, 0]


def test_without_working_points_none_is_known(tmp_path):
    assert read_working_points(tmp_path) is None
    columns = discriminators(np.full((2, 4), 0.25, np.float32), np.ones(2, bool), None)
    assert columns["idDeepTau2018v2p5VSjet"].tolist() == [-1, -1]
    assert columns["rawDeepTau2018v2p5VSjet"].tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("{", "unreadable"),
        ("[]", "VSe has no working points\n- VSmu has"),
        (json.dumps(POINTS | {"VSmu": {}}), "VSmu has no working points"),
        (json.dumps(POINTS | {"VSjet": {"a": 0.5, "b": 0.4}}), "VSjet is not ascending"),
        (json.dumps(POINTS | {"VSe": {"a": "0.5"}}), "VSe has a threshold that is not a number"),
    ],
)
def test_wrong_working_points_are_refused(tmp_path, content, named):
    (tmp_path / FILE).write_text(content)
    with pytest.raises(ModelError, match=named):
        read_working_points(tmp_path)
