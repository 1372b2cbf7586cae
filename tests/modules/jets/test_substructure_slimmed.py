"""Kept jets and their subjets against a dictionary for each event."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.modules.columns import flat, jagged, offsets_from
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
    }


@given(raw_events())
def test_kept_jets_take_their_subjets_along(events):
    inputs = inputs_of(events)
    result = {name: made.to_list() for name, made in
              SlimmedFatJetSubstructure().produce(inputs).items()}  # fmt: skip
    raw = {name: made.to_list() for name, made in inputs.items()}
    for i, (_, order) in enumerate(events):
        rows, subjets = result["FatJetSubstructure"][i], result["SubJet"][i]
        seen = []
        for place, (index, row) in enumerate(zip(order, rows, strict=True)):
            old = raw["AK8PuppiJetSubstructure"][i][index]
            assert {name: row[name] for name in COLUMNS} == {name: old[name] for name in COLUMNS}
            for column in ("subJetIdx1", "subJetIdx2"):
                assert (row[column] < 0) == (old[column] < 0)
                if row[column] < 0:
                    continue
                seen.append(row[column])
                subjet, before = subjets[row[column]], raw["AK8PuppiSubJet"][i][old[column]]
                assert subjet["fatJetIdx"] == place
                assert {name: subjet[name] for name in SUBJET} == {
                    name: before[name] for name in SUBJET
                }
        assert seen == list(range(len(subjets)))


def test_types_are_those_of_the_inputs():
    inputs = inputs_of([([True, False], (1, 0))])
    subjets = SlimmedFatJetSubstructure().produce(inputs)["SubJet"]
    assert flat(subjets, "pt", None).dtype == np.float64
