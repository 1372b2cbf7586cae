"""Flavours of generated jets in simulated events: what the hard process says."""

import awkward as ak
import numpy as np
import pytest

from sonicmini.modules.gen.flavour import GenJetFlavours, jets_with
from sonicmini.modules.gen.ghosts import ghosts_of
from tests.modules.gen.events import collection, run, simulated, with_jets


@pytest.mark.parametrize("name", ["GenJet", "GenJetAK8"])
def test_parallel_to_the_jets(name):
    products = simulated()
    assert ak.num(products[f"{name}Flavour"]).to_list() == ak.num(products[name]).to_list()


def test_top_pairs_have_two_b_jets():
    products = simulated()
    jets, flavour = products["GenJet"], products["GenJetFlavour"]
    hard = (jets.pt > 20) & (abs(jets.eta) < 2.5)
    n_b = ak.sum(hard & (flavour.hadronFlavour == 5), axis=1)
    assert 1.6 < ak.mean(n_b) < 2.2
    assert ak.mean(n_b == 2) > 0.6


def test_b_jets_are_where_b_hadrons_are():
    products = simulated()
    ghosts = ghosts_of(products["PrunedGenPart"])
    for n, jets in enumerate(products["GenJet"].to_list()):
        here = np.flatnonzero(ghosts.is_b[slice(*ghosts.offsets[n : n + 2])])
        y, phi = (column[ghosts.offsets[n] :][here] for column in (ghosts.y, ghosts.phi))
        for jet, flavour in zip(jets, products["GenJetFlavour"][n].to_list(), strict=True):
            slope = jet["pt"] * np.sinh(jet["eta"]) / np.hypot(jet["pt"], jet["mass"])
            distance = np.hypot(y - np.arcsinh(slope), np.angle(np.exp(1j * (phi - jet["phi"]))))
            assert flavour["nBHadrons"] <= np.sum(distance < 0.8)
            if jet["pt"] > 30:  # softer ones may lose theirs to a neighbour
                assert flavour["nBHadrons"] >= np.sum(distance < 0.2)


def test_hadron_and_parton_flavour_agree_in_most_hard_jets():
    products = simulated()
    flavour = products["GenJetFlavour"][products["GenJet"].pt > 30]
    heavy = flavour[flavour.hadronFlavour == 5]
    assert ak.mean(abs(heavy.partonFlavour) == 5) > 0.9
    light = flavour[flavour.hadronFlavour == 0]
    assert ak.mean(abs(light.partonFlavour) == 5) < 0.06  # b quarks before they radiate
    assert set(np.unique(ak.flatten(abs(flavour.partonFlavour)))) <= {0, 1, 2, 3, 4, 5, 21}


def test_weights_multiply_the_momenta():
    products = simulated()
    arguments = (products["GenJet"], products["GenJetCand"], products["GenPart"], "genPartIdx")
    place = np.arange(50)
    weight = np.linspace(0, 1, ak.sum(ak.num(products["GenPart"])))
    plain, weighted = (jets_with(*arguments, weight=w).p4(place) for w in (None, weight))
    ratio = weighted / plain
    assert np.ptp(ratio, axis=1) == pytest.approx(0, abs=1e-12)
    first = products["GenJetCand"].genPartIdx[0, 0]
    assert ratio[0, 0] == pytest.approx(weight[first])


@pytest.mark.parametrize("n", [0, 2])
def test_no_events_and_no_jets(n):
    nothing = collection([[] for _ in range(n)])
    products = with_jets({"GenPart": nothing, "PrunedGenPart": nothing})
    result = run(GenJetFlavours(), products)
    assert result["GenJetFlavour"].to_list() == [[]] * n
    assert result["GenJetAK8Flavour"].to_list() == [[]] * n
