"""The choice between combinations against a sort written out."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sonicmini.modules.taus.choice import best_but_for_isolation, least_isolation
from sonicmini.modules.taus.combinations import Trials
from sonicmini.modules.taus.inputs import candidate_columns
from sonicmini.modules.taus.selection import Verdicts
from tests.modules.taus.hand import make_event, particle

CANDIDATES = [(211, 9.0), (-211, 8.0), (211, 4.0), (211, 6.0)]
SETS = [(0, -1, -1), (1, -1, -1), (0, 1, -1), (0, 2, -1), (0, 1, 2), (0, 2, 3), (1, 3, -1)]

TRIAL = st.tuples(
    st.integers(0, 2),
    st.sampled_from(SETS),
    st.sampled_from([(-1, -1), (0, -1), (0, 1)]),
    st.sampled_from([10.0, 10.005, 10.02, 30.0]),
    st.booleans(),
    st.sampled_from([0.0, 1.0, 2.0]),
)


def order(trial):
    _, hadron, _, _, passes, _ = trial
    chosen = [CANDIDATES[h] for h in hadron if h >= 0]
    charge = sum(np.sign(c[0]) for c in chosen) if len(chosen) == 3 else np.sign(chosen[0][0])
    soft = sum(c[1] <= 5 for c in chosen) if len(chosen) == 2 else 0
    return (abs(charge) != 1, not passes, soft, -len(chosen))


@given(st.lists(TRIAL, max_size=12))
@settings(max_examples=200, deadline=None)
def test_the_best_is_that_of_the_order(tried):
    tried.sort(key=lambda t: t[0])
    products = make_event([particle(k, pt, 0, 0) for k, pt in CANDIDATES])
    columns = candidate_columns(products["PFCand"], products["Track"])
    n = len(tried)
    p4 = np.array([[t[3], 0, 0, 50.0] for t in tried]).reshape(n, 4)
    trials = Trials(
        np.array([t[0] for t in tried], dtype=np.int64),
        np.array([t[1] for t in tried], dtype=np.int64).reshape(n, 3),
        np.array([t[2] for t in tried], dtype=np.int64).reshape(n, 2),
        p4,
        np.zeros((n, 2, 4)),
    )
    passes = np.array([t[4] for t in tried], dtype=np.bool_)
    verdicts = Verdicts(np.arange(n), np.arange(60.0, 60.0 + n), passes)
    taus = best_but_for_isolation(trials, verdicts, columns)
    best = least_isolation(taus, np.array([tried[i][5] for i in taus.mode]))

    expected = []
    for seed in sorted({t[0] for t in tried}):
        left = [i for i in range(n) if tried[i][0] == seed]
        left = [i for i in left if order(tried[i]) == min(order(tried[j]) for j in left)]
        left = [i for i in left if tried[i][3] > max(tried[j][3] for j in left) - 0.01]
        most = max(sum(s >= 0 for s in tried[i][2]) for i in left)
        left = [i for i in left if sum(s >= 0 for s in tried[i][2]) == most]
        expected.append(min(left, key=lambda i: (tried[i][5], i)))
    assert taus.mode[best].tolist() == expected
    assert (taus.p4[best, 3] == 60.0 + np.array(expected)).all()
