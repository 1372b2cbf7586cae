"""Geometry of the calorimeters."""

import numpy as np
import pytest

from sonicmini.simulation.cells import ECAL, HCAL, HF, cell_at, locate


@pytest.mark.parametrize("cells", [ECAL, HCAL, HF])
def test_every_centre_lies_in_its_own_cell(cells):
    for cell in range(0, cells.size, 37):
        ring, along, _ = locate(cells.eta[cell], cells.edges, cells.divisions)
        assert along == pytest.approx(0.5)
        assert cell_at(ring, cells.phi[cell], cells.divisions, cells.first) == cell


@pytest.mark.parametrize("cells", [ECAL, HCAL, HF])
def test_neighbours_are_near(cells):
    for k in range(8):
        other = cells.neighbours[:, k]
        has = other >= 0
        d_eta = np.abs(cells.eta[has] - cells.eta[other[has]])
        width = np.diff(cells.edges)[cells.ring]
        assert np.all(d_eta <= 1.01 * np.maximum(width[has], width[other[has]]))


def test_the_sides_of_the_forward_calorimeter_do_not_touch():
    side = np.sign(HF.eta)
    for k in range(8):
        has = HF.neighbours[:, k] >= 0
        assert np.all(side[has] == side[HF.neighbours[has, k]])


def test_nothing_beyond_the_edges():
    assert locate(3.01, ECAL.edges, ECAL.divisions)[0] == -1
    assert locate(0.0, HF.edges, HF.divisions)[0] == -1
