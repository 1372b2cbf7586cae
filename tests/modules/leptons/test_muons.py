"""Muons of simulated events against CMS's rules, muon by muon."""

import math

import numpy as np
import pytest

from tests.modules.leptons.events import (
    BEFORE,
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

AREAS = ((0.8, 0.0566), (1.3, 0.0562), (2.0, 0.0363), (2.2, 0.0119), (9.9, 0.0064))


def effective_area(eta, table):
    return next(area for edge, area in table if abs(eta) < edge)


def pairs(products):
    """Each muon of the output with its event and the muon of the input that it is."""
    inputs = listed(products, "Muon")
    for i, muon in rows(products, "SlimmedMuon"):
        same_momentum = [
            other for other in inputs[i] if all(other[n] == muon[n] for n in ("pt", "eta", "phi"))
        ]
        yield i, muon, same_momentum[0]


@pytest.mark.parametrize("which", [simulated, toys], ids=["simulated", "toys"])
def test_muons_are_selected_and_sorted(which):
    products = which()
    for inputs, muons in zip(
        listed(products, "Muon"), listed(products, "SlimmedMuon"), strict=True
    ):
        kept = [
            muon["pt"]
            for muon in inputs
            if muon["pt"] > 5
            or muon["isPFcand"]
            or (
                muon["pt"] > 3
                and (muon["isGlobal"] or muon["isStandalone"] or muon["nStations"] > 0)
            )
        ]
        assert [muon["pt"] for muon in muons] == sorted(kept, reverse=True)


def test_what_the_input_has_is_kept():
    for _, muon, original in pairs(simulated()):
        for name, value in original.items():
            if name not in ("trackIdx", "pfCandIdx"):
                assert muon[name] == value
        assert muon["pdgId"] == -13 * muon["charge"]


def test_links_lead_to_the_packed_candidate():
    products, followed = simulated(), 0
    packed = listed(products, "PackedPFCand")
    for i, muon, original in pairs(products):
        assert (muon["pfCandIdx"] >= 0) == (original["pfCandIdx"] >= 0)
        if muon["pfCandIdx"] >= 0:
            candidate = packed[i][muon["pfCandIdx"]]
            assert candidate["pfCandIdx"] == original["pfCandIdx"]
            assert candidate["pdgId"] == muon["pdgId"]
            assert candidate["pt"] == pytest.approx(muon["pt"], rel=1e-3)
            followed += 1
    assert followed > 40


def pf_sums(products, i, muon, radius):
    """PF isolation from the candidates of AOD: charged, neutral and photons, pileup."""
    charged = neutral = pileup = 0.0
    candidates, vertices = listed(products, "PFCand")[i], listed(products, "PFCandVertex")[i]
    for candidate, vertex in zip(candidates, vertices, strict=True):
        away, pt = distance(candidate, muon), candidate["pt"]
        if away >= radius:
            continue
        from_pv = vertex["puppiFromPV"] >= 2
        if abs(candidate["pdgId"]) == 211 and from_pv and away > 0.0001:
            charged += pt
        elif candidate["charge"] != 0 and not from_pv and pt > 0.5 and away > 0.01:
            pileup += pt
        elif candidate["pdgId"] in (22, 130) and pt > 0.5 and away > 0.01:
            neutral += pt
    return charged, neutral, pileup


def test_isolation_of_particle_flow_with_delta_beta():
    products = simulated()
    for i, muon, _ in pairs(products):
        charged, neutral, pileup = pf_sums(products, i, muon, 0.3)
        total = charged + max(0.0, neutral - 0.5 * pileup)
        assert muon["pfRelIso03_chg"] == pytest.approx(charged / muon["pt"], rel=1e-4)
        assert muon["pfRelIso03_all"] == pytest.approx(total / muon["pt"], rel=1e-4, abs=1e-6)
        charged, neutral, pileup = pf_sums(products, i, muon, 0.4)
        total = charged + max(0.0, neutral - 0.5 * pileup)
        assert muon["pfRelIso04_all"] == pytest.approx(total / muon["pt"], rel=1e-4, abs=1e-6)


def test_mini_isolation_with_effective_areas():
    products = simulated()
    packed, rho = listed(products, "PackedPFCand"), products["Rho"].fixedGridRhoFastjetAll
    for i, muon, _ in pairs(products):
        radius = max(0.05, min(0.2, 10.0 / muon["pt"]))
        charged = neutral = 0.0
        for candidate in packed[i]:
            away, pt, kind = distance(candidate, muon), candidate["pt"], candidate["pdgId"]
            if away > radius:
                continue
            if abs(kind) == 211 and candidate["fromPV"] > 1 and away > 0.0001:
                charged += pt
            if kind in (22, 130) and pt > 0.5 and away > 0.01:
                neutral += pt
        area = effective_area(muon["eta"], AREAS) * (radius / 0.3) ** 2
        total = charged + max(0.0, neutral - rho[i] * area)
        assert muon["miniPFRelIso_chg"] == pytest.approx(charged / muon["pt"], rel=1e-4)
        assert muon["miniPFRelIso_all"] == pytest.approx(total / muon["pt"], rel=1e-4, abs=1e-5)


def test_puppi_isolation():
    products = simulated()
    packed = listed(products, "PackedPFCand")
    for i, muon, _ in pairs(products):
        sums, combined = {211: 0.0, 130: 0.0, 22: 0.0}, 0.0
        for candidate in packed[i]:
            kind, weight = abs(candidate["pdgId"]), candidate["puppiWeight"]
            veto = 0.0001 if kind == 211 else 0.01
            if kind not in sums or not veto < distance(candidate, muon) < 0.4:
                continue
            if kind != 211 or candidate["fromPV"] >= 2:
                sums[kind] += candidate["pt"] * weight
            combined += candidate["pt"] * (weight + candidate["puppiWeightNoLep"]) / 2
        assert muon["puppiChargedHadronIso"] == pytest.approx(sums[211], rel=1e-4, abs=1e-6)
        assert muon["puppiNeutralHadronIso"] == pytest.approx(sums[130], rel=1e-4, abs=1e-6)
        assert muon["puppiPhotonIso"] == pytest.approx(sums[22], rel=1e-4, abs=1e-6)
        relative = combined / muon["pt"]
        assert muon["puppiRelIso04"] == pytest.approx(relative, rel=1e-4, abs=1e-6)
        assert muon["puppiIsoId"] == sum(muon["puppiRelIso04"] < cut for cut in (0.27, 0.22, 0.12))


def test_columns_of_the_inner_track():
    products, without = simulated(), 0
    tracks = listed(products, "Track")
    for i, muon, original in pairs(products):
        if original["trackIdx"] < 0:
            assert muon["ptErr"] == muon["dxyErr"] == muon["sip3d"] == -1
            assert muon["nTrackerLayers"] == muon["tkRelIso"] == muon["dxybs"] == 0
            assert not muon["highPurity"]
            without += 1
            continue
        track = tracks[i][original["trackIdx"]]
        assert muon["nTrackerLayers"] == track["nPixelLayers"] + track["nStripLayers"]
        assert muon["nPixelLayers"] == track["nPixelLayers"]
        assert muon["nPixelHits"] == track["nValidPixelHits"]
        assert muon["highPurity"] == track["isHighPurity"]
        # pT = cos(lambda) / (q/p): both variances, as if independent.
        p, slope = track["pt"] * math.cosh(track["eta"]), math.sinh(track["eta"])
        error = track["pt"] * math.hypot(
            p * track["covQopQop"] ** 0.5, slope * track["covLamLam"] ** 0.5
        )
        assert muon["ptErr"] == pytest.approx(error, rel=1e-5)
        assert muon["tightCharge"] == (2 if muon["ptErr"] < 0.2 * muon["pt"] else 0)
        assert abs(muon["dxy"]) <= muon["ip3d"] * 1.001
    assert without > 0


def test_prompt_muons_are_isolated_and_identified():
    products, found = simulated(), []
    truth = listed(products, "GenPart")
    for i, muon in rows(products, "SlimmedMuon"):
        if muon["pt"] > 20 and any(
            abs(part["pdgId"]) == 13
            and part["status"] == 1
            and part["statusFlags"] & 1
            and distance(part, muon) < 0.05
            for part in truth[i]
        ):
            found.append(muon)
    assert len(found) > 10
    for name in ("looseId", "mediumId", "tightId"):
        assert np.mean([muon[name] for muon in found]) > 0.85
    assert np.mean([muon["pfIsoId"] >= 4 for muon in found]) > 0.7
    assert np.mean([muon["sip3d"] < 4 for muon in found]) > 0.9


def test_events_do_not_depend_on_their_neighbours():
    for products, events in ((simulated(), [7, 3, 12]), (toys(), [4, 0])):
        alone = run(pick(products, events), BEFORE[:0] + LEPTONS[:1])
        assert same(alone["SlimmedMuon"], products["SlimmedMuon"][np.array(events)])


def test_no_events():
    muons = run(pick(simulated(), []), LEPTONS[:1])["SlimmedMuon"]
    assert len(muons) == 0
    assert muons.fields == simulated()["SlimmedMuon"].fields


def test_without_vertex_there_is_no_impact_parameter():
    for i, muon in rows(toys(), "SlimmedMuon"):
        if i == 3:
            assert muon["ip3d"] == muon["sip3d"] == muon["dxyErr"] == -1
