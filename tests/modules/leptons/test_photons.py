"""Photons of simulated events against CMS's rules, photon by photon."""

import math

import numpy as np
import pytest

from sonicmini.modules.leptons.photons import SlimmedPhotons
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
from tests.modules.leptons.test_photon_id import literal

EDGES = (1.0, 1.479, 2.0, 2.2, 2.3, 2.4, 9.9)
AREAS = {
    211: (0.0112, 0.0108, 0.0106, 0.01002, 0.0098, 0.0089, 0.0087),
    130: (0.0668, 0.1054, 0.0786, 0.0233, 0.0078, 0.0028, 0.0137),
    22: (0.1113, 0.0953, 0.0619, 0.0837, 0.1070, 0.1212, 0.1466),
}


def own_sums(photon, candidates, is_charged):
    """pT around a photon by kind, less the photon's own; ``is_charged`` tells who counts so."""
    sums = dict.fromkeys(AREAS, 0.0)
    eta = photon["scEta"]
    for k, candidate in enumerate(candidates):
        away, kind = distance(candidate, photon), abs(candidate["pdgId"])
        if kind not in sums or away >= 0.3 or k == photon["pfCandIdx"]:
            continue
        if kind == 211 and (not is_charged(k) or away <= 0.02):
            continue
        if kind == 22 and abs(eta) <= 1.479 and abs(candidate["eta"] - photon["eta"]) < 0.015:
            continue
        if kind == 22 and abs(eta) > 1.479 and away <= 4 * 0.00864 * abs(math.sinh(eta)):
            continue
        sums[kind] += candidate["pt"] * candidate.get("puppiWeight", 1.0)
    return sums


def aod_sums(products, i, photon):
    vertices = listed(products, "PFCandVertex")[i]
    candidates = [
        {name: value for name, value in candidate.items() if name in ("pt", "eta", "phi", "pdgId")}
        for candidate in listed(products, "PFCand")[i]
    ]
    return own_sums(photon, candidates, lambda k: vertices[k]["puppiFromPV"] >= 2)


def pairs(products):
    """Each photon of the output with its event and the photon of the input that it is."""
    inputs = listed(products, "Photon")
    for i, photon in rows(products, "SlimmedPhoton"):
        numbers = ("pt", "scEnergy", "phi")
        yield i, photon, next(o for o in inputs[i] if all(o[n] == photon[n] for n in numbers))


def expected_pt(products, cuts):
    for i, event in enumerate(listed(products, "Photon")):
        kept = []
        for photon in event:
            charged = aod_sums(products, i, photon)[211]
            isolated = (
                charged < cuts.max_charged or charged < cuts.max_charged_relative * photon["pt"]
            )
            soft = photon["pt"] > cuts.min_pt_isolated and (photon["r9"] > cuts.min_r9 or isolated)
            if photon["hoe"] < cuts.max_hoe and (photon["pt"] > cuts.min_pt or soft):
                kept.append(photon["pt"])
        yield sorted(kept, reverse=True)


@pytest.mark.parametrize(
    "cuts",
    [
        SlimmedPhotons(),
        SlimmedPhotons(max_charged=2.0, max_charged_relative=0.1, max_hoe=0.05),
        SlimmedPhotons(min_pt=60.0, min_pt_isolated=20.0, min_r9=0.95, max_charged=1.0),
    ],
)
@pytest.mark.parametrize("which", [simulated, toys], ids=["simulated", "toys"])
def test_photons_are_selected_and_sorted(which, cuts):
    products = which()
    found = cuts.produce({name: products[name] for name in cuts.consumes})["SlimmedPhoton"]
    assert found.pt.to_list() == list(expected_pt(products, cuts))


def test_links_lead_to_the_packed_candidate():
    products, followed = simulated(), 0
    packed = listed(products, "PackedPFCand")
    for i, photon, original in pairs(products):
        for name, value in original.items():
            assert photon[name] == value or name == "pfCandIdx"
        assert (photon["pfCandIdx"] >= 0) == (original["pfCandIdx"] >= 0)
        if photon["pfCandIdx"] >= 0:
            candidate = packed[i][photon["pfCandIdx"]]
            assert candidate["pfCandIdx"] == original["pfCandIdx"]
            assert candidate["pdgId"] == photon["pdgId"] == 22
            assert distance(candidate, photon) < 0.1
            followed += 1
    assert followed > 10


def test_isolation_with_effective_areas_and_identification():
    products, levels = simulated(), set()
    rho = products["Rho"].fixedGridRhoFastjetAll
    for i, photon, original in pairs(products):
        sums, pt = aod_sums(products, i, original), photon["pt"]
        place = next(k for k, edge in enumerate(EDGES) if abs(photon["scEta"]) < edge)
        corrected = {
            kind: max(0.0, total - rho[i] * AREAS[kind][place]) for kind, total in sums.items()
        }
        for name, kind in (("pfChargedIso", 211), ("pfNeutralIso", 130), ("pfPhoIso03", 22)):
            assert photon[name] == pytest.approx(corrected[kind], rel=1e-4, abs=1e-4)
        total = sum(corrected.values())
        assert photon["pfRelIso03_chg"] == pytest.approx(corrected[211] / pt, rel=1e-4, abs=1e-5)
        assert photon["pfRelIso03_all"] == pytest.approx(total / pt, rel=1e-4, abs=1e-5)
        assert photon["cutBased"] == literal(photon)
        barrel = abs(photon["scEta"]) <= 1.479
        assert (photon["isScEtaEB"], photon["isScEtaEE"]) == (barrel, not barrel)
        levels.add(photon["cutBased"])
    assert levels == {0, 1, 2, 3}


def test_puppi_isolation():
    products = simulated()
    for i, photon in rows(products, "SlimmedPhoton"):
        candidates = listed(products, "PackedPFCand")[i]
        sums = own_sums(photon, candidates, lambda k, c=candidates: c[k]["fromPV"] >= 2)
        for name, kind in (("ChargedHadron", 211), ("NeutralHadron", 130), ("Photon", 22)):
            assert photon[f"puppi{name}Iso"] == pytest.approx(sums[kind], rel=1e-4, abs=1e-5)


def test_events_do_not_depend_on_their_neighbours():
    for products in (simulated(), toys()):
        events = [i for i, event in enumerate(listed(products, "Photon")) if event][5::-1]
        alone = run(pick(products, events), LEPTONS[1:2])
        assert same(alone["SlimmedPhoton"], products["SlimmedPhoton"][np.array(events)])


def test_no_events():
    photons = run(pick(simulated(), []), LEPTONS[1:2])["SlimmedPhoton"]
    assert len(photons) == 0
    assert photons.fields == simulated()["SlimmedPhoton"].fields
