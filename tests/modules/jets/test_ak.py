"""Jets, their constituents, and missing momenta from plain sums over their inputs."""

import math

import awkward as ak
import fastjet
import numpy as np
import pytest

from sonicmini.modules.clustering import anti_kt_jets
from sonicmini.modules.gen.jets import GenJets, GenMET
from sonicmini.modules.jets.ak import AntiKtJets
from sonicmini.modules.met.raw import RawMET, RawPuppiMET
from tests.toys import toy_products

SIZES = (500, 0, 1, 120)


def inputs_of_jets(seed=1):
    """Candidates with weights and some packed order."""
    rng = np.random.default_rng(seed)
    products = toy_products(len(SIZES), seed, candidates=SIZES)
    weights = rng.choice([0.0, 0.0, 0.3, 1.0], sum(SIZES)).astype(np.float32)
    columns = {"weight": weights, "weightNoLep": weights[::-1].copy()}
    order = np.concatenate([rng.permutation(n) for n in SIZES]).astype(np.int16)
    products["PuppiWeight"] = ak.unflatten(ak.zip(columns), SIZES)
    products["PackedPFCand"] = ak.unflatten(ak.zip({"pfCandIdx": order}), SIZES)
    return products


def momentum(c, weight=1.0):
    energy = math.hypot(c["pt"] * math.cosh(c["eta"]), c["mass"])
    px, py, pz = (
        c["pt"] * f for f in (math.cos(c["phi"]), math.sin(c["phi"]), math.sinh(c["eta"]))
    )
    return weight * np.array([px, py, pz, energy])


def test_constituents_add_up_to_the_jets():
    products = inputs_of_jets()
    result = AntiKtJets().produce(products)
    assert ak.num(result["Jet"]).to_list()[0] > 3
    for i in range(len(SIZES)):
        sums = np.zeros((len(result["Jet"][i]), 4))
        count = np.zeros(len(sums), dtype=int)
        for link in result["JetPFCand"][i].to_list():
            original = products["PackedPFCand"].pfCandIdx[i, link["pfCandIdx"]]
            weight = products["PuppiWeight"].weight[i, original]
            assert weight > 0
            sums[link["jetIdx"]] += momentum(products["PFCand"][i, original].to_list(), weight)
            count[link["jetIdx"]] += 1
        for jet, p4, n in zip(result["Jet"][i].to_list(), sums, count, strict=True):
            np.testing.assert_allclose(momentum(jet), p4, rtol=1e-4, atol=1e-3)
            assert jet["nConstituents"] == n
            assert jet["chMultiplicity"] + jet["neMultiplicity"] == n


def test_energy_fractions_are_complete():
    products = inputs_of_jets()
    jets = ak.flatten(AntiKtJets().produce(products)["Jet"])
    parts = sum(jets[name] for name in ("chHEF", "neHEF", "chEmEF", "neEmEF", "muEF"))
    np.testing.assert_allclose(parts, 1.0, rtol=1e-5)
    assert ak.all(jets.hfHEF <= jets.neHEF + 1e-6)
    assert ak.all(jets.hfEmEF <= jets.neEmEF + 1e-6)


@pytest.mark.parametrize(
    ("pdg_id", "fractions"),
    [
        (211, {"chHEF"}),
        (-11, {"chEmEF"}),
        (13, {"muEF"}),
        (130, {"neHEF"}),
        (22, {"neEmEF"}),
        (1, {"neHEF", "hfHEF"}),
        (2, {"neEmEF", "hfEmEF"}),
    ],
)
def test_a_jet_of_one_candidate_is_all_of_its_kind(pdg_id, fractions):
    candidate = {"pt": 20.0, "eta": 1.0, "phi": 2.0, "mass": 0.1, "pdgId": pdg_id}
    candidate["charge"] = {211: 1, -11: 1, 13: -1}.get(pdg_id, 0)
    result = AntiKtJets().produce(
        {
            "PFCand": ak.Array([[candidate]]),
            "PuppiWeight": ak.Array([[{"weight": 1.0}]]),
            "PackedPFCand": ak.Array([[{"pfCandIdx": 0}]]),
        }
    )
    jet = result["Jet"][0, 0].to_list()
    for name in ("pt", "eta", "phi", "mass"):
        assert jet[name] == pytest.approx(candidate[name], rel=1e-4)
    names = [name for name in jet if name.endswith("EF")]
    assert {name for name in names if jet[name] == pytest.approx(1.0)} == fractions
    assert {name for name in names if jet[name] == 0} == set(names) - fractions
    assert jet["nElectrons"] == (abs(pdg_id) == 11)
    assert jet["nMuons"] == (abs(pdg_id) == 13)


