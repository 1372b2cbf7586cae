"""Shapes of taus against sums written out."""

import math

import awkward as ak
import numpy as np
import pytest

from sonicmini.modules.taus.hps import HPSTaus
from sonicmini.modules.taus.shapes import angle_difference, eta_at_ecal
from sonicmini.simulation.helix import advance, path_to_radius
from tests.modules.taus import literal
from tests.modules.taus.hand import make_event, particle


def mean(pairs):
    weight = sum(w for w, _ in pairs)
    return sum(w * v for w, v in pairs) / weight if weight else 0.0


def rule(tau, members, candidates):
    where = (tau["eta"], tau["phi"])
    groups = {role: [candidates[c] for r, c in members if r == role] for role in range(6)}
    cone = max(0.05, min(0.1, 3 / max(1, tau["pt"])))
    three = tau["decayMode"] == 10

    def off(c):
        return abs(c["eta"] - where[0]), abs(literal.turn(c["phi"], where[1]))

    def in_window(c):
        d_eta, d_phi = off(c)
        return d_eta < literal.window_eta(c["pt"]) and d_phi < literal.window_phi(c["pt"])

    signal, iso = ([c for c in groups[role] if c["pt"] >= 0.5] for role in (1, 4))
    r = {c["place"]: math.hypot(*off(c)) for c in signal + iso}
    around = [c for c in iso if not (three and in_window(c))]
    strip = around if three else [c for c in signal if r[c["place"]] > cone]
    core = signal if three else [c for c in signal if r[c["place"]] < cone]
    mine = [c for role in (0, 1, 2) for c in groups[role]]
    everything = [c for group in groups.values() for c in group]

    def ecal(cs):
        total = sum(c["ecalEnergy"] + c["hcalEnergy"] for c in cs)
        return sum(c["ecalEnergy"] for c in cs) / total if total else -1

    return {
        "ptWeightedDetaStrip": mean([(c["pt"], off(c)[0]) for c in strip]),
        "ptWeightedDphiStrip": mean([(c["pt"], off(c)[1]) for c in strip]),
        "ptWeightedDrSignal": mean([(c["pt"], r[c["place"]]) for c in core]),
        "ptWeightedDrIso": mean([(c["pt"], r[c["place"]]) for c in around]),
        "nPhotons": sum(c["pt"] > 0.5 for c in groups[1] + groups[4]),
        "eRatio": ecal(mine),
        "emFraction": ecal(everything),
    }


def test_shapes_follow_the_rule():
    rng = np.random.default_rng(6)
    modes = set()
    for _ in range(60):
        kinds = rng.choice([211, -211, 22, 22, 22, 130, 11], rng.integers(1, 12))
        spread = rng.choice([0.03, 0.15])
        particles = [
            particle(int(k), rng.uniform(1.2, 25), *rng.normal(0, spread, 2)) for k in kinds
        ]
        products = make_event([particle(211, 15, 0, 0), *particles])
        result = HPSTaus().produce({name: products[name] for name in HPSTaus.consumes})
        candidates = literal.event_of(products, 0)[0]
        links = [(link["role"], link["candIdx"]) for link in result["HPSTauCand"][0].to_list()]
        (tau,) = result["HPSTau"][0].to_list()
        for name, expected in rule(tau, links, candidates).items():
            assert tau[name] == pytest.approx(expected, rel=1e-6, abs=1e-7), name
        modes.add(tau["decayMode"])
    assert {1, 10} <= modes


@pytest.mark.parametrize("charge", [-1, 1])
def test_the_calorimeter_is_entered_where_the_helix_says(charge):
    for pt, eta in ((2.0, 0.3), (5.0, -1.2), (30.0, 1.4), (4.0, 2.2), (10.0, -2.4)):
        state = (0.0, 0.0, 1.5, pt, 0.0, pt * math.sinh(eta))
        path = path_to_radius(state, charge, 129.0)
        end = (314.0 - math.copysign(1.5, eta)) / abs(math.sinh(eta))
        x, y, z, *_ = advance(state, charge, min(path, end))
        expected = math.asinh(z / math.hypot(x, y))
        tracks = ak.Array([[{"pt": pt, "eta": eta, "vz": 1.5}]])
        assert eta_at_ecal(tracks, np.array([0])) == pytest.approx([expected], abs=1e-6)


def test_tracks_that_curl_up_have_a_direction_too():
    tracks = ak.Array([[{"pt": 0.5, "eta": 0.0, "vz": 0.0}, {"pt": 0.5, "eta": 0.2, "vz": 1.0}]])
    found = eta_at_ecal(tracks, np.array([0, 1]))
    assert np.isfinite(found).all()
    assert found[0] == 0.0


def test_angle_difference_by_hand():
    p, mass = 40.0, 1.2
    largest = math.asin((1.77682**2 - mass**2) / (2 * 1.77682 * p))
    p4 = np.array([[p, 0, 0, math.hypot(p, mass)]] * 4)
    flight = np.array([[1.0, math.tan(0.02), 0], [1, 0, 0], [0, 0, 0], [1, 0, 0]])
    has = np.array([True, True, True, False])
    expected = [0.02 - largest, -largest, -1, -1]
    assert angle_difference(p4, flight, has) == pytest.approx(expected, abs=1e-7)
    heavy = np.array([[0.1, 0, 0, 5.0]])
    assert angle_difference(heavy, flight[:1], has[:1]).tolist() == [-1.0]
