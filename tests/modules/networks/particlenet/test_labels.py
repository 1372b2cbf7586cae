"""Names of classes, and discriminators."""

import numpy as np
import pytest

from sonicmini.modules.networks.particlenet.labels import Ratio, discriminator, label_of, total


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("label_b", "b"),
        ("label_uds", "uds"),
        ("label_Top_bcq", "Tbcq"),
        ("label_Tbcq", "Tbcq"),
        ("fj_label_QCD_others", "QCDothers"),
        ("label_H_qqqq", "Hqqqq"),
        ("probXbb", "Xbb"),
        ("label_X_bb", "Xbb"),
        ("mass", "mass"),
    ],
)
def test_labels_have_the_names_of_cmssw(name, label):
    assert label_of(name) == label


def test_discriminators_are_ratios_and_0_for_nothing():
    scores = {
        "b": np.array([0.3, 0, 0], np.float32),
        "bb": np.array([0.1, 0, 0], np.float32),
        "c": np.array([0.4, 0, 1], np.float32),
        "g": np.array([0.2, 0, 0], np.float32),
    }
    found = discriminator(scores, Ratio(("b", "bb"), ("c",)))
    np.testing.assert_allclose(found, [0.5, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(total(scores, ("b", "g")), [0.5, 0, 0], rtol=1e-6)
