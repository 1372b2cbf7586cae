"""Leptons in jets against loops over lists."""

from typing import Any

import awkward as ak
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sonicmini.modules.jets.lepton_links import JetLeptonLinks


def some_products(seed, events):
    rng = np.random.default_rng(seed)
    names = ("Jet", "JetPFCand", "SlimmedMuon", "SlimmedElectron", "PackedPFCand")
    made: dict[str, list[Any]] = {name: [] for name in names}
    for _ in range(events):
        n, jets = int(rng.integers(0, 30)), int(rng.integers(0, 4))
        owner = rng.integers(-1, jets, n) if jets else np.full(n, -1)
        pairs = sorted((int(jet), i) for i, jet in enumerate(owner) if jet >= 0)
        made["Jet"].append([{"pt": 30.0}] * jets)
        made["JetPFCand"].append([{"jetIdx": jet, "pfCandIdx": i} for jet, i in pairs])
        made["PackedPFCand"].append([{"pt": 1.0}] * n)
        for name in ("SlimmedMuon", "SlimmedElectron"):
            index = rng.integers(-1, n, rng.integers(0, 6)).tolist() if n else [-1]
            made[name].append([{"pfCandIdx": i} for i in index])
    empty = {"pt": 1.0, "jetIdx": 0, "pfCandIdx": 0}  # gives every array its fields
    return {name: ak.Array([*made[name], [empty]])[:-1] for name in names}


@given(seed=st.integers(0, 10**6), events=st.integers(0, 4))
@settings(max_examples=50, deadline=None)
def test_links_are_those_of_plain_loops(seed, events):
    products = some_products(seed, events)
    result = JetLeptonLinks().produce(products)
    for event in range(events):
        links = products["JetPFCand"][event].to_list()
        owner = {link["pfCandIdx"]: link["jetIdx"] for link in links}
        for name, product in (("muon", "MuonJet"), ("electron", "ElectronJet")):
            leptons = products[f"Slimmed{name.capitalize()}"][event].to_list()
            jets = [owner.get(lepton["pfCandIdx"], -1) for lepton in leptons]
            assert result[product].jetIdx[event].to_list() == jets
            for jet in range(len(products["Jet"][event])):
                mine = [i for i, of_lepton in enumerate(jets) if of_lepton == jet]
                found = [result["JetLeptons"][f"{name}Idx{k}"][event, jet] for k in (1, 2)]
                assert found == [*mine, -1, -1][:2]
