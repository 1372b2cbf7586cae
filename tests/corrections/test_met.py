"""Terms of the covariance of missing momenta are found in artificial events."""

import numpy as np
import pytest

from corrections.met import Residuals, fit_terms
from corrections.pages import met_table, write_part


def artificial(a, b, n=20_000, response=1.0):
    """Gaussian residuals with a jet along x of 10 GeV resolution in half of the events."""
    rng = np.random.default_rng(5)
    sum_pt = rng.uniform(50, 1500, n)
    xx = np.where(rng.random(n) < 0.5, 100.0, 0.0)
    rest = a**2 + b**2 * sum_pt
    gen_x, gen_y = rng.normal(0, 80, (2, n))
    x = rng.normal(0, np.sqrt(xx + rest)) + (response - 1) * gen_x
    y = rng.normal(0, np.sqrt(rest)) + (response - 1) * gen_y
    zero = np.zeros(n)
    return Residuals(x, y, xx, zero, zero, sum_pt, gen_x, gen_y)


def test_terms_are_found():
    a, b = fit_terms(artificial(12.0, 0.6))
    # Events beyond a chi2 of 9 are cut off: 1.1 % of all, which takes 3 % from the width.
    assert a == pytest.approx(12.0, rel=0.08)
    assert b == pytest.approx(0.6, rel=0.08)


def test_chi2_is_that_of_two_degrees_of_freedom():
    chi2, _ = artificial(12.0, 0.6).chi2((12.0, 0.6))
    assert np.median(chi2) == pytest.approx(2 * np.log(2), rel=0.03)
    assert np.mean(chi2 > 9.21) == pytest.approx(0.01, abs=0.003)


def test_response_and_width_after_division():
    found = artificial(20.0, 0.0, response=0.8)
    assert found.response() == pytest.approx(0.8, abs=0.01)
    assert found.width() == pytest.approx(20.0 / 0.8, rel=0.15)  # jets widen one component
    assert found.width() > 20.0 / 0.8


def test_a_part_of_a_page_is_replaced_and_nothing_else(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- x -->\nold\n<!-- end of x -->\nafter\n", encoding="utf-8")
    found = artificial(12.0, 0.6, 500)
    table = met_table({"MET": (12.0, 0.6)}, {"MET": (found, found)})
    for _ in range(2):
        write_part(page, "x", table)
        text = page.read_text(encoding="utf-8")
        assert text == f"before\n<!-- x -->\n\n{table}\n\n<!-- end of x -->\nafter\n"
    assert "| MET | 12.00 | 0.600 |" in table
