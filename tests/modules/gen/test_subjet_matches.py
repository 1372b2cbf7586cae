"""Flavours of subjets: ghosts of the large jet by the nearest subjet, one by one."""

import awkward as ak
import numpy as np
import pytest

from sonicmini.modules.columns import flat
from sonicmini.modules.gen.association import associate
from sonicmini.modules.gen.flavour import jets_with
from sonicmini.modules.gen.ghosts import ghosts_of
from sonicmini.modules.gen.subjet_matches import SubJetGenMatch, nearest_subjet
from sonicmini.modules.jets.substructure import AK8PuppiSubstructure
from tests.modules.gen.events import run
from tests.modules.gen.test_jet_matches import reconstructed


def with_subjets():
    """Jets with the subjets of the uncorrected ones."""
    products = dict(reconstructed())
    made = run(AK8PuppiSubstructure(pt_min=60.0), products)["AK8PuppiSubJet"]
    raw_of_jet = products["FatJet"].rawJetIdx
    subjets = []
    for event, raw in zip(made.to_list(), raw_of_jet.to_list(), strict=True):
        of = [s | {"fatJetIdx": raw.index(s["jetIdx"])} for s in event if s["jetIdx"] in raw]
        subjets.append(sorted(of, key=lambda s: s["fatJetIdx"]))
    names = ("pt", "eta", "phi", "mass", "fatJetIdx")
    flat_subjets = [s for event in subjets for s in event]
    columns = {name: np.array([s[name] for s in flat_subjets]) for name in names}
    counts = np.array([len(event) for event in subjets])
    return products | {"SubJet": ak.unflatten(ak.zip(columns), counts)}


def test_hadrons_of_a_jet_go_to_its_nearest_subjet():
    products = with_subjets()
    weight = flat(products["PuppiWeight"], "weight")
    links, candidates = products["AK8PuppiJetCand"], products["PFCand"]
    jets = jets_with(products["AK8PuppiJet"], links, candidates, "candIdx", weight=weight)
    ghosts = ghosts_of(products["PrunedGenPart"])
    jet = associate(ghosts, jets, radius=0.8)
    match = run(SubJetGenMatch(), products)["SubJetGenMatch"]
    total = 0
    for n, subjets in enumerate(products["SubJet"].to_list()):
        raw = products["FatJet"].rawJetIdx[n].to_list()
        b, c = np.zeros(len(subjets), dtype=int), np.zeros(len(subjets), dtype=int)
        for g in range(*ghosts.offsets[n : n + 2]):
            near = {}
            for k, s in enumerate(subjets):
                if raw[s["fatJetIdx"]] == jet[g] - jets.offsets[n]:
                    y = np.arcsinh(s["pt"] * np.sinh(s["eta"]) / np.hypot(s["pt"], s["mass"]))
                    turn = np.angle(np.exp(1j * (ghosts.phi[g] - s["phi"])))
                    near[k] = np.hypot(ghosts.y[g] - y, turn)
            if near:
                k = min(near, key=near.__getitem__)
                b[k] += ghosts.is_b[g]
                c[k] += ghosts.is_c[g]
        assert match.nBHadrons[n].to_list() == b.tolist()
        assert match.nCHadrons[n].to_list() == c.tolist()
        total += b.sum()
    assert total > 5


@pytest.mark.parametrize(
    ("ghost", "subjet"),
    [
        ((0.1, 0.0, 3), 0),
        ((0.9, 0.0, 3), 1),
        ((0.9, 6.2, 3), 1),
        ((0.0, 0.0, 4), 2),
        ((0, 0, -1), -1),
    ],
)
def test_by_hand(ghost, subjet):
    one = (np.array([ghost[0]], float), np.array([ghost[1]], float), np.array([ghost[2]]))
    y, phi, jet = (np.array(v) for v in ([0.0, 1.0, 5.0], [0.0, 0.0, 0.0], [3, 3, 4]))
    assert nearest_subjet(one, (y, phi, jet)).tolist() == [subjet]


def test_chunks_without_events():
    nothing = {name: array[:0] for name, array in with_subjets().items()}
    assert run(SubJetGenMatch(), nothing)["SubJetGenMatch"].to_list() == []
