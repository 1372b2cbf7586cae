"""Electrons of simulated events against CMS's rules, electron by electron."""

import math

import awkward as ak
import numpy as np
import pytest

from sonicmini.modules.leptons.electrons import SlimmedElectrons
from tests.modules.leptons.events import (
    LEPTONS,
    distance,
    listed,
    pick,
    rows,
    run,
    same,
    simulated,
    toys,
)
from tests.modules.leptons.test_electron_id import literal

AREAS = (
    *((1.0, 0.1440), (1.479, 0.1562), (2.0, 0.1032), (2.2, 0.0859)),
    *((2.3, 0.1116), (2.4, 0.1321), (9.9, 0.1654)),
)
ISOLATIONS = (
    *("pfRelIso03_chg", "pfRelIso03_all", "miniPFRelIso_chg", "miniPFRelIso_all", "dr03TkSumPt"),
    *("puppiChargedHadronIso", "puppiNeutralHadronIso", "puppiPhotonIso"),
)


def pairs(products):
    """Each electron of the output with its event and the electron of the input that it is."""
    inputs = listed(products, "Electron")
    for i, electron in rows(products, "SlimmedElectron"):
        numbers = ("pt", "scEnergy", "phi")
        yield i, electron, next(o for o in inputs[i] if all(o[n] == electron[n] for n in numbers))


def area_at(electron):
    return next(area for edge, area in AREAS if abs(electron["scEta"]) < edge)


def vetoes(electron):
    """Charged hadrons, photons, neutral hadrons."""
    return (0.0, 0.0, 0.0) if abs(electron["scEta"]) <= 1.479 else (0.015, 0.08, 0.0)


@pytest.mark.parametrize("which", [simulated, toys], ids=["simulated", "toys"])
def test_all_electrons_are_kept_by_falling_pt(which):
    products = which()
    for inputs, electrons in zip(
        listed(products, "Electron"), listed(products, "SlimmedElectron"), strict=True
    ):
        expected = sorted((electron["pt"] for electron in inputs), reverse=True)
        assert [electron["pt"] for electron in electrons] == expected


def test_what_the_input_has_is_kept_but_shapes_and_isolation_of_soft_electrons():
    products, soft = simulated(), 0
    inputs = {name: products[name] for name in SlimmedElectrons.consumes}
    made = SlimmedElectrons(min_pt_details=20.0).produce(inputs)
    for _, electron, original in pairs(products | made):
        dropped = ("sieie", "sipip", "r9", "fbrem") if electron["pt"] < 20 else ()
        for name, value in original.items():
            if name not in ("trackIdx", "pfCandIdx"):
                assert electron[name] == (0 if name in dropped else value)
        if electron["pt"] < 20:
            assert all(electron[name] == 0 for name in ISOLATIONS)
            soft += 1
    assert 0 < soft < ak.count(made["SlimmedElectron"].pt)


def test_identification_of_soft_electrons_uses_what_is_dropped():
    products = simulated()
    inputs = {name: products[name] for name in SlimmedElectrons.consumes}
    everything = SlimmedElectrons(min_pt_details=0.0).produce(inputs)["SlimmedElectron"]
    assert everything.cutBased.to_list() == products["SlimmedElectron"].cutBased.to_list()
    rho = products["Rho"].fixedGridRhoFastjetAll
    for i, event in enumerate(everything.to_list()):
        assert [electron["cutBased"] for electron in event] == [
            literal(electron, rho[i]) for electron in event
        ]


def test_links_lead_to_the_packed_candidate():
    products, followed = simulated(), 0
    packed = listed(products, "PackedPFCand")
    for i, electron, original in pairs(products):
        assert electron["isPFcand"] == (original["pfCandIdx"] >= 0) == (electron["pfCandIdx"] >= 0)
        if electron["isPFcand"]:
            candidate = packed[i][electron["pfCandIdx"]]
            assert candidate["pfCandIdx"] == original["pfCandIdx"]
            assert candidate["pdgId"] == electron["pdgId"] == -11 * electron["charge"]
            assert candidate["pt"] == pytest.approx(electron["pt"], rel=2e-3)
            followed += 1
    assert followed > 5


