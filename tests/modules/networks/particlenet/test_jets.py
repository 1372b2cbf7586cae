"""Which candidates and vertices a jet has, in hand-made cases."""

import awkward as ak
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.modules.networks.particlenet.jets import (
    AK4_CHS,
    AK4_PUPPI,
    AK8,
    candidates_of,
    vertices_of,
    with_candidates,
    wrapped,
)


def products(jets, links, candidates, svs=(), *, vertices=1):
    """One event: jets (pt, eta, phi), links (jet, candidate), candidates (pt, weight) or pt.

    Secondary vertices are (eta, phi, dxySig).
    """

    def table(rows, *names):
        columns = np.array(rows, np.float64).reshape(-1, len(names)).T
        record = ak.zip(dict(zip(names, columns, strict=True)))
        return ak.unflatten(record, [len(rows)])

    pairs = [one if isinstance(one, tuple) else (one, 1.0) for one in candidates]
    packed = table(pairs, "pt", "puppiWeight")
    made = {"SlimmedPV": table([[0.0]] * vertices, "x"), "SV": table(svs, "eta", "phi", "dxySig")}
    made["PackedPFCand"] = ak.values_astype(packed, np.float32)
    for kind in (AK4_CHS, AK4_PUPPI, AK8):
        made[kind.jets] = table(jets, "pt", "eta", "phi")
        made[kind.links] = ak.values_astype(table(links, "jetIdx", "pfCandIdx"), np.int16)
    return made


def test_candidates_are_ordered_by_pt_and_equal_ones_stay_in_order():
    made = products(
        [(50, 0, 0), (40, 1, 1)],
        [(0, 0), (0, 2), (0, 4), (1, 1), (0, 5), (1, 3)],
        [3.0, 1.0, 7.0, 2.0, 3.0, 9.0],
    )
    found = candidates_of(made, AK4_CHS, 10)
    assert found.jet.tolist() == [0, 0, 0, 0, 1, 1]
    assert found.member.tolist() == [5, 2, 0, 4, 3, 1]
    assert found.counts.tolist() == [4, 2]
    cut = candidates_of(made, AK4_CHS, 3)
    assert cut.member.tolist() == [5, 2, 0, 3, 1]
    assert cut.counts.tolist() == [3, 2]


@pytest.mark.parametrize(
    ("kind", "kept"), [(AK4_CHS, [0, 1, 2]), (AK4_PUPPI, [0, 1, 2]), (AK8, [1, 2])]
)
def test_large_jets_leave_out_candidates_of_small_weight(kind, kept):
    made = products([(500, 0, 0)], [(0, 0), (0, 1), (0, 2)], [(9, 0.0099), (8, 0.01), (7, 1)])
    assert candidates_of(made, kind, 10).member.tolist() == kept


@pytest.mark.parametrize(
    ("kind", "described"),
    [(AK4_CHS, [False, True, True, True]), (AK8, [False, False, False, True])],
)
def test_soft_jets_are_not_described(kind, described):
    jets = [(14.9, 0, 0), (15, 1, 1), (169.9, 0, 2), (170, 1, 3)]
    made = products(
        jets, [(i, i) for i in range(4)], [9, 8, 7, 6], svs=[(j[1], j[2], 5) for j in jets]
    )
    assert with_candidates(made, kind).tolist() == described
    assert (candidates_of(made, kind, 10).counts > 0).tolist() == described
    assert (vertices_of(made, kind, 10).counts > 0).tolist() == described


def test_events_without_primary_vertex_are_not_described():
    made = products([(500, 0, 0)], [(0, 0)], [9], svs=[(0, 0, 5)], vertices=0)
    assert candidates_of(made, AK8, 10).counts.tolist() == [0]
    assert vertices_of(made, AK8, 10).counts.tolist() == [0]


def test_vertices_within_the_radius_by_falling_significance():
    # Across the seam of the azimuth, just inside and outside of 0.4 and 0.8.
    svs = [(1, -3.1, 2), (1, 3.1, 7), (1.39, 3.1, 9), (1.41, 3.1, 8), (0.21, 3.1, 1), (0, 0, 50)]
    made = products([(500, 1, 3.1), (500, -2, 0)], [(0, 0)], [9], svs=svs)
    assert vertices_of(made, AK4_CHS, 10).member.tolist() == [2, 1, 0]
    large = vertices_of(made, AK8, 10)
    assert large.member.tolist() == [2, 3, 1, 0, 4]
    assert large.counts.tolist() == [5, 0]
    assert vertices_of(made, AK8, 2).member.tolist() == [2, 3]


@given(st.floats(-20, 20))
def test_azimuths_are_wrapped(phi):
    found = wrapped(np.array([phi]))[0]
    assert abs(found) <= np.pi + 1e-9
    assert np.cos(found) == pytest.approx(np.cos(phi), abs=1e-9)
    assert np.sin(found) == pytest.approx(np.sin(phi), abs=1e-9)
