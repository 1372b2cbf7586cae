"""Mass windows and the signal cone: each decay mode by hand, and random combinations."""

import math

import numpy as np
import pytest

from sonicmini.modules.taus.combinations import Hadrons, all_combinations
from sonicmini.modules.taus.hps import HPSTaus
from sonicmini.modules.taus.inputs import candidate_columns, seed_columns
from sonicmini.modules.taus.selection import judge, signal_cone
from sonicmini.modules.taus.strips import Strips
from tests.modules.taus import literal
from tests.modules.taus.hand import make_event, particle

PLUS, MINUS, GAMMA = 211, -211, 22
CASES = {
    "one hadron": (0, [(PLUS, 30, 0, 0)]),
    "rho": (1, [(MINUS, 20, 0, 0), (GAMMA, 10, 0.04, 0.02)]),
    "rho of two photons in a strip": (
        1,
        [(PLUS, 20, 0, 0), (GAMMA, 7, 0.04, 0), (GAMMA, 4, 0.06, 0.05)],
    ),
    "two hadrons": (5, [(PLUS, 15, 0, 0), (MINUS, 10, 0.04, 0)]),
    "two hadrons and a strip": (
        6,
        [(PLUS, 15, 0, 0), (MINUS, 10, 0.02, 0), (GAMMA, 5, -0.03, 0.02)],
    ),
    "three hadrons": (10, [(PLUS, 12, 0, 0), (MINUS, 10, 0.08, 0), (PLUS, 8, 0.02, 0.07)]),
    "three hadrons and a strip": (
        11,
        [(PLUS, 12, 0, 0), (MINUS, 10, 0.06, 0), (PLUS, 8, 0.02, 0.06), (GAMMA, 5, 0.02, -0.04)],
    ),
    "three alike": (5, [(PLUS, 12, 0, 0), (PLUS, 10, 0.08, 0), (PLUS, 8, 0.02, 0.07)]),
    "a soft second hadron": (0, [(PLUS, 30, 0, 0), (MINUS, 4.5, 0.02, 0)]),
    "a soft photon is no pion": (0, [(PLUS, 40, 0, 0), (GAMMA, 2.0, 0.3, 0)]),
    "an electron is a hadron or in a strip": (1, [(MINUS, 20, 0, 0), (11, 10, 0.04, 0.02)]),
}


def run(particles, **parameters):
    products = make_event([particle(*p) for p in particles])
    module = HPSTaus(**parameters)
    result = module.produce({name: products[name] for name in module.consumes})
    return products, result["HPSTau"][0].to_list()


@pytest.mark.parametrize("name", [n for n in CASES if "electron" not in n])
def test_decay_modes_by_hand(name):
    mode, particles = CASES[name]
    _, taus = run(particles)
    assert [tau["decayMode"] for tau in taus] == [mode]
    assert taus[0]["decayModeFindingNewDMs"]
    assert taus[0]["decayModeFinding"] == (mode in (0, 1, 2, 10))
    assert abs(taus[0]["charge"]) == 1


def test_an_electron_is_a_hadron_or_in_a_strip():
    products, taus = run(CASES["an electron is a hadron or in a strip"][1])
    (rule,) = literal.literal_taus(products, 0)
    assert [tau["decayMode"] for tau in taus] == [rule["mode"]] == [5]


def test_masses_outside_the_window_fail():
    _, (tau,) = run([(PLUS, 12, 0, 0), (MINUS, 10, 0.01, 0), (PLUS, 8, 0.0, 0.01)])
    assert tau["decayMode"] == 5  # three hadrons are lighter than 0.8 GeV
    _, (tau,) = run([(MINUS, 40, 0, 0), (GAMMA, 40, 0.09, 0)])
    assert tau["decayMode"] == 0  # hadron and photon are heavier than 1.3 GeV by far


def test_the_tau_must_be_near_its_jet():
    particles = [(PLUS, 20, 0, 0), (130, 40, 0.55, 0), (130, 30, 0.5, 0.1)]
    assert [tau["decayModeFindingNewDMs"] for tau in run(particles)[1]] == [True]
    far = run(particles, matching_cone=0.2)[1]
    assert [tau["decayModeFindingNewDMs"] for tau in far] == [False]


