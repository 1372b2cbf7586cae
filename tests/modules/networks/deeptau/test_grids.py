"""Which cell an object is in, and which of several is seen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.modules.networks.deeptau.grids import (
    Centres,
    Grid,
    Objects,
    near,
    occupied,
    seen,
    signal_radius,
)

INNER, OUTER = Grid(11, 0.02), Grid(21, 0.05)


def objects(rows, offsets=None):
    """Objects of pT, eta, phi and kind."""
    table = np.array(rows, np.float32).reshape(-1, 4)
    ends = np.array([0, len(table)] if offsets is None else offsets)
    return Objects(table[:, 0], table[:, 1], table[:, 2], table[:, 3].astype(np.int64), ends)


def centres(*taus):
    table = np.array(taus, float).reshape(-1, 3)
    return Centres(table[:, 0], table[:, 1], table[:, 2].astype(np.int64))


def cell_of(grid, eta, phi):
    of = objects([(1, eta, phi, 0)])
    view = seen(grid, near(centres((0, 0, 0)), of), of, 1)
    return [divmod(int(cell), grid.cells) for cell in view.cell]


@pytest.mark.parametrize(
    ("eta", "phi", "cell"),
    [
        (0, 0, (10, 10)),
        (0.024, -0.024, (10, 10)),
        (0.026, -0.026, (11, 9)),
        (-0.074, 0.076, (9, 12)),
        (0.499, 0, (20, 10)),
        (0, -0.476, (10, 0)),
    ],
)
def test_cells_of_the_outer_grid(eta, phi, cell):
    assert cell_of(OUTER, eta, phi) == [cell]


@pytest.mark.parametrize(
    ("eta", "phi", "cells"),
    [
        (0.011, -0.009, [(6, 5)]),
        (0.1, 0.1, [(10, 10)]),
        (0.109, 0, [(10, 5)]),
        (0.111, 0, []),
        (0, -0.3, []),
    ],
)
def test_cells_of_the_inner_grid(eta, phi, cells):
    assert cell_of(INNER, eta, phi) == cells


@given(distance=st.floats(-0.52, 0.52))
def test_an_object_is_within_half_a_cell_of_the_middle_of_its_own(distance):
    for row, column in cell_of(OUTER, distance, 0.0):
        assert abs((row - 10) * 0.05 - distance) <= 0.025 + 1e-12
        assert column == 10
    assert len(cell_of(OUTER, distance, 0.0)) == (abs(distance) < 0.5)


def test_of_a_type_the_hardest_is_seen_in_each_cell_and_the_first_of_equals():
    of = objects(
        [
            (2, 0.00, 0.0, 0),
            (5, 0.01, 0.0, 0),
            (5, 0.02, 0.0, 0),
            (3, 0.01, 0.0, 1),
            (9, 0.01, 0.0, -1),
            (1, 0.30, 0.0, 0),
        ]
    )
    view = seen(OUTER, near(centres((0, 0, 0)), of), of, 2)
    found = sorted(zip(view.kind.tolist(), view.cell.tolist(), view.target.tolist(), strict=True))
    middle, far = 10 * 21 + 10, 16 * 21 + 10
    assert found == [(0, middle, 1), (0, far, 5), (1, middle, 3)]


def test_only_objects_of_the_same_event_are_seen_also_across_the_end_of_azimuth():
    of = objects([(1, 0, 3.13, 0), (1, 0, -3.13, 0), (1, 0, 3.13, 0)], [0, 2, 2, 3])
    pairs = near(centres((0, 3.14, 0), (0, 3.14, 1), (0, -3.14, 2), (0, 1.0, 2)), of)
    assert pairs.tau.tolist() == [0, 0, 2]
    assert pairs.target.tolist() == [0, 1, 2]
    expected = [-0.01, -3.13 - 3.14 + 2 * np.pi, 3.13 + 3.14 - 2 * np.pi]
    np.testing.assert_allclose(pairs.d_phi, expected, atol=1e-6)


def test_the_signal_cone_shrinks_with_momentum_to_a_limit():
    radius = signal_radius(np.array([18.0, 30.0, 40.0, 60.0, 500.0]))
    np.testing.assert_allclose(radius, [0.1, 0.1, 0.075, 0.05, 0.05])


def test_a_cell_is_occupied_by_any_object_and_once():
    candidates = objects([(1, 0.0, 0.0, 0), (1, 0.1, 0.0, 1)])
    muons = objects([(1, 0.1, 0.0, 0), (1, -0.2, 0.0, 0)])
    taus = centres((5, 0, 0), (0, 0, 0))
    views = [seen(OUTER, near(taus, of), of, 2) for of in (candidates, muons)]
    cells, places = occupied(OUTER, views, 2)
    assert cells.counts.tolist() == [0, 3]
    assert cells.tau.tolist() == [1, 1, 1]
    rows = (cells.cell // 21).tolist()
    assert rows == [6, 10, 12]
    for view, place in zip(views, places, strict=True):
        assert cells.cell[place].tolist() == view.cell.tolist()


def test_no_tau_and_no_object():
    none = objects([])
    for taus in (centres(), centres((0, 0, 0))):
        view = seen(OUTER, near(taus, none), none, 1)
        cells, (place,) = occupied(OUTER, [view], len(taus.eta))
        assert len(view.tau) == len(place) == len(cells.tau) == 0
        assert cells.counts.tolist() == [0] * len(taus.eta)
