"""Subjets against Cambridge/Aachen done literally, jet by jet."""

from typing import Any

import awkward as ak
import numpy as np

from sonicmini.modules.gen.subjets import SubGenJetsAK8
from tests.modules.gen.events import collection, run, simulated, with_jets
from tests.modules.gen.test_jets import momentum


def rapidity_phi(p4):
    return np.arctanh(p4[2] / p4[3]), np.arctan2(p4[1], p4[0])


def literal(p4):
    """The two subjets of a jet: recombines by the least distance, then goes back."""
    nodes: list[Any] = [(p, None) for p in p4]
    while len(nodes) > 1:
        y, phi = rapidity_phi(np.array([p for p, _ in nodes]).T)
        d_phi = np.angle(np.exp(1j * (phi[:, np.newaxis] - phi)))
        distance = (y[:, np.newaxis] - y) ** 2 + d_phi**2
        np.fill_diagonal(distance, np.inf)
        best = np.unravel_index(np.argmin(distance), distance.shape)
        a, b = nodes[best[0]], nodes[best[1]]
        nodes = [node for k, node in enumerate(nodes) if k not in best]
        nodes.append((a[0] + b[0], (a, b)))
    (_, pair) = nodes[0]
    while pair is not None:
        hard, soft = sorted(pair, key=lambda node: -np.hypot(*node[0][:2]))
        pts = [np.hypot(*node[0][:2]) for node in (hard, soft)]
        if pts[1] / sum(pts) > 0.1:
            return [hard[0], soft[0]]
        pair = hard[1]
    return []


def test_subjets_are_those_of_soft_drop():
    products = simulated("zprime_tt", 6)
    for i, subjets in enumerate(products["SubGenJetAK8"].to_list()):
        links = products["GenJetAK8Cand"][i].to_list()
        expected = []
        for jet in range(len(products["GenJetAK8"][i])):
            index = [link["genPartIdx"] for link in links if link["jetIdx"] == jet]
            p4 = np.array([momentum(p) for p in products["GenPart"][i, index].to_list()])
            expected += [(jet, subjet) for subjet in literal(p4)]
        assert [s["genJetAK8Idx"] for s in subjets] == [jet for jet, _ in expected]
        for subjet, (_, p4) in zip(subjets, expected, strict=True):
            np.testing.assert_allclose(momentum(subjet), p4, rtol=1e-3, atol=1e-2)


def test_subjets_of_boosted_tops_have_their_mass():
    """Groomed jets above 500 GeV of a heavy resonance are top quarks more often than not."""
    products = simulated("zprime_tt")
    masses = []
    for jets, subjets in zip(
        products["GenJetAK8"].to_list(), products["SubGenJetAK8"].to_list(), strict=True
    ):
        for j, jet in enumerate(jets):
            pair = [momentum(s) for s in subjets if s["genJetAK8Idx"] == j]
            if jet["pt"] > 500 and len(pair) == 2:
                total = sum(pair)
                masses.append(np.sqrt(total[3] ** 2 - np.sum(total[:3] ** 2)))
    assert np.mean([120 < mass < 200 for mass in masses]) > 0.35


def test_a_jet_of_one_particle_has_no_subjets():
    particles = [{"pt": 50.0, "pdgId": 22}, {"pt": 90.0, "eta": 2.0, "pdgId": 13}]
    nothing = collection([[], []])
    products = with_jets({"GenPart": collection([particles, []]), "PrunedGenPart": nothing})
    assert ak.num(products["GenJetAK8"]).to_list() == [2, 0]
    assert products["SubGenJetAK8"].to_list() == [[], []]


def test_no_jets():
    products = {"GenPart": collection([]), "PrunedGenPart": collection([])}
    assert run(SubGenJetsAK8(), with_jets(products))["SubGenJetAK8"].to_list() == []
