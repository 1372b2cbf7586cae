"""Uncertainties of candidates against CMS's formulas, and their sum against a literal loop."""

import math

import awkward as ak
import numpy as np
import pytest

from sonicmini.modules.met.unclustered import candidate_uncertainty, unclustered_shift
from tests.toys import toy_products


def formula(pt, eta, mass, identity):
    """As in CMS's configuration: x is pT or energy, y the pseudorapidity."""
    energy = math.hypot(pt * math.cosh(eta), mass)
    match identity:
        case 130 if abs(eta) < 1.3:
            return min(0.25, math.sqrt(0.64 / energy + 0.0025))
        case 130:
            return min(0.30, math.sqrt(1.0 / energy + 0.0016))
        case 22:
            return math.sqrt(0.0009 / energy + 0.000001)
        case 1 | 2:
            return math.sqrt(1.0 / energy + 0.0025)
    angle = 2 * math.atan(math.exp(-eta))
    return math.sqrt((0.00009 * pt) ** 2 + (0.0085 / math.sqrt(math.sin(angle))) ** 2)


@pytest.mark.parametrize("identity", [211, 130, 22, 1, 2])
@pytest.mark.parametrize("eta", [0.1, -1.2, 1.31, 2.7, -4.5])
@pytest.mark.parametrize("pt", [0.3, 5.0, 400.0])
def test_uncertainty_is_cms_formula(pt, eta, identity):
    expected = formula(pt, eta, 0.14, identity)
    assert candidate_uncertainty(pt, eta, 0.14, identity) == pytest.approx(expected, rel=1e-9)


def test_a_photon_of_nine_gev_is_known_to_one_percent():
    assert candidate_uncertainty(9.0, 0.0, 0.0, 22) == pytest.approx(math.sqrt(1.01e-4))


def test_shift_is_the_sum_over_what_is_outside_jets_and_leptons():
    sizes = (300, 0, 1, 50)
    rng = np.random.default_rng(3)
    candidates = toy_products(len(sizes), 3, candidates=sizes)["PFCand"]
    weight, clustered = rng.choice([0.0, 0.4, 1.0], sum(sizes)), rng.random(sum(sizes)) < 0.3
    shifts = unclustered_shift(candidates, weight, clustered)
    place = 0
    for i, event in enumerate(candidates.to_list()):
        x = y = 0.0
        for c in event:
            w = weight[place]
            if w > 0 and not clustered[place] and abs(c["pdgId"]) not in (11, 13):
                change = (
                    w * c["pt"] * formula(w * c["pt"], c["eta"], w * c["mass"], abs(c["pdgId"]))
                )
                x += change * math.cos(c["phi"])
                y += change * math.sin(c["phi"])
            place += 1
        assert (shifts[0][i], shifts[1][i]) == pytest.approx((x, y), rel=1e-9, abs=1e-12)
    assert shifts[0][1] == 0.0


def test_no_events():
    candidates = toy_products(1, 1, candidates=[2])["PFCand"][:0]
    x, y = unclustered_shift(candidates, np.zeros(0), np.zeros(0, dtype=bool))
    assert len(x) == len(y) == len(ak.Array(x)) == 0
