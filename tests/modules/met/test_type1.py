"""Type 1 missing momenta against a literal loop over jets and candidates."""

import functools
import math
from dataclasses import replace

import awkward as ak
import numpy as np
import pytest

from sonicmini.modules.jets.raw import AK4CHSJets, AK4PuppiJets
from sonicmini.modules.met.raw import RawChsMET, RawMET, RawMETNoHF, RawPuppiMET
from sonicmini.modules.met.type1 import (
    Type1ChsMET,
    Type1METNoHF,
    Type1PFMET,
    Type1PuppiMET,
)
from tests.modules.met.test_unclustered import formula
from tests.toys import toy_products

SIZES = (500, 0, 1, 260)
MODULES = (Type1PFMET(), Type1ChsMET(), Type1METNoHF(), Type1PuppiMET())
names = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.produces[0])


@functools.cache
def made(seed=5, sizes=SIZES):
    """Toy events with weights, vertices, muons, jets, and corrections drawn at random."""
    rng = np.random.default_rng(seed)
    n = sum(sizes)
    products = toy_products(len(sizes), seed, candidates=sizes)
    hard = np.asarray(ak.flatten(products["PFCand"].pt)) * rng.choice([1.0, 6.0], n, p=[0.9, 0.1])
    products["PFCand"] = ak.with_field(products["PFCand"], ak.unflatten(hard, sizes), "pt")
    columns = {name: rng.choice([0.0, 0.3, 1.0], n) for name in ("weight", "weightNoLep")}
    products["PuppiWeight"] = ak.unflatten(ak.zip(columns), sizes)
    vertex = {
        "fromPV": rng.integers(0, 4, n),
        "assignmentQuality": rng.integers(5, 8, n),
        "pvIdx": rng.integers(-1, 3, n),
    }
    products["PFCandVertex"] = ak.unflatten(ak.zip(vertex), sizes)
    muons = {
        "pfCandIdx": [rng.choice([-1, *range(size)], size // 20, replace=False) for size in sizes],
        "isGlobal": [rng.random(size // 20) < 0.5 for size in sizes],
        "isStandalone": [rng.random(size // 20) < 0.3 for size in sizes],
    }
    products["Muon"] = ak.zip({name: ak.Array(values) for name, values in muons.items()})
    for jets, name in ((AK4CHSJets(), "AK4CHSJet"), (AK4PuppiJets(), "AK4PuppiJet")):
        products |= jets.produce(products)
        products[f"{name}Correction"] = corrections(rng, products[name])
    for raw in (RawMET(), RawChsMET(), RawMETNoHF(), RawPuppiMET()):
        products |= raw.produce(products)
    return products


def corrections(rng, jets):
    ranges = {
        "factor": (0.7, 1.5),
        "l1Factor": (0.5, 1.0),
        "uncertainty": (0.01, 0.1),
        "ptResolution": (0.05, 0.3),
        "phiResolution": (0.01, 0.1),
    }
    counts = ak.num(jets)
    n = int(ak.sum(counts))
    return ak.unflatten(
        ak.zip({key: rng.uniform(*edges, n) for key, edges in ranges.items()}), counts
    )


def momentum(c, weight):
    pt, mass = weight * c["pt"], weight * c["mass"]
    directions = (math.cos(c["phi"]), math.sin(c["phi"]), math.sinh(c["eta"]))
    energy = math.hypot(pt * math.cosh(c["eta"]), mass)
    return np.array([*(pt * direction for direction in directions), energy])


class Event:
    """One event as plain lists, and what the rules make of it."""

    def __init__(self, module, products, i):
        raw, jets, links, factors = (products[name][i].to_list() for name in module.consumes[:4])
        self.raw, self.jets, self.factors = raw, jets, factors
        self.candidates = products["PFCand"][i].to_list()
        self.members: list[list[int]] = [[] for _ in jets]
        for link in links:
            self.members[link["jetIdx"]].append(link["candIdx"])
        self.muons = {
            muon["pfCandIdx"]
            for muon in products["Muon"][i].to_list()
            if muon["isGlobal"] or muon["isStandalone"]
        }
        puppi = products["PuppiWeight"][i].to_list()
        is_puppi = module.produces[0] == "PuppiMET"
        self.in_jets = [w["weight"] if is_puppi else 1.0 for w in puppi]
        vertex = products["PFCandVertex"][i].to_list()
        self.in_met = [
            {
                "MET": 1.0,
                "ChsMET": float(v["fromPV"] > 0),
                "METNoHF": float(abs(c["eta"]) < 3 and c["pdgId"] not in (1, 2)),
                "PuppiMET": w["weightNoLep"],
            }[module.produces[0]]
            for c, v, w in zip(self.candidates, vertex, puppi, strict=True)
        ]
        self.eta_max = 3.0 if module.produces[0] == "METNoHF" else 9.9

    def without_muons(self, j):
        p4 = momentum(self.jets[j], 1.0)
        for k in self.members[j]:
            if k in self.muons:
                p4 = p4 - momentum(self.candidates[k], self.in_jets[k])
        return p4

    def em_fraction(self, j):
        parts = [(abs(self.candidates[k]["pdgId"]), k) for k in self.members[j]]
        energy = {k: momentum(self.candidates[k], self.in_jets[k])[3] for _, k in parts}
        return sum(energy[k] for kind, k in parts if kind in (11, 22, 2)) / sum(energy.values())

    def high(self):
        """Jets that pass the cut on pT: place, momentum without muons."""
        for j, (jet, factor) in enumerate(zip(self.jets, self.factors, strict=True)):
            p4 = self.without_muons(j)
            inside = abs(jet["eta"]) < self.eta_max
            if inside and factor["factor"] * math.hypot(p4[0], p4[1]) > 15:
                yield j, p4

    def is_lepton(self, k):
        c = self.candidates[k]
        return abs(c["pdgId"]) in (11, 13) and c["pt"] > 10


def vector(record, suffix=""):
    pt, phi = record[f"pt{suffix}"], record[f"phi{suffix}"]
    return np.array([pt * math.cos(phi), pt * math.sin(phi)])


def events(module, products):
    (name,) = module.produces
    result = module.produce({key: products[key] for key in module.consumes})[name].to_list()
    return [(Event(module, products, i), met) for i, met in enumerate(result)]


@names
@pytest.mark.parametrize("em_fraction_max", [0.9, 0.5])
def test_calibrated_jets_replace_uncalibrated_ones(module, em_fraction_max):
    module = replace(module, em_fraction_max=em_fraction_max)
    found, rejected = 0, 0
    for event, met in events(module, made()):
        expected, sum_et = vector(event.raw), event.raw["sumEt"]
        of_jets = np.zeros(2)
        for j, p4 in event.high():
            if event.em_fraction(j) > em_fraction_max:
                rejected += 1
                continue
            factor = event.factors[j]
            expected = expected - (factor["factor"] - factor["l1Factor"]) * p4[:2]
            et = p4[3] * math.hypot(p4[0], p4[1]) / np.linalg.norm(p4[:3])
            sum_et += (factor["factor"] - factor["l1Factor"]) * et
            of_jets += factor["factor"] * factor["uncertainty"] * p4[:2]
            found += 1
        assert vector(met) == pytest.approx(expected, abs=1e-3)
        assert met["sumEt"] == pytest.approx(sum_et, rel=1e-5)
        assert vector(met, "JESUp") == pytest.approx(expected - of_jets, abs=1e-3)
        assert vector(met, "JESDown") == pytest.approx(expected + of_jets, abs=1e-3)
    assert found > 5
    assert rejected > 0 or em_fraction_max == 0.9
    assert any(
        event.muons & {k for m in event.members for k in m} for event, _ in events(module, made())
    )


@names
def test_unclustered_is_what_is_outside_jets_and_leptons(module):
    for event, met in events(module, made()):
        clustered = {k for j, _ in event.high() for k in event.members[j]}
        change = np.zeros(2)
        for k, (c, weight) in enumerate(zip(event.candidates, event.in_met, strict=True)):
            if weight > 0 and k not in clustered and abs(c["pdgId"]) not in (11, 13):
                p4 = momentum(c, weight)
                change += (
                    formula(weight * c["pt"], c["eta"], weight * c["mass"], abs(c["pdgId"]))
                    * p4[:2]
                )
        assert vector(met, "UnclusteredUp") == pytest.approx(vector(met) - change, abs=1e-3)
        assert vector(met, "UnclusteredDown") == pytest.approx(vector(met) + change, abs=1e-3)


@names
def test_significance_is_that_of_jets_and_the_rest(module):
    module = replace(module, unclustered_terms=(2.0, 0.6))
    jets_in_all = 0
    for event, met in events(module, made()):
        covariance, sum_pt, used = np.zeros((2, 2)), 0.0, set()
        for j, (jet, factor) in enumerate(zip(event.jets, event.factors, strict=True)):
            with_lepton = any(event.is_lepton(k) for k in event.members[j])
            if abs(jet["eta"]) >= event.eta_max or with_lepton:
                continue
            used |= set(event.members[j])
            pt = factor["factor"] * jet["pt"]
            if pt <= 15:
                sum_pt += pt
                continue
            axes = np.array([[math.cos(jet["phi"]), math.sin(jet["phi"])]] * 2)
            axes[1] = -axes[1, 1], axes[1, 0]
            spread = np.diag([factor["ptResolution"] * pt, factor["phiResolution"] * pt]) ** 2
            covariance += axes.T @ spread @ axes
            jets_in_all += 1
        for k, (c, weight) in enumerate(zip(event.candidates, event.in_met, strict=True)):
            if k not in used and not event.is_lepton(k):
                sum_pt += weight * c["pt"]
        a, b = module.unclustered_terms
        covariance += np.eye(2) * (a**2 + b**2 * sum_pt)
        assert met["sumPtUnclustered"] == pytest.approx(sum_pt, rel=1e-5, abs=1e-6)
        found = [met["covXX"], met["covXY"], met["covYY"]]
        assert found == pytest.approx(covariance[[0, 0, 1], [0, 1, 1]], rel=1e-4, abs=1e-2)
        expected = vector(met) @ np.linalg.inv(covariance) @ vector(met)
        assert met["significance"] == pytest.approx(expected, rel=1e-4)
    assert jets_in_all > 5


@names
def test_events_do_not_depend_on_their_neighbours(module):
    products = made()
    (name,) = module.produces
    together = module.produce({key: products[key] for key in module.consumes})[name]
    for i in range(len(SIZES)):
        alone = module.produce({key: products[key][i : i + 1] for key in module.consumes})[name]
        assert alone[0].to_list() == pytest.approx(together[i].to_list(), rel=1e-5, abs=1e-4)


@names
def test_an_event_without_candidates_has_no_missing_momentum(module):
    (name,) = module.produces
    module = replace(module, unclustered_terms=(2.0, 0.6))
    met = module.produce({key: made()[key] for key in module.consumes})[name][1].to_list()
    nothing = {key for key in met if key not in ("covXX", "covYY")}
    assert {met[key] for key in nothing} == {0.0}
    assert met["covXX"] == met["covYY"] == pytest.approx(4.0)


@names
def test_a_chunk_without_events(module):
    products = {key: made()[key][:0] for key in module.consumes}
    assert len(module.produce(products)[module.produces[0]]) == 0
