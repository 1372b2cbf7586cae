"""The derivation finds what was put into artificial jets."""

import correctionlib
import numpy as np
import pytest

from corrections.binning import Point, eta_bins, within
from corrections.closure import closure_table
from corrections.fit import cross_corrected, fit
from corrections.matched import Matched
from corrections.offset import fit_offsets, offset_factor
from corrections.resolution import Terms, fit_resolution
from corrections.response import MAX_DEGREE, Curve, fit_response, rises
from corrections.schema import write_corrections

AREA = np.pi * 0.16


def response(gen_pt, eta):
    """Lower for soft jets and forward."""
    return 0.95 - 0.4 / np.sqrt(gen_pt) - 0.02 * np.abs(eta)


def density(eta, rho):
    """The pileup (GeV per area) beyond that of an event without pileup, at 1 GeV."""
    return (0.2 + 0.15 * np.abs(eta)) * (rho - 1.0) + 0.002 * (rho**2 - 1.0)


def artificial(seed, n=60_000):
    """Jets with a known response, offset and resolution."""
    rng = np.random.default_rng(seed)
    gen_pt = np.exp(rng.uniform(np.log(10), np.log(1500), n))
    eta = rng.uniform(-5.1, 5.1, n)
    pileup = rng.choice([0.0, 20.0, 40.0], n)
    rho = np.where(pileup == 0.0, 1.0, 0.6 * pileup + rng.normal(0, 2, n))
    width = np.sqrt(1.0 / gen_pt + 0.0025)
    pt = gen_pt * response(gen_pt, eta) * (1 + width * rng.normal(0, 1, n))
    pt = np.maximum(pt, 1.0) + AREA * density(eta, rho)
    phi = rng.uniform(-np.pi, np.pi, n)
    turned = phi + rng.normal(0, 0.6, n) / gen_pt
    turned = (turned + np.pi) % (2 * np.pi) - np.pi
    area = np.full(n, AREA)
    return Matched(pt, eta, turned, area, gen_pt, eta, phi, rho, pileup)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Derived from artificial jets in ten samples: the corrections, the jets, their file."""
    path = tmp_path_factory.mktemp("corrections") / "test.json.gz"
    pairs = artificial(1)
    pairs = pairs.where(pairs.gen_pt > 12)
    independent = cross_corrected("AK4PFchs", pairs, np.arange(len(pairs.pt)) % 10)
    derived = fit("AK4PFchs", pairs, independent)
    write_corrections([derived], path, "of artificial jets")
    return derived, (pairs, independent), path


def corrected(pairs, path):
    """The corrected pT, as a user of the file would have it."""
    compound = correctionlib.CorrectionSet.from_file(str(path)).compound
    factor = compound["sonicmini_MC_L1L2L3_AK4PFchs"]
    return pairs.pt * factor.evaluate(pairs.area, pairs.eta, pairs.pt, pairs.rho)


def test_offsets_are_found():
    pairs = artificial(3, 400_000)
    offsets = fit_offsets(pairs.where(pairs.gen_pt > 12))
    left = np.array(
        [
            [a + b * rho + c * rho**2 - density(0.5 * sum(edges), rho) for rho in (1.0, 12.0, 24.0)]
            for edges, (a, b, c) in zip(eta_bins(), offsets, strict=True)
        ]
    )
    assert np.abs(left).max() < 1.0  # of up to 22 GeV per area; four times the statistical error
    assert np.abs(left.mean(axis=0)).max() < 0.25
    factor = offset_factor(pairs, offsets)
    quiet = pairs.pileup == 0
    assert factor[quiet] == pytest.approx(1.0, abs=0.01)
    assert np.all(factor[~quiet & (pairs.rho > 3)] < 1.0)


def test_the_inverted_response_gives_generated_momenta_back():
    points = []
    for gen_pt in np.geomspace(15, 1000, 20):
        value = float(response(gen_pt, 1.0))
        points.append(Point(gen_pt, gen_pt, float(gen_pt), value, 0.004, 0.1, 1000))
    curve = fit_response(points)
    gen_pt = np.geomspace(16, 950, 50)
    reconstructed = gen_pt * response(gen_pt, 1.0)
    np.testing.assert_allclose(reconstructed * curve(reconstructed), gen_pt, rtol=0.005)
    assert len(curve.coefficients) <= MAX_DEGREE + 1


def test_noise_makes_no_curve_that_swaps_jets():
    rng = np.random.default_rng(4)
    for _ in range(20):
        values = rng.uniform(0.5, 1.5, 8).tolist()
        gen_pt = np.geomspace(15, 100, 8).tolist()
        points = [
            Point(pt, pt, pt, value, 0.01, 0.1, 50)
            for pt, value in zip(gen_pt, values, strict=True)
        ]
        assert rises(fit_response(points))
    assert not rises(Curve((3.0, -1.0), 10.0, 500.0))


def test_terms_of_the_resolution_are_found():
    true = Terms(4.0, 0.3, 0.6, 0.0025, 0.0, np.inf)
    points = []
    for rho in (5.0, 20.0, 40.0):
        for pt in np.geomspace(15, 1000, 15).tolist():
            width = float(true(np.array([pt]), np.array([rho]))[0])
            points.append((Point(pt, pt, pt, 1.0, 0.01, width, 500), rho))
    found = fit_resolution(points)
    assert found[:4] == pytest.approx(true[:4], rel=0.02)
    assert (found.low, found.high) == pytest.approx((15, 1000))


def test_closure_on_independent_jets(files):
    derived, (pairs, independent), path = files
    others = artificial(5)
    for jets, pt in ((others, corrected(others, path)), (pairs, independent)):
        cells = closure_table(jets, pt, 20.0)
        assert len(cells) == 35
        for cell in cells:
            assert cell.found is not None
            assert cell.found.value == pytest.approx(1.0, abs=0.012 + 3 * cell.found.error)
            expected = np.sqrt(1.0 / cell.found.gen_pt + 0.0025)
            assert cell.found.width == pytest.approx(expected, rel=0.25)
    for edges, values in derived.uncertainty:
        assert edges[0] == 15.0
        assert len(values) == len(edges) - 1
        assert 0.0 < min(values) <= max(values) < 0.06


def test_jets_are_corrected_without_their_own_sample():
    pairs = artificial(7, 20_000)
    pairs = pairs.where(pairs.gen_pt > 12)
    sample = np.arange(len(pairs.pt)) % 10
    wrong = pairs.pt * np.where(sample % 5 == 2, 2.0, 1.0)
    changed = Matched(**(vars(pairs) | {"pt": wrong}))
    before = cross_corrected("AK4PFPuppi", pairs, sample)
    after = cross_corrected("AK4PFPuppi", changed, sample)
    odd = sample % 5 == 2
    assert np.median(after[odd] / before[odd]) == pytest.approx(2.0, rel=0.2)
    assert np.median(after[~odd] / before[~odd]) < 0.99


def test_resolutions_of_the_file_are_those_of_the_jets(files):
    _, _, path = files
    found = correctionlib.CorrectionSet.from_file(str(path))
    for pt in (30.0, 100.0, 400.0):
        values = found["sonicmini_MC_PtResolution_AK4PFchs"].evaluate(0.5, pt, 10.0)
        assert values == pytest.approx(np.sqrt(1.0 / pt + 0.0025), rel=0.1)
        values = found["sonicmini_MC_PhiResolution_AK4PFchs"].evaluate(-0.5, pt, 10.0)
        assert values == pytest.approx(0.6 / pt, rel=0.1)


def test_the_same_corrections_give_the_same_file(files, tmp_path):
    derived, _, path = files
    write_corrections([derived], tmp_path / "again.json.gz", "of artificial jets")
    assert (tmp_path / "again.json.gz").read_bytes() == path.read_bytes()


def test_few_jets_use_what_was_found_before():
    pairs = artificial(6, 20_000)
    central = pairs.where(within(pairs.eta, 0.0, 3.0))
    derived = fit("AK8PFPuppi", central, central.pt)
    assert derived.offsets is None
    assert len(set(derived.curves[-3:])) == 1
    assert derived.pt_resolution[-1] == derived.pt_resolution[-3]