def test_jets_are_those_of_fastjet_one_event_at_a_time():
    rng = np.random.default_rng(3)
    p4 = rng.normal(0, 10, (300, 4))
    p4[:, 3] = np.linalg.norm(p4[:, :3], axis=1) * 1.01
    used = rng.random(300) < 0.7
    offsets = np.array([0, 100, 100, 300])
    clusters = anti_kt_jets(p4, offsets, used=used, radius=0.4, pt_min=5.0)
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, 0.4)
    for i in (0, 2):
        chosen = np.flatnonzero(used[offsets[i] : offsets[i + 1]]) + offsets[i]
        array = ak.zip(dict(zip(("px", "py", "pz", "E"), p4[chosen].T, strict=True)))
        jets = fastjet.ClusterSequence(array, definition).inclusive_jets(min_pt=5.0)
        expected = np.stack([np.asarray(jets[name]) for name in ("px", "py", "pz", "E")], axis=1)
        expected = expected[np.argsort(-np.hypot(expected[:, 0], expected[:, 1]))]
        found = clusters.p4[clusters.offsets[i] : clusters.offsets[i + 1]]
        np.testing.assert_allclose(found, expected)
    assert clusters.offsets[1] == clusters.offsets[2]
    assert np.all(used[clusters.constituent])


@pytest.mark.parametrize("module", [RawMET(), RawPuppiMET()])
def test_missing_momentum_is_the_opposite_of_the_sum(module):
    products = inputs_of_jets(4)
    result = module.produce(products)[module.produces[0]]
    for i in range(len(SIZES)):
        weights = products["PuppiWeight"].weightNoLep[i]
        weights = weights if isinstance(module, RawPuppiMET) else np.ones(SIZES[i])
        p4 = [momentum(c, w) for c, w in zip(products["PFCand"][i].to_list(), weights, strict=True)]
        px, py, _, _ = np.sum([np.zeros(4), *p4], axis=0)
        met = result[i].to_list()
        assert met["pt"] * math.cos(met["phi"]) == pytest.approx(-px, abs=1e-2)
        assert met["pt"] * math.sin(met["phi"]) == pytest.approx(-py, abs=1e-2)
        sum_et = sum(p[3] * math.hypot(p[0], p[1]) / np.linalg.norm(p[:3]) for p in p4 if p[3] > 0)
        assert met["sumEt"] == pytest.approx(sum_et, rel=1e-5)
    assert result[1].to_list() == {"pt": 0.0, "phi": 0.0, "sumEt": 0.0}


def gen_particles(*rows):
    names = ("pt", "eta", "phi", "mass", "pdgId", "status")
    return ak.Array([[dict(zip(names, row, strict=True)) for row in event] for event in rows])


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
    jets = GenJets().produce({"GenPart": particles})["GenJet"]
    assert ak.num(jets).to_list() == [2, 0]
    assert jets.pt[0].to_list() == pytest.approx([29.96, 15.0], abs=0.05)


def test_generated_missing_momentum_is_that_of_neutrinos():
    particles = gen_particles(
        [(30.0, 1.0, 0.0, 0.0, 12, 1), (40.0, -2.0, math.pi / 2, 0.0, -16, 1)],
        [(30.0, 1.0, 0.0, 0.0, 12, 2), (5.0, 1.0, 0.0, 0.0, 22, 1)],
        [],
    )
    met = GenMET().produce({"GenPart": particles})["GenMET"]
    np.testing.assert_allclose(met.pt, [50, 0, 0], atol=1e-4)
    np.testing.assert_allclose(met.phi, [math.atan2(4, 3), 0, 0], atol=1e-5)
    assert met.fields == ["pt", "phi"]


@pytest.mark.parametrize("module", [AntiKtJets, GenJets])
def test_radius_must_be_positive(module):
    with pytest.raises(ValueError, match="radius"):
        module(radius=0.0)