def test_electrons_and_photons_of_a_supercluster_are_linked():
    products, linked = simulated(), 0
    electrons, photons = listed(products, "SlimmedElectron"), listed(products, "SlimmedPhoton")
    for i, electron in rows(products, "SlimmedElectron"):
        same_cluster = [
            k
            for k, photon in enumerate(photons[i])
            if all(photon[name] == electron[name] for name in ("scEnergy", "scEta", "scPhi"))
        ]
        assert electron["photonIdx"] == (same_cluster[0] if same_cluster else -1)
        linked += len(same_cluster)
    for i, photon in rows(products, "SlimmedPhoton"):
        if photon["electronIdx"] >= 0:
            electron = electrons[i][photon["electronIdx"]]
            assert photons[i][electron["photonIdx"]] == photon
    assert linked > 5


def test_isolation_with_effective_areas():
    products = simulated()
    rho = products["Rho"].fixedGridRhoFastjetAll
    for i, electron, _ in pairs(products):
        if electron["pt"] < 5:
            continue
        of_charged, of_photons, _ = vetoes(electron)
        charged = neutral = 0.0
        candidates, vertices = listed(products, "PFCand")[i], listed(products, "PFCandVertex")[i]
        for candidate, vertex in zip(candidates, vertices, strict=True):
            away, kind = distance(candidate, electron), abs(candidate["pdgId"])
            if away >= 0.3:
                continue
            if kind == 211 and vertex["puppiFromPV"] >= 2 and away > of_charged:
                charged += candidate["pt"]
            if kind == 130 or (kind == 22 and away > of_photons):
                neutral += candidate["pt"]
        total = charged + max(0.0, neutral - rho[i] * area_at(electron))
        pt = electron["pt"]
        assert electron["pfRelIso03_chg"] == pytest.approx(charged / pt, rel=1e-4, abs=1e-6)
        assert electron["pfRelIso03_all"] == pytest.approx(total / pt, rel=1e-4, abs=1e-5)


def test_mini_and_puppi_isolation():
    products = simulated()
    packed, rho = listed(products, "PackedPFCand"), products["Rho"].fixedGridRhoFastjetAll
    for i, electron, _ in pairs(products):
        if electron["pt"] < 5:
            continue
        radius = max(0.05, min(0.2, 10.0 / electron["pt"]))
        veto = dict(zip((211, 22, 130), vetoes(electron), strict=True))
        mini, puppi = dict.fromkeys(veto, 0.0), dict.fromkeys(veto, 0.0)
        for candidate in packed[i]:
            away, kind = distance(candidate, electron), abs(candidate["pdgId"])
            if kind not in veto or away <= veto[kind] or (kind == 211 and candidate["fromPV"] < 2):
                continue
            if away < radius:
                mini[kind] += candidate["pt"]
            if away < 0.3:
                puppi[kind] += candidate["pt"] * candidate["puppiWeight"]
        area, pt = area_at(electron) * (radius / 0.3) ** 2, electron["pt"]
        total = mini[211] + max(0.0, mini[22] + mini[130] - rho[i] * area)
        assert electron["miniPFRelIso_chg"] == pytest.approx(mini[211] / pt, rel=1e-4, abs=1e-6)
        assert electron["miniPFRelIso_all"] == pytest.approx(total / pt, rel=1e-4, abs=1e-5)
        for name, kind in (("ChargedHadron", 211), ("NeutralHadron", 130), ("Photon", 22)):
            assert electron[f"puppi{name}Iso"] == pytest.approx(puppi[kind], rel=1e-4, abs=1e-6)


def test_columns_from_the_supercluster():
    for _, electron in rows(simulated(), "SlimmedElectron"):
        assert electron["deltaEtaSC"] == pytest.approx(
            electron["scEta"] - electron["eta"], abs=1e-6
        )
        transverse = electron["scEnergy"] / math.cosh(electron["scEta"])
        assert electron["scEtOverPt"] == pytest.approx(transverse / electron["pt"] - 1, abs=1e-5)


def test_events_do_not_depend_on_their_neighbours():
    products = simulated()
    events = [i for i, event in enumerate(listed(products, "Electron")) if event][5:1:-1]
    alone = run(pick(products, events), (LEPTONS[1], LEPTONS[2]))
    assert same(alone["SlimmedElectron"], products["SlimmedElectron"][np.array(events)])
    alone = run(pick(toys(), [4, 1, 0]), (LEPTONS[1], LEPTONS[2]))
    assert same(alone["SlimmedElectron"], toys()["SlimmedElectron"][np.array([4, 1, 0])])


def test_no_events():
    electrons = run(pick(simulated(), []), (LEPTONS[1], LEPTONS[2]))["SlimmedElectron"]
    assert len(electrons) == 0
    assert electrons.fields == simulated()["SlimmedElectron"].fields
