"""Selection, order and links."""

import awkward as ak
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.modules.columns import jagged, offsets_from
from sonicmini.modules.leptons.selection import (
    packed_places,
    pointed,
    repacked,
    same_supercluster,
    select,
)


@given(st.lists(st.lists(st.tuples(st.integers(1, 5), st.booleans()), max_size=6), max_size=5))
def test_kept_objects_by_event_and_falling_pt(events):
    objects = [row for event in events for row in event]
    pt = np.array([row[0] for row in objects], dtype=np.float64)
    keep = np.array([row[1] for row in objects], dtype=np.bool_)
    counts = np.array([len(event) for event in events], dtype=np.int64)
    selection = select(pt, keep, offsets_from(counts))
    expected, first = [], 0
    for event in events:
        kept = [first + i for i, row in enumerate(event) if row[1]]
        expected.append(sorted(kept, key=lambda i: -objects[i][0]))
        first += len(event)
    assert selection.chosen.tolist() == [i for event in expected for i in event]
    assert np.diff(selection.offsets).tolist() == [len(event) for event in expected]
    assert selection.event.tolist() == [i for i, event in enumerate(expected) for _ in event]


def test_links_into_packed_candidates():
    packed = ak.Array([{"pfCandIdx": [2, 0, 1]}, {"pfCandIdx": []}, {"pfCandIdx": [1, 0]}])
    packed = jagged(np.array([0, 3, 3, 5]), {"pfCandIdx": ak.flatten(packed.pfCandIdx).to_numpy()})
    assert packed_places(packed).tolist() == [1, 2, 0, 1, 0]
    selection = select(np.ones(3), np.ones(3, np.bool_), np.array([0, 2, 2, 3]))
    candidate = pointed(np.array([2, -1, 0]), selection, np.array([0, 3, 3, 5]))
    assert candidate.tolist() == [2, -1, 3]
    assert repacked(candidate, packed)["pfCandIdx"].tolist() == [0, -1, 1]


def test_the_same_supercluster():
    numbers = {"scEta": 0.5, "scPhi": 1.0}
    others = ak.Array(
        [
            [
                {"pt": 10.0, "scEnergy": 20.0, **numbers},
                {"pt": 30.0, "scEnergy": 40.0, **numbers},
                {"pt": 12.0, "scEnergy": 20.0, **numbers},
            ],
            [],
            [{"pt": 5.0, "scEnergy": 20.0, **numbers}],
        ]
    )
    columns = {name: np.full(5, value) for name, value in numbers.items()}
    columns["scEnergy"] = np.array([20.0, 40.0, 41.0, 20.0, 20.0])
    links = same_supercluster(columns, np.array([0, 0, 0, 1, 2]), others)
    # By falling pT: the second, the third, the first.
    assert links.tolist() == [1, 0, -1, -1, 0]
