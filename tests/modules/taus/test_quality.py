"""Cuts on candidates and the choice of the vertex, candidate by candidate."""

import numpy as np
import pytest

from sonicmini.modules.taus.inputs import candidate_columns
from sonicmini.modules.taus.quality import (
    ISOLATION_CUTS,
    SIGNAL_CUTS,
    impact_parameters,
    nearest_vertex,
    passes,
)
from sonicmini.modules.tracks import vertex_columns
from tests.modules.taus import literal
from tests.modules.taus.hand import make_event, particle

VERTICES = ((0.01, -0.02, 0.0), (0.0, 0.0, 1.5), (0.02, 0.0, -4.0))


def columns(particles):
    products = make_event(particles, VERTICES)
    found = candidate_columns(products["PFCand"], products["Track"])
    return products, found, vertex_columns(products["SlimmedPV"])


@pytest.mark.parametrize(
    ("good", "track"),
    [
        (True, {}),
        (False, {"pt": 0.5}),
        (True, {"pt": 0.51}),
        (False, {"chi2": 1010.0}),
        (False, {"nValidHits": 2}),
        (True, {"nValidHits": 3}),
        (False, {"vx": 0.2}),
        (False, {"vz": 0.45}),
    ],
)
def test_each_cut_on_tracks(good, track):
    _, found, vertices = columns([particle(211, 5, 0.3, 1.5) | {"own": track}])
    result = passes(np.array([0]), np.array([0]), SIGNAL_CUTS, of=found, vertices=vertices)
    assert result.tolist() == [good]


def test_candidates_pass_as_by_the_rule():
    rng = np.random.default_rng(2)
    kinds = rng.choice([211, -211, 11, 13, 22, 130], 300)
    particles = [
        particle(
            int(k),
            rng.uniform(0.3, 40),
            rng.normal(),
            rng.uniform(-3, 3),
            vx=rng.normal(0, 0.05),
            vy=rng.normal(0, 0.05),
            vz=rng.normal(0, 0.3),
        )
        for k in kinds
    ]
    products, found, vertices = columns(particles)
    event = literal.event_of(products, 0)
    index, vertex = np.arange(300), rng.integers(0, 3, 300)
    for cuts in (SIGNAL_CUTS, ISOLATION_CUTS):
        limits = (cuts.max_dxy, cuts.max_dz, cuts.min_neutral_et)
        expected = [
            literal.passes(c, event[2][v], *limits) for c, v in zip(event[0], vertex, strict=True)
        ]
        result = passes(index, vertex, cuts, of=found, vertices=vertices)
        assert result.tolist() == expected
        assert 10 < sum(expected) < 290
    none = passes(index, np.full(300, -1), SIGNAL_CUTS, of=found, vertices=vertices)
    assert not none[found.charge != 0].any()
    near = nearest_vertex(index, np.zeros(300, dtype=np.int64), of=found, vertices=vertices)
    assert near.tolist() == [literal.nearest(c, event[2]) for c in event[0]]
    dxy, dz = impact_parameters(index, vertex, of=found, vertices=vertices)
    for i in np.flatnonzero(found.charge):
        rule = literal.dxy_dz(event[0][i]["track"], event[2][vertex[i]])
        assert (dxy[i], dz[i]) == pytest.approx(rule, abs=1e-6)


def test_the_first_vertex_stands_in_and_none_is_found_without():
    _, found, vertices = columns([particle(22, 5, 0, 0)])
    event = np.array([0, 0])
    assert nearest_vertex(np.array([-1, 0]), event, of=found, vertices=vertices).tolist() == [0, 0]
    empty = vertices._replace(offsets=np.array([0, 0]))
    assert nearest_vertex(np.array([0]), event[:1], of=found, vertices=empty).tolist() == [-1]
