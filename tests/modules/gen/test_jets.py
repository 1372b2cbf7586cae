"""Jets of generated particles and the momentum of neutrinos."""

import math

import awkward as ak
import fastjet
import numpy as np
import pytest

from sonicmini.modules.gen.jets import GenJets, GenJetsAK8, GenMET
from tests.modules.gen.events import collection, run, simulated

NAMES = ("pt", "eta", "phi", "mass", "pdgId", "status")


def gen_particles(*events):
    return collection([[dict(zip(NAMES, row, strict=True)) for row in event] for event in events])


def momentum(p):
    energy = math.hypot(p["pt"] * math.cosh(p["eta"]), p["mass"])
    px, py, pz = (
        p["pt"] * f for f in (math.cos(p["phi"]), math.sin(p["phi"]), math.sinh(p["eta"]))
    )
    return np.array([px, py, pz, energy])


def reference(event, radius, pt_min):
    """The pT of FastJet's jets of an event, one event at a time."""
    visible = [p for p in event if p["status"] == 1 and abs(p["pdgId"]) not in (12, 14, 16)]
    p4 = np.array([momentum(p) for p in visible])
    columns = dict(zip(("px", "py", "pz", "E"), p4.T, strict=True))
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, radius)
    jets = fastjet.ClusterSequence(ak.zip(columns), definition).inclusive_jets(min_pt=pt_min)
    return sorted(np.hypot(np.asarray(jets["px"]), np.asarray(jets["py"])), reverse=True)


def test_jets_of_simulated_events():
    products = simulated()
    for event, jets in zip(products["GenPart"].to_list(), products["GenJet"].pt, strict=True):
        np.testing.assert_allclose(jets, reference(event, 0.4, 8.0), rtol=1e-5)


def test_large_jets_are_the_hard_ones_and_three_more():
    products = simulated("zprime_tt")
    softer = 0
    for event, jets in zip(products["GenPart"].to_list(), products["GenJetAK8"].pt, strict=True):
        all_jets = reference(event, 0.8, 10.0)
        expected = [pt for i, pt in enumerate(all_jets) if pt > 80 or i < 3]
        np.testing.assert_allclose(jets, expected, rtol=1e-5)
        softer += len(all_jets) - len(expected)
    assert softer > 0


@pytest.mark.parametrize("name", ["GenJet", "GenJetAK8"])
def test_constituents_add_up_to_the_jets(name):
    products = simulated()
    for i, jets in enumerate(products[name].to_list()):
        sums = np.zeros((len(jets), 4))
        links = products[f"{name}Cand"][i].to_list()
        assert links == sorted(links, key=lambda link: (link["jetIdx"], link["genPartIdx"]))
        for link in links:
            particle = products["GenPart"][i, link["genPartIdx"]].to_list()
            assert particle["status"] == 1
            sums[link["jetIdx"]] += momentum(particle)
        for jet, p4 in zip(jets, sums, strict=True):
            np.testing.assert_allclose(momentum(jet), p4, rtol=1e-4, atol=1e-3)


def test_generated_jets_are_without_neutrinos_and_decayed_particles():
    particles = gen_particles(
        [
            (40.0, 1.0, 0.0, 4.2, 5, 2),
            (20.0, 1.0, 0.1, 0.1, 211, 1),
            (10.0, 1.1, 0.0, 0.0, 22, 1),
            (9.0, 1.0, -0.1, 0.0, -14, 1),
            (7.9, -1.0, 3.0, 0.1, -211, 1),
            (15.0, 0.0, 1.5, 0.1, 13, 1),
        ],
        [],
    )
    result = run(GenJets(), {"GenPart": particles})
    assert ak.num(result["GenJet"]).to_list() == [2, 0]
    assert result["GenJet"].pt[0].to_list() == pytest.approx([29.96, 15.0], abs=0.05)
    assert result["GenJetCand"].to_list() == [
        [
            {"jetIdx": 0, "genPartIdx": 1},
            {"jetIdx": 0, "genPartIdx": 2},
            {"jetIdx": 1, "genPartIdx": 5},
        ],
        [],
    ]


def test_generated_missing_momentum_is_that_of_neutrinos():
    particles = gen_particles(
        [(30.0, 1.0, 0.0, 0.0, 12, 1), (40.0, -2.0, math.pi / 2, 0.0, -16, 1)],
        [(30.0, 1.0, 0.0, 0.0, 12, 2), (5.0, 1.0, 0.0, 0.0, 22, 1)],
        [],
    )
    met = run(GenMET(), {"GenPart": particles})["GenMET"]
    np.testing.assert_allclose(met.pt, [50, 0, 0], atol=1e-4)
    np.testing.assert_allclose(met.phi, [math.atan2(4, 3), 0, 0], atol=1e-5)
    assert met.fields == ["pt", "phi"]


def test_missing_momentum_balances_what_is_visible():
    products = simulated()
    met = run(GenMET(), products)["GenMET"]
    particles = products["GenPart"]
    kind = abs(particles.pdgId)
    is_neutrino = (kind == 12) | (kind == 14) | (kind == 16)
    seen = particles[(particles.status == 1) & ~is_neutrino]
    for axis in (np.cos, np.sin):
        total = ak.sum(seen.pt * axis(seen.phi), axis=1) + met.pt * axis(met.phi)
        assert np.median(np.abs(total)) < 0.5
        assert np.max(np.abs(total)) < 3.0


def test_chunks_without_events():
    particles = collection([])
    for module in (GenJets(), GenJetsAK8(), GenMET()):
        for product in run(module, {"GenPart": particles}).values():
            assert product.to_list() == []


@pytest.mark.parametrize("module", [GenJets, GenJetsAK8])
def test_radius_must_be_positive(module):
    with pytest.raises(ValueError, match="radius"):
        module(radius=0.0)
