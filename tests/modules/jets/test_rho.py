"""Densities against FastJet's own estimator, and against sums cell by cell."""

import math
import statistics

import awkward as ak
import fastjet._swig as fj
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonicmini.modules.jets.rho import CMS_GRID, FixedGridRho, fastjet_grid, median_density
from tests.toys import toy_products

SIZES = (1500, 0, 1, 700)
KINDS = ("All", "FastjetAll", "FastjetCentral", "FastjetCentralNeutral")
PILEUP = "FastjetCentralChargedPileUp"


def inputs_of_rho(seed=1, sizes=SIZES):
    rng = np.random.default_rng(seed)
    products = toy_products(len(sizes), seed, candidates=sizes)
    vertex = {
        "pvIdx": rng.integers(-1, 4, sum(sizes)).astype(np.int16),
        "puppiFromPV": rng.integers(0, 4, sum(sizes)).astype(np.uint8),
    }
    products["PFCandVertex"] = ak.unflatten(ak.zip(vertex), sizes)
    return products


def fastjet_rho(candidates, y_max):
    estimator = fj.GridMedianBackgroundEstimator(y_max, 0.55)
    particles = []
    for c in candidates:
        jet = fj.PseudoJet(0.0, 0.0, 0.0, 0.0)
        mt = math.hypot(c["pt"], c["mass"])
        y = math.asinh(c["pt"] * math.sinh(c["eta"]) / mt)
        jet.reset_PtYPhiM(c["pt"], y, c["phi"], c["mass"])
        particles.append(jet)
    estimator.set_particles(particles)
    return estimator.rho()


def chosen(products, event, kind):
    candidates = products["PFCand"][event].to_list()
    if kind == "FastjetCentralNeutral":
        return [c for c in candidates if c["pdgId"] in (22, 130)]
    if kind == PILEUP:
        vertices = products["PFCandVertex"][event].to_list()
        return [
            c
            for c, v in zip(candidates, vertices, strict=True)
            if abs(c["pdgId"]) == 211 and v["pvIdx"] >= 0 and v["puppiFromPV"] in (0, 1)
        ]
    return candidates


@pytest.mark.parametrize("kind", [*KINDS[1:], PILEUP])
def test_densities_are_those_of_fastjet(kind):
    products = inputs_of_rho()
    found = FixedGridRho().produce(products)["Rho"][f"fixedGridRho{kind}"]
    y_max = 5.0 if kind == "FastjetAll" else 2.5
    for event in range(len(SIZES)):
        expected = fastjet_rho(chosen(products, event, kind), y_max)
        assert found[event] == pytest.approx(expected, rel=1e-6)
    assert found[0] > 0 or kind == PILEUP


def test_cms_grid_cell_by_cell():
    products = inputs_of_rho()
    found = FixedGridRho().produce(products)["Rho"].fixedGridRhoAll
    for event in range(len(SIZES)):
        candidates = products["PFCand"][event].to_list()
        sums = [
            math.fsum(
                c["pt"]
                for c in candidates
                if abs(c["eta"] - (-5.1 + 0.6 * i)) < 0.3
                and abs(math.remainder(c["phi"] - math.pi * (j + 0.5) / 5, 2 * math.pi))
                < math.pi / 10
            )
            for i in range(18)
            for j in range(10)
        ]
        expected = statistics.median(sums) / (0.6 * math.pi / 5)
        assert found[event] == pytest.approx(expected, rel=1e-6)
    assert found[0] > 0


def test_cells_are_as_fastjet_rounds_them():
    assert fastjet_grid(5.0, 0.55) == (5.0, 18, 11)
    assert fastjet_grid(2.5, 0.55) == (2.5, 9, 11)
    assert CMS_GRID.n_y * CMS_GRID.n_phi == 180


def test_a_uniform_event_has_its_density():
    y, phi = (a.ravel() for a in np.meshgrid(np.arange(-4.95, 5, 0.1), np.arange(0.01, 6.28, 0.02)))
    offsets = np.array([0, len(y)])
    where = (y, phi, np.full(len(y), 0.3))
    found = median_density(where, np.ones(len(y), dtype=bool), offsets, fastjet_grid(5.0, 0.5))
    assert found[0] == pytest.approx(0.3 * len(y) / (10 * 2 * math.pi), rel=0.02)


@given(seed=st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_order_of_candidates_and_neighbours_do_not_matter(seed):
    products = inputs_of_rho(seed, (700, 0, 900))
    order = np.random.default_rng(seed).permutation(900)
    alone = {name: products[name][2:][:, order] for name in FixedGridRho.consumes}
    together = FixedGridRho().produce(products)["Rho"]
    single = FixedGridRho().produce(alone)["Rho"]
    for name in together.fields:
        assert together[name][2] == pytest.approx(single[name][0], rel=1e-12)


def test_no_events_have_no_density():
    products = {name: values[:0] for name, values in inputs_of_rho().items()}
    assert len(FixedGridRho().produce(products)["Rho"]) == 0


@pytest.mark.parametrize("parameters", [{"spacing": 0.0}, {"y_max": 0.1}, {"central_y_max": -1.0}])
def test_grid_must_have_cells(parameters):
    with pytest.raises(ValueError, match="spacing"):
        FixedGridRho(**parameters)
