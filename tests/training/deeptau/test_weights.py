"""Classes have their shares, and the pT spectrum of taus."""

import numpy as np
import pytest

from training.deeptau.layout import CLASSES
from training.deeptau.weights import LARGEST, PT_BINS, SHARES, weights


@pytest.fixture
def sample():
    rng = np.random.default_rng(2)
    counts = {"e": 3000, "mu": 700, "tau": 4000, "jet": 20000}
    label = np.repeat([CLASSES.index(name) for name in counts], list(counts.values()))
    pt = 20 + rng.exponential(np.array([18, 25, 30, 12])[label])
    return label, pt


def test_shares_of_classes(sample):
    label, pt = sample
    found = weights(label, pt)
    assert found.mean() == pytest.approx(1, rel=1e-5)
    for index, name in enumerate(CLASSES):
        assert found[label == index].sum() / found.sum() == pytest.approx(SHARES[name], rel=1e-4)


def test_jets_have_the_spectrum_of_taus(sample):
    label, pt = sample
    found = weights(label, pt)
    chosen = pt < 60
    spectra = {}
    for name in ("tau", "jet"):
        mine = chosen & (label == CLASSES.index(name))
        counts, _ = np.histogram(pt[mine], PT_BINS[:11], weights=found[mine])
        spectra[name] = counts / counts.sum()
    np.testing.assert_allclose(spectra["jet"], spectra["tau"], rtol=0.02)


def test_no_candidate_stands_for_many():
    label = np.array([CLASSES.index("tau")] * 100 + [CLASSES.index("jet")] * 100)
    pt = np.concatenate([np.full(100, 120.0), [120.0], np.full(99, 25.0)])
    found = weights(label, pt)[100:]
    assert (found[1:] == 0).all()
    pt[:30] = 25.0
    found = weights(label, pt)[100:]
    assert found[0] / found[1] == pytest.approx(LARGEST * 0.99 / 0.3)


def test_classes_may_be_missing_and_pt_small():
    found = weights(np.array([2, 2, 3]), np.array([18.5, 19.0, 18.2]))
    assert np.isfinite(found).all()
    assert found[:2].sum() == pytest.approx(found[2])
