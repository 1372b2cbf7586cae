"""The combinations of hadrons and strips against itertools."""

from math import comb

import numpy as np
import pytest

from sonicmini.modules.taus.combinations import Hadrons, all_combinations
from sonicmini.modules.taus.inputs import candidate_columns
from sonicmini.modules.taus.strips import build_strips
from tests.modules.taus import literal
from tests.modules.taus.hand import make_event, particle


def combine(particles):
    products = make_event([particle(*p) for p in particles])
    columns = candidate_columns(products["PFCand"], products["Track"])
    event = literal.event_of(products, 0)[0]
    inside = literal.by_pt(event)
    hadrons = [c for c in inside if c["charge"]]
    photons = [c for c in inside if c["kind"] in (11, 22)]
    places = [np.array([c["place"] for c in cs], dtype=np.int64) for cs in (hadrons, photons)]
    strips = build_strips(places[1], np.array([0, len(photons)]), of=columns, signed_phi=True)
    trials = all_combinations(Hadrons(places[0], np.array([0, len(hadrons)])), strips, columns)
    return trials, list(literal.combinations(hadrons, literal.make_strips(photons, signed=True)))


def far_photons(n):
    return [(22, 20 - i, 0.3 * i, 0) for i in range(n)]


@pytest.mark.parametrize(("h", "s"), [(0, 3), (1, 0), (1, 7), (2, 2), (3, 4), (6, 6), (9, 8)])
def test_number_of_combinations(h, s):
    particles = [(211, 30 - i, 0.01 * i, 0.1) for i in range(h)] + far_photons(s)
    trials, _ = combine(particles)
    h = min(h, 6)
    expected = h * (1 + min(s, 6) + comb(min(s, 5), 2))
    expected += (comb(h, 2) + comb(h, 3)) * (1 + min(s, 3))
    assert len(trials.seed) == expected


def test_combinations_are_those_of_the_rule():
    rng = np.random.default_rng(3)
    for _ in range(20):
        kinds = rng.choice([211, -211, 11, -11, 13, 22, 22, 22], rng.integers(1, 10))
        particles = [(int(k), rng.uniform(1.2, 20), *rng.normal(0, 0.1, 2)) for k in kinds]
        trials, rule = combine(particles)
        expected = {
            (tuple(c["place"] for c in chosen), frozenset(c["place"] for s, _ in some for c in s))
            for chosen, some in rule
        }
        assert len(trials.seed) == len(rule)
        by_hadrons = {tuple(int(x) for x in h if x >= 0) for h in trials.hadron}
        assert by_hadrons == {key[0] for key in expected}
        sums = sorted(
            literal.add(*(c["p4"] for c in chosen), *(c["p4"] for s, _ in some for c in s))
            for chosen, some in rule
        )
        assert np.array(sorted(map(tuple, trials.p4))) == pytest.approx(
            np.array(sums), rel=1e-9, abs=1e-9
        )


def test_a_hadron_leaves_its_strip():
    trials, _ = combine([(211, 20, 0, 0), (11, 10, 0.02, 0), (22, 6, 0.04, 0)])
    alone = (trials.hadron[:, 0] == 1) & (trials.hadron[:, 1] < 0) & (trials.strip[:, 0] >= 0)
    assert alone.sum() == 1
    assert np.hypot(*trials.pi0[alone][0, 0, :2]) == pytest.approx(6.0, rel=1e-6)
    vanished, _ = combine([(211, 20, 0, 0), (11, 10, 0.02, 0)])
    with_electron = (vanished.hadron == 1).any(axis=1)
    assert (vanished.strip[with_electron] == -1).all()