def test_a_pixel_hit_is_needed():
    products = make_event([particle(PLUS, 30, 0, 0, nValidPixelHits=0)])
    result = HPSTaus().produce({name: products[name] for name in HPSTaus.consumes})
    assert result["HPSTau"].decayModeFindingNewDMs.to_list() == [[False]]


def test_signal_cone():
    expected = [0.1, 0.1, 0.06, 0.05, 0.05]
    assert signal_cone(np.array([10.0, 30.0, 50.0, 60.0, 500.0])) == pytest.approx(expected)


def split_strips(candidates, groups):
    """Strips of these candidates whatever their distance."""
    p4 = np.array([literal.add(*(candidates[i]["p4"] for i in group)) for group in groups])
    starts = np.cumsum([0, *(len(group) for group in groups)])
    bends = [[0.0, 0.0] for _ in groups]
    daughters = np.array([i for group in groups for i in group], dtype=np.int64)
    eta, phi = np.array(bends).reshape(-1, 2).T
    return Strips(
        p4.reshape(-1, 4), eta.copy(), phi.copy(), np.array([0, len(groups)]), daughters, starts
    )


def both(products, groups):
    """Verdicts on all combinations of an event, and those by the rules."""
    candidates = candidate_columns(products["PFCand"], products["Track"])
    links = (products["AK4CHSJet"], products["AK4CHSJetCand"])
    seeds = seed_columns(*links, candidates, min_pt=1.0, max_eta=5.0)
    event = literal.event_of(products, 0)
    strips = split_strips(event[0], groups)
    hadron = np.array([c["place"] for c in literal.by_pt(event[0]) if c["charge"]], dtype=np.int64)
    trials = all_combinations(Hadrons(hadron, np.array([0, len(hadron)])), strips, candidates)
    verdicts = judge(trials, seeds, strips, candidates, 0.5)
    expected = []
    for i in range(len(trials.seed)):
        hadrons = [event[0][h] for h in trials.hadron[i] if h >= 0]
        parts = [
            ([event[0][d] for d in groups[s] if event[0][d] not in hadrons], (0.0, 0.0))
            for s in trials.strip[i]
            if s >= 0
        ]
        expected.append(literal.judge(hadrons, parts, event[1][0]))
    return verdicts, expected


def test_two_strips_make_mode_two():
    particles = [(PLUS, 20, 0, 0), (GAMMA, 3, 0.03, 0.07), (GAMMA, 3, 0.03, 0.03)]
    products = make_event([particle(*p) for p in particles])
    verdicts, expected = both(products, [(1,), (2,)])
    assert (2, True) in [
        (int(m), bool(p)) for m, p in zip(verdicts.mode, verdicts.passes, strict=True)
    ]
    assert verdicts.mode.tolist() == [mode for mode, _, _ in expected]


def test_random_combinations_follow_the_rules():
    rng = np.random.default_rng(1)
    passed = 0
    for _ in range(60):
        n_charged, n_photons = rng.integers(1, 6), rng.integers(0, 7)
        kinds = [*rng.choice([PLUS, MINUS, 11, -13], n_charged), *[GAMMA] * n_photons]
        particles = [
            particle(int(kind), rng.uniform(1.5, 20), *rng.normal(0, 0.05, 2)) for kind in kinds
        ]
        products = make_event(particles)
        loose = [i for i, kind in enumerate(kinds) if abs(kind) in (22, 11)]
        groups = [g for g in (tuple(loose[k::3]) for k in range(3)) if g]
        groups.sort(
            key=lambda g: (
                -math.hypot(
                    sum(particles[i]["pt"] * math.cos(particles[i]["phi"]) for i in g),
                    sum(particles[i]["pt"] * math.sin(particles[i]["phi"]) for i in g),
                )
            )
        )
        verdicts, expected = both(products, groups)
        assert len(expected) == len(verdicts.mode)
        for i, (mode, p4, good) in enumerate(expected):
            assert (verdicts.mode[i], verdicts.passes[i]) == (mode, good)
            assert verdicts.energy[i] == pytest.approx(p4[3], rel=1e-12)
            passed += good
    assert passed > 100
