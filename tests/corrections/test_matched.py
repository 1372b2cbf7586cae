"""Matching of jets against a literal search."""

import math

import awkward as ak
import numpy as np
import pytest

from corrections.matched import Matched, load_matched, match, matched_file
from corrections.recipe import samples
from sonicmini.modules.gen.jets import GenJets


def particles(rng, n):
    columns = {
        "pt": rng.uniform(12, 80, n),
        "eta": rng.uniform(-5, 5, n),
        "phi": rng.uniform(-np.pi, np.pi, n),
        "mass": np.zeros(n),
        "pdgId": np.full(n, 22),
        "status": np.ones(n, dtype=int),
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def events(seed):
    """Single photons as generated jets, and jets near some of them and elsewhere."""
    rng = np.random.default_rng(seed)
    generated = [particles(rng, n) for n in (6, 0, 12, 1)]
    jets = []
    for event in generated:
        near = [
            {
                "pt": g["pt"] * rng.uniform(0.5, 1.5),
                "eta": g["eta"] + rng.normal(0, 0.12),
                "phi": g["phi"] + rng.normal(0, 0.12),
                "area": rng.uniform(0.3, 0.7),
            }
            for g in [*event, *event[:3]]
        ]
        jets.append(near)
    none = {"pt": 1.0, "eta": 0.0, "phi": 0.0, "area": 0.5}
    return {
        "GenPart": ak.Array(generated),
        "AK4CHSJet": ak.Array([*jets, [none]])[:-1],
        "Rho": ak.zip({"fixedGridRhoFastjetAll": np.array([1.0, 2.0, 3.0, 4.0])}),
    }


def distance(a, b):
    turn = math.remainder(a["phi"] - b["phi"], 2 * math.pi)
    return math.hypot(a["eta"] - b["eta"], turn)


def nearest(those, to):
    return min(those, key=lambda one: distance(one, to))


@pytest.mark.parametrize("seed", range(8))
def test_pairs_are_each_others_nearest(seed):
    products = events(seed)
    found = match(products, "AK4PFchs", 35)
    pairs = set(zip(found.gen_pt.round(4), found.pt.round(4), found.rho, strict=True))
    expected = set()
    gen = GenJets(pt_min=10.0).produce(products)["GenJet"]
    columns = gen[abs(gen.eta) < 5.2].to_list(), products["AK4CHSJet"].to_list()
    for i, (generated, jets) in enumerate(zip(*columns, strict=True)):
        for g in generated:
            if not jets:
                continue
            jet = nearest(jets, g)
            if nearest(generated, jet) is g and distance(jet, g) < 0.2:
                expected.add((round(g["pt"], 4), round(jet["pt"], 4), i + 1.0))
    assert len(expected) > 3
    assert {pair[1:] for pair in pairs} == {pair[1:] for pair in expected}
    assert sorted(pair[0] for pair in pairs) == pytest.approx(
        sorted(pair[0] for pair in expected), rel=1e-4
    )
    assert set(found.pileup) == {35.0}


def test_only_samples_that_are_there_are_read(tmp_path):
    chosen = samples("dijets")[:3]
    for sample, value in zip(chosen[:2], (1.0, 2.0), strict=True):
        pairs = Matched(*(np.full(2, value) for _ in range(9)))
        columns = {f"AK4PFchs_{name}": values for name, values in vars(pairs).items()}
        np.savez(matched_file(sample, tmp_path), allow_pickle=False, **columns)
    pairs, numbers = load_matched(chosen, tmp_path, "AK4PFchs")
    assert pairs.pt.tolist() == [1.0, 1.0, 2.0, 2.0]
    assert numbers.tolist() == [0, 0, 1, 1]


def test_no_two_samples_share_a_seed():
    every = [sample for split in ("dijets", "top") for sample in samples(split)]
    assert len({sample.seed for sample in every}) == len({s.name for s in every}) == len(every)
    assert {sample.pileup for sample in samples("dijets")} == {0, 15, 20, 30, 40, 50, 60}
