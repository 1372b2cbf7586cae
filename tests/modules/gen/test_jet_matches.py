"""Matches of jets of candidates, against real ghosts and a literal search for the nearest."""

import functools

import awkward as ak
import numpy as np
import pytest

from sonicmini.io.root_source import RootSource
from sonicmini.modules.columns import flat
from sonicmini.modules.gen.flavour import jets_with
from sonicmini.modules.gen.ghosts import flavours, ghosts_of
from sonicmini.modules.gen.jet_matches import FatJetGenMatch, JetCHSGenMatch, JetGenMatch
from sonicmini.modules.jets.raw import AK4CHSJets, AK4PuppiJets, AK8PuppiJets
from sonicmini.modules.puppi.puppi import Puppi
from sonicmini.modules.vertexing.primary import PrimaryVertexAssociation, PrimaryVertexSorting
from tests.modules.gen.events import SAMPLES, pruned_and_packed, run, with_jets
from tests.modules.gen.test_association import check

MATCHES = {
    "Jet": (JetGenMatch(), "AK4PuppiJet", "GenJet"),
    "JetCHS": (JetCHSGenMatch(), "AK4CHSJet", "GenJet"),
    "FatJet": (FatJetGenMatch(), "AK8PuppiJet", "GenJetAK8"),
}


@functools.cache
def reconstructed(events=20):
    """Simulated events with jets, of which the slimmed ones are in another order."""
    (chunk,) = RootSource([SAMPLES / "ttbar.root"], max_events=events).chunks()
    products = dict(chunk.products)
    products |= with_jets(pruned_and_packed(products["GenPart"]))
    for module in (
        *(PrimaryVertexSorting(), PrimaryVertexAssociation(), Puppi()),
        *(AK4CHSJets(), AK4PuppiJets(), AK8PuppiJets()),
    ):
        products |= run(module, products)
    for name, (_, raw, _) in MATCHES.items():
        place = ak.local_index(products[raw].pt)
        chosen = place[products[raw].pt > 10][:, ::-1]
        products[name] = ak.zip({"pt": products[raw].pt[chosen], "rawJetIdx": chosen})
    return products


@pytest.mark.parametrize("name", MATCHES)
def test_flavours_are_those_of_real_ghosts(name):
    module, raw, _ = MATCHES[name]
    products = reconstructed()
    weight = None if name == "JetCHS" else flat(products["PuppiWeight"], "weight")
    links, candidates = products[f"{raw}Cand"], products["PFCand"]
    jets = jets_with(products[raw], links, candidates, "candIdx", weight=weight)
    ghosts = ghosts_of(products["PrunedGenPart"])
    jet = check(ghosts, jets, module.radius)
    expected = flavours(ghosts, jet, len(jets.y))
    match = run(module, products)[f"{name}GenMatch"]
    for column, values in expected.items():
        of_raw = ak.unflatten(values, ak.num(products[raw]))
        assert match[column].to_list() == of_raw[products[name].rawJetIdx].to_list()


@pytest.mark.parametrize("name", MATCHES)
def test_generated_jets_are_given_away_in_order(name):
    module, raw, generated = MATCHES[name]
    products = reconstructed()
    match = run(module, products)[f"{name}GenMatch"]
    (index,) = [column for column in match.fields if column.startswith("gen")]
    assert index == {"GenJet": "genJetIdx", "GenJetAK8": "genJetAK8Idx"}[generated]
    for i, jets in enumerate(products[raw].to_list()):
        free = dict(enumerate(products[generated][i].to_list()))
        found = []
        for jet in jets:
            near = {
                j: np.hypot(jet["eta"] - g["eta"], np.angle(np.exp(1j * (jet["phi"] - g["phi"]))))
                for j, g in free.items()
            }
            best = min(near, key=near.__getitem__, default=-1)
            found.append(best if near.get(best, 9) < module.max_dr else -1)
            free.pop(found[-1], None)
        order = products[name].rawJetIdx[i].to_list()
        assert match[index][i].to_list() == [found[k] for k in order]


def test_hard_jets_have_a_generated_jet_of_their_momentum():
    products = reconstructed()
    index = run(JetGenMatch(), products)["JetGenMatch"].genJetIdx
    hard = products["Jet"].pt > 40
    assert ak.mean(index[hard] >= 0) > 0.95
    matched = hard & (index >= 0)
    ratio = products["Jet"].pt[matched] / products["GenJet"].pt[index[matched]]
    assert 0.7 < np.median(ak.flatten(ratio)) < 1.1


@pytest.mark.parametrize("name", MATCHES)
def test_events_do_not_depend_on_their_neighbours(name):
    module, _, _ = MATCHES[name]
    products = reconstructed()
    together = run(module, products)[f"{name}GenMatch"]
    for i in range(0, len(together), 7):
        alone = {product: array[i : i + 1] for product, array in products.items()}
        assert run(module, alone)[f"{name}GenMatch"].to_list() == together[i : i + 1].to_list()


@pytest.mark.parametrize("name", MATCHES)
def test_chunks_without_events(name):
    module, _, _ = MATCHES[name]
    nothing = {product: array[:0] for product, array in reconstructed().items()}
    assert run(module, nothing)[f"{name}GenMatch"].to_list() == []
