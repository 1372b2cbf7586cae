"""Cut-based identification of photons against the published tables, cut by cut."""

import numpy as np
import pytest

from sonicmini.modules.leptons.photon_id import cut_based

# hoe, sieie, charged, neutral: C1 to C3, photon: C1, C2; Fall17-94X-V2.
BARREL = {
    1: (0.04596, 0.0106, 1.694, 24.032, 0.01512, 2.259e-5, 2.876, 0.004017),
    2: (0.02197, 0.01015, 1.141, 1.189, 0.01512, 2.259e-5, 2.08, 0.004017),
    3: (0.02148, 0.00996, 0.65, 0.317, 0.01512, 2.259e-5, 2.044, 0.004017),
}
ENDCAP = {
    1: (0.0590, 0.0272, 2.089, 19.722, 0.0117, 2.3e-5, 4.162, 0.0037),
    2: (0.0326, 0.0272, 1.051, 2.718, 0.0117, 2.3e-5, 3.867, 0.0037),
    3: (0.0321, 0.0271, 0.517, 2.716, 0.0117, 2.3e-5, 3.032, 0.0037),
}
FALLING = ("hoe", "sieie", "pfChargedIso", "pfNeutralIso", "pfPhoIso03")


def literal(photon):
    eta, pt = abs(photon["scEta"]), photon["pt"]
    if eta > 2.5:
        return 0
    best = 0
    for level, cuts in (BARREL if eta <= 1.479 else ENDCAP).items():
        limits = (
            *cuts[:3],
            cuts[3] + cuts[4] * pt + cuts[5] * pt * pt,
            cuts[6] + cuts[7] * pt,
        )
        if all(photon[name] < limit for name, limit in zip(FALLING, limits, strict=True)):
            best = level
    return best


@pytest.mark.parametrize("eta", [0.3, -2.0])
@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("hoe", 0.08),
        ("sieie", 0.03),
        ("pfChargedIso", 3),
        ("pfNeutralIso", 30),
        ("pfPhoIso03", 5),
    ],
)
def test_each_cut_alone(eta, name, most):
    n = 2000
    columns = dict.fromkeys(FALLING, np.zeros(n))
    columns |= {"scEta": np.full(n, eta), "pt": np.full(n, 80.0), name: np.linspace(0, most, n)}
    found = cut_based(columns)
    rows = [{key: values[i] for key, values in columns.items()} for i in range(n)]
    assert found.tolist() == [literal(row) for row in rows]
    assert {0, 3} <= set(found)


def test_all_cuts_together():
    rng = np.random.default_rng(4)
    n = 5000
    columns = {"scEta": rng.uniform(-2.6, 2.6, n), "pt": rng.exponential(60, n) + 10}
    for name, scale in zip(FALLING, (0.01, 0.005, 0.4, 0.8, 1.0), strict=True):
        columns[name] = rng.exponential(scale, n)
    found = cut_based(columns)
    rows = [{key: values[i] for key, values in columns.items()} for i in range(n)]
    assert found.tolist() == [literal(row) for row in rows]
    assert np.all(np.bincount(found) > 50)
