"""Charged-hadron subtraction, case by case."""

import awkward as ak
import numpy as np
import pytest

from sonicmini.modules.jets.chs import chs_mask, chs_of


@pytest.mark.parametrize(
    ("pv_idx", "quality", "stays"),
    [
        (0, 7, True),
        (1, 7, False),
        (9, 7, False),
        (9, 6, True),
        (1, 2, True),
        (-1, 0, True),
        (0, 0, True),
    ],
    ids=["PV 0", "PV 1", "PV 9", "by dz", "other", "no vertex", "neutral"],
)
def test_only_candidates_used_in_the_fit_of_another_vertex_go(pv_idx, quality, stays):
    assert chs_mask(np.array([pv_idx]), np.array([quality])).tolist() == [stays]


def test_product_gives_all_events_one_after_the_other():
    pairs = [[(0, 7), (1, 7)], [], [(2, 7), (2, 6)]]
    product = ak.Array(
        [[{"pvIdx": v, "assignmentQuality": q} for v, q in event] for event in pairs]
    )
    assert chs_of(product).tolist() == [True, False, False, True]
