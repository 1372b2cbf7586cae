"""Cut-based identification of electrons against the published tables, cut by cut."""

import numpy as np
import pytest

from sonicmini.modules.leptons.electron_id import cut_based

# sieie, d_eta, d_phi, hoe: C0, CE, Cr, iso: C0, Cpt, e_inv, lost hits; Fall17-94X-V2.
BARREL = {
    1: (0.0126, 0.00463, 0.148, 0.05, 1.16, 0.0324, 0.198, 0.506, 0.209, 2),
    2: (0.0112, 0.00377, 0.0884, 0.05, 1.16, 0.0324, 0.112, 0.506, 0.193, 1),
    3: (0.0106, 0.0032, 0.0547, 0.046, 1.16, 0.0324, 0.0478, 0.506, 0.184, 1),
    4: (0.0104, 0.00255, 0.022, 0.026, 1.15, 0.0324, 0.0287, 0.506, 0.159, 1),
}
ENDCAP = {
    1: (0.0457, 0.00814, 0.19, 0.05, 2.54, 0.183, 0.203, 0.963, 0.132, 3),
    2: (0.0425, 0.00674, 0.169, 0.0441, 2.54, 0.183, 0.108, 0.963, 0.111, 1),
    3: (0.0387, 0.00632, 0.0394, 0.0275, 2.52, 0.183, 0.0658, 0.963, 0.0721, 1),
    4: (0.0353, 0.00501, 0.0236, 0.0188, 2.06, 0.183, 0.0445, 0.963, 0.0197, 1),
}


def literal(electron, rho):
    """The tightest point that an electron passes."""
    eta = abs(electron["scEta"])
    if eta > 2.5:
        return 0
    best = 0
    for level, cuts in (BARREL if eta <= 1.479 else ENDCAP).items():
        sieie, d_eta, d_phi, c0, ce, cr, iso0, iso_pt, e_inv, lost = cuts
        energy = electron["scEnergy"]
        if (
            electron["sieie"] < sieie
            and abs(electron["deltaEtaInSC"]) < d_eta
            and abs(electron["deltaPhiInSC"]) < d_phi
            and electron["hoe"] < c0 + ce / energy + cr * rho / energy
            and electron["pfRelIso03_all"] < iso0 + iso_pt / electron["pt"]
            and abs(electron["eInvMinusPInv"]) < e_inv
            and electron["lostHits"] <= lost
            and electron["convVeto"]
        ):
            best = level
    return best


def good(n, eta):
    """Electrons that pass everything."""
    columns = {
        "scEta": np.full(n, eta),
        "scEnergy": np.full(n, 60.0),
        "pt": np.full(n, 40.0),
        "lostHits": np.zeros(n, np.uint8),
        "convVeto": np.ones(n, np.bool_),
    }
    zeros = ("sieie", "deltaEtaInSC", "deltaPhiInSC", "hoe", "pfRelIso03_all", "eInvMinusPInv")
    return columns | dict.fromkeys(zeros, np.zeros(n))


@pytest.mark.parametrize("eta", [0.3, -1.4, 1.8, -2.4])
@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("sieie", 0.05),
        ("deltaEtaInSC", -0.009),
        ("deltaPhiInSC", 0.2),
        ("hoe", 0.25),
        ("pfRelIso03_all", 0.25),
        ("eInvMinusPInv", -0.22),
        ("lostHits", 4),
    ],
)
def test_each_cut_alone(eta, name, most):
    columns = good(400, eta) | {name: np.linspace(0, most, 400)}
    if name == "lostHits":
        columns[name] = np.arange(400) % 5
    found = cut_based(columns, np.full(400, 20.0))
    rows = [{key: values[i] for key, values in columns.items()} for i in range(400)]
    assert found.tolist() == [literal(row, 20.0) for row in rows]
    assert len(set(found)) >= 3 - (name == "lostHits")


def test_all_cuts_together():
    rng = np.random.default_rng(4)
    n = 5000
    columns = good(n, 0.0) | {
        "scEta": rng.uniform(-2.6, 2.6, n),
        "pt": rng.exponential(30, n) + 5,
        "convVeto": rng.random(n) < 0.9,
        "lostHits": rng.choice([0, 0, 0, 1, 2, 3, 4], n),
    }
    columns["scEnergy"] = columns["pt"] * np.cosh(columns["scEta"])
    for name, scale in (
        ("sieie", 0.006),
        ("deltaEtaInSC", 0.001),
        ("deltaPhiInSC", 0.01),
        ("hoe", 0.02),
        ("pfRelIso03_all", 0.02),
        ("eInvMinusPInv", 0.01),
    ):
        columns[name] = rng.exponential(scale, n)
    rho = rng.uniform(5, 40, n)
    found = cut_based(columns, rho)
    rows = [{key: values[i] for key, values in columns.items()} for i in range(n)]
    assert found.tolist() == [literal(row, rho[i]) for i, row in enumerate(rows)]
    assert np.all(np.bincount(found) > 50)


def test_conversions_fail():
    columns = good(1, 0.5)
    assert cut_based(columns, np.zeros(1)).tolist() == [4]
    assert cut_based(columns | {"convVeto": np.zeros(1, np.bool_)}, np.zeros(1)).tolist() == [0]
