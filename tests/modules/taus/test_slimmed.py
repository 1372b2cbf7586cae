"""Taus of Mini-AOD against those they are made of."""

import functools
import math

import awkward as ak
import pytest

from sonicmini.io.miniaod.taus import TAU, TAU_PFCAND
from sonicmini.modules.jets.raw import AK4CHSJets
from sonicmini.modules.packing.candidates import PackPFCandidates
from sonicmini.modules.puppi.puppi import Puppi
from sonicmini.modules.taus.hps import HPSTaus
from sonicmini.modules.taus.slimmed import SlimmedTaus
from sonicmini.modules.vertexing.primary import PrimaryVertexAssociation, PrimaryVertexSorting
from tests.toys import toy_products

CHAIN = (
    PrimaryVertexSorting(),
    PrimaryVertexAssociation(),
    Puppi(),
    PackPFCandidates(),
    AK4CHSJets(),
    HPSTaus(),
    SlimmedTaus(),
)


@functools.cache
def made():
    sizes = (500, 0, 400, 1, 450)
    products = toy_products(len(sizes), 12, candidates=sizes, vertices=(6, 1, 2, 1, 3))
    for module in CHAIN:
        products |= module.produce({name: products[name] for name in module.consumes})
    return products


def test_taus_above_the_threshold_by_falling_pt():
    products = made()
    kept = 0
    for taus, slimmed in zip(
        products["HPSTau"].to_list(), products["SlimmedTau"].to_list(), strict=True
    ):
        expected = [t for t in taus if t["pt"] > 18 and t["decayModeFindingNewDMs"]]
        expected.sort(key=lambda t: -t["pt"])
        assert [t["pt"] for t in slimmed] == [t["pt"] for t in expected]
        for tau, rule in zip(slimmed, expected, strict=True):
            assert tau["idDecayModeNewDMs"]
            assert tau["idDecayModeOldDMs"] == rule["decayModeFinding"]
            assert tau["chargedIso"] == rule["chargedIsoPtSum"]
            assert tau["rawIso"] == rule["byCombinedIsolationDeltaBetaCorrRaw3Hits"]
            assert tau["puCorr"] == rule["puCorrPtSum"]
            assert tau["leadTkPtOverTauPt"] == rule["leadPt"] / rule["pt"]
            turn = math.remainder(rule["leadPhi"] - rule["phi"], 2 * math.pi)
            assert tau["leadTkDeltaPhi"] == pytest.approx(turn, abs=1e-12)
            bits = [
                rule[f"by{name}CombinedIsolationDeltaBetaCorr3Hits"]
                for name in ("Loose", "Medium", "Tight")
            ]
            assert tau["idCombinedIso"] == sum(2**i for i, bit in enumerate(bits) if bit)
            kept += 1
    assert 2 < kept < ak.count(products["HPSTau"].pt)


def test_links_lead_to_the_same_candidates_after_packing():
    products = made()
    packed, links = products["PackedPFCand"], products["TauPFCand"]
    for i, (taus, slimmed) in enumerate(
        zip(products["HPSTau"].to_list(), products["SlimmedTau"].to_list(), strict=True)
    ):
        before = products["HPSTauCand"][i].to_list()
        expected = []
        for place, tau in enumerate(slimmed):
            old = next(k for k, t in enumerate(taus) if t["pt"] == tau["pt"])
            mine = [(place, x["candIdx"], x["role"]) for x in before if x["tauIdx"] == old]
            expected += mine
        places = packed[i].pfCandIdx.to_list()
        found = [(x["tauIdx"], places[x["pfCandIdx"]], x["role"]) for x in links[i].to_list()]
        assert found == expected


def test_columns_are_those_of_the_tables():
    products = made()
    for table in (TAU, TAU_PFCAND):
        assert set(products[table.product].fields) == {branch.name for branch in table.branches}


def test_no_events():
    nothing = {name: array[:0] for name, array in made().items()}
    result = SlimmedTaus().produce({name: nothing[name] for name in SlimmedTaus.consumes})
    assert [len(result[name]) for name in SlimmedTaus.produces] == [0, 0]
