"""Isolation sums by hand; real events are in test_hps.py."""

import numpy as np
import pytest

from sonicmini.modules.taus.hps import HPSTaus
from sonicmini.modules.taus.isolation import footprint_correction
from tests.modules.taus.hand import make_event, particle

VERTICES = ((0.0, 0.0, 0.0), (0.0, 0.0, 3.0))
TAU = [particle(211, 40, 0, 0)]


def tau_with(*around):
    products = make_event([*TAU, *around], VERTICES)
    result = HPSTaus().produce({name: products[name] for name in HPSTaus.consumes})
    (tau,) = result["HPSTau"][0].to_list()
    return tau


def test_an_isolated_tau():
    tau = tau_with()
    for name in ("chargedIsoPtSum", "neutralIsoPtSum", "puCorrPtSum", "rawIsodR03"):
        assert tau[name] == 0
    for name in ("Loose", "Medium", "Tight"):
        assert tau[f"by{name}CombinedIsolationDeltaBetaCorr3Hits"]


@pytest.mark.parametrize(
    ("around", "expected"),
    [
        (particle(211, 2, 0.4, 0, in_jet=False), {"chargedIsoPtSum": 2, "chargedIsoPtSumdR03": 0}),
        (particle(211, 2, 0.2, 0, in_jet=False), {"chargedIsoPtSum": 2, "chargedIsoPtSumdR03": 2}),
        (particle(211, 2, 0.6, 0, in_jet=False), {"chargedIsoPtSum": 0}),
        (particle(211, 2, 0.2, 0, vx=0.0, vy=0.05, in_jet=False), {"chargedIsoPtSum": 0}),
        (particle(211, 2, 0.2, 0, vz=0.3, in_jet=False), {"chargedIsoPtSum": 0, "puCorrPtSum": 2}),
        (particle(211, 2, 0.7, 0, vz=3.0, in_jet=False), {"chargedIsoPtSum": 0, "puCorrPtSum": 2}),
        (particle(211, 2, 0.9, 0, vz=3.0, in_jet=False), {"puCorrPtSum": 0}),
        (particle(13, 2, 0.2, 0, in_jet=False), {"chargedIsoPtSum": 0}),
        (particle(22, 3, 0.45, 0, in_jet=False), {"neutralIsoPtSum": 3, "neutralIsoPtSumdR03": 0}),
        (particle(22, 0.9, 0.2, 0, in_jet=False), {"neutralIsoPtSum": 0}),
        (
            particle(130, 35, 0.4, 0, in_jet=False),
            {
                "neutralIsoPtSum": 0,
                "chargedIsoPtSum": 0,
                "neutralHadronIsoPtSum": 35,
                "neutralHadronIsoPtSumdR03": 0,
            },
        ),
    ],
)
def test_what_counts_around_a_tau(around, expected):
    tau = tau_with(around)
    for name, value in expected.items():
        assert tau[name] == pytest.approx(value, rel=1e-6), name


def test_pileup_is_taken_off_the_photons():
    photon = particle(22, 4, 0.25, 0, in_jet=False)
    pileup = particle(211, 10, 0.6, 0.1, vz=3.0, in_jet=False)
    track = particle(211, 1, -0.1, 0.2, in_jet=False)
    tau = tau_with(photon, pileup, track)
    assert tau["byCombinedIsolationDeltaBetaCorrRaw3Hits"] == pytest.approx(1 + 4 - 0.2 * 10)
    assert tau["rawIsodR03"] == pytest.approx(1 + 4 - 0.072 * 10)
    assert not tau["byLooseCombinedIsolationDeltaBetaCorr3Hits"]
    drowned = tau_with(photon, particle(211, 30, 0.6, 0.1, vz=3.0, in_jet=False), track)
    assert drowned["byCombinedIsolationDeltaBetaCorrRaw3Hits"] == pytest.approx(1)
    assert drowned["byMediumCombinedIsolationDeltaBetaCorr3Hits"]
    assert not drowned["byTightCombinedIsolationDeltaBetaCorr3Hits"]


def test_weights_of_photons_tell_vertices_apart():
    photon = particle(22, 4, 0.4, 0, in_jet=False)
    near_pileup = tau_with(photon, particle(211, 3, 0.41, 0, vz=3.0, in_jet=False))
    near_vertex = tau_with(photon, particle(211, 3, 0.41, 0, vz=0.0, in_jet=False))
    own = np.log(40**2 / 0.4**2)
    other = np.log(3**2 / 0.01**2)
    assert near_pileup["neutralIsoPtSumWeight"] == pytest.approx(4 * own / (own + other), rel=1e-4)
    assert near_vertex["neutralIsoPtSumWeight"] == pytest.approx(4)


def test_photons_outside_the_signal_cone():
    products = make_event(
        [particle(-211, 60, 0, 0), particle(22, 10, 0.03, 0), particle(22, 2, 0.12, 0)]
    )
    result = HPSTaus().produce({name: products[name] for name in HPSTaus.consumes})
    (tau,) = result["HPSTau"][0].to_list()
    assert tau["decayMode"] == 1
    assert tau["photonPtSumOutsideSignalCone"] == pytest.approx(2, rel=1e-6)
    assert tau["byPhotonPtSumOutsideSignalCone"]


def test_footprint_correction():
    mode, pt = np.array([0, 1, 2, 5, 6, 10, 10, 11]), np.array([50.0] * 6 + [15.0, 50.0])
    expected = [0, 0, 0, 2.7, 0, 9.0, 2.0, 0]
    assert footprint_correction(mode, pt) == pytest.approx(expected)
