"""Kept jets and their subjets against a dictionary for each event."""

import math

import fastjet
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.modules.columns import jagged, offsets_from
from sonicmini.modules.jets.substructure import COLUMNS
from sonicmini.modules.jets.substructure_slimmed import SlimmedFatJetSubstructure

SUBJET = ("pt", "eta", "phi", "mass", "rawFactor", "tau1", "n2b1")


@st.composite
def raw_events(draw):
    """For each event, which raw jets have subjets, and the kept ones in their order."""
    events = []
    for _ in range(draw(st.integers(0, 4))):
        split = draw(st.lists(st.booleans(), max_size=5))
        order = draw(st.permutations(range(len(split))))
        events.append((split, order[: draw(st.integers(0, len(split)))]))
    return events


def inputs_of(events):
    offsets = offsets_from(np.array([len(split) for split, _ in events], dtype=np.int64))
    kept = offsets_from(np.array([len(order) for _, order in events], dtype=np.int64))
    subjet_counts = offsets_from(np.array([2 * sum(split) for split, _ in events], dtype=np.int64))
    rng = np.random.default_rng(1)
    rows = {name: rng.random(offsets[-1]) for name in COLUMNS}
    first, jet = [], []
    for split, _ in events:
        places = np.cumsum(split, dtype=np.int64) - 1
        first += [2 * place if s else -1 for s, place in zip(split, places, strict=True)]
        jet += [i for i, s in enumerate(split) if s for _ in range(2)]
    rows["subJetIdx1"] = np.array(first, dtype=np.int64)
    rows["subJetIdx2"] = np.where(rows["subJetIdx1"] >= 0, rows["subJetIdx1"] + 1, -1)
    subjets = {name: rng.random(subjet_counts[-1]) for name in SUBJET}
    subjets["jetIdx"] = np.array(jet, dtype=np.int64)
    raw = np.array([i for _, order in events for i in order], dtype=np.int64)
    return {
        "FatJet": jagged(kept, {"rawJetIdx": raw}),
        "AK8PuppiJetSubstructure": jagged(offsets, rows),
        "AK8PuppiSubJet": jagged(subjet_counts, subjets),
        "AK8PuppiSubJetCorrection": jagged(
            subjet_counts, {"factor": rng.uniform(0.5, 2, subjet_counts[-1])}
        ),
    }


def momentum(subjet, factor):
    p4 = fastjet.PseudoJet()
    p4.reset_PtYPhiM(subjet["pt"], 0.0, subjet["phi"], subjet["mass"])
    pz = subjet["pt"] * math.sinh(subjet["eta"])
    energy = math.sqrt(p4.perp2() + pz**2 + subjet["mass"] ** 2)
    return factor * fastjet.PseudoJet(p4.px(), p4.py(), pz, energy)


@given(raw_events())
def test_kept_jets_take_their_subjets_along(events):
    inputs = inputs_of(events)
    made = SlimmedFatJetSubstructure().produce(inputs)
    result = {name: array.to_list() for name, array in made.items()}
    raw = {name: array.to_list() for name, array in inputs.items()}
    for i, (_, order) in enumerate(events):
        rows, subjets = result["FatJetSubstructure"][i], result["SubJet"][i]
        factors = [row["factor"] for row in raw["AK8PuppiSubJetCorrection"][i]]
        seen = []
        for place, (index, row) in enumerate(zip(order, rows, strict=True)):
            old = raw["AK8PuppiJetSubstructure"][i][index]
            same = [name for name in COLUMNS if name != "msoftdrop"]
            assert {name: row[name] for name in same} == {name: old[name] for name in same}
            if old["subJetIdx1"] < 0:
                assert row["subJetIdx1"] == row["subJetIdx2"] == -1
                assert row["msoftdrop"] == old["msoftdrop"]
                continue
            total = fastjet.PseudoJet(0.0, 0.0, 0.0, 0.0)
            for column in ("subJetIdx1", "subJetIdx2"):
                seen.append(row[column])
                before = raw["AK8PuppiSubJet"][i][old[column]]
                check_subjet(subjets[row[column]], before, factors[old[column]])
                assert subjets[row[column]]["fatJetIdx"] == place
                total = total + momentum(before, factors[old[column]])
            assert row["msoftdrop"] == pytest.approx(total.m(), rel=1e-6, abs=1e-6)
        assert seen == list(range(len(subjets)))


def check_subjet(subjet, before, factor):
    for name in ("pt", "mass"):
        assert subjet[name] == pytest.approx(factor * before[name])
        assert subjet[name] * (1 - subjet["rawFactor"]) == pytest.approx(before[name])
    for name in ("eta", "phi", "tau1", "n2b1"):
        assert subjet[name] == before[name]
