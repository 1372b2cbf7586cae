"""Event filters against the rules, muon by muon."""

import math
from collections import Counter

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonicmini.modules.trigger.filters import EventFilters
from tests.toys import toy_products

NAMES = ("goodVertices", "BadPFMuonFilter", "BadPFMuonDzFilter", "BadChargedCandidateFilter")


def events_with_hard_muons(seed, sizes):
    """Toy events whose muons are hard, often badly measured, and share tracks with candidates."""
    rng = np.random.default_rng(seed)
    products = toy_products(
        len(sizes), seed, candidates=sizes, vertices=rng.integers(0, 4, len(sizes)).tolist()
    )
    n = int(ak.sum(ak.num(products["Muon"])))
    counts = ak.num(products["Muon"])
    columns = {
        "pt": rng.uniform(60, 150, n),
        "segmentComp": rng.uniform(0, 0.6, n),
        "isGlobal": rng.random(n) < 0.8,
        "isPFcand": rng.random(n) < 0.5,
    }
    for name, values in columns.items():
        products["Muon"] = ak.with_field(products["Muon"], ak.unflatten(values, counts), name)
    tracks = products["Track"]
    wide = ak.unflatten(rng.exponential(1e-4, int(ak.sum(ak.num(tracks)))), ak.num(tracks))
    products["Track"] = ak.with_field(tracks, wide, "covQopQop")
    candidates = products["PFCand"]
    products["PFCand"] = ak.with_field(candidates, candidates.pt * 40, "pt")
    vertices = products["SlimmedPV"] = products["PV"]
    thin = ak.unflatten(rng.uniform(3, 5, int(ak.sum(ak.num(vertices)))), ak.num(vertices))
    products["SlimmedPV"] = ak.with_field(vertices, thin, "ndof")
    return products


def is_suspect(muon, track):
    if not muon["isGlobal"] or max(muon["pt"], track["pt"]) < 100:
        return False
    cosh, cot = math.cosh(track["eta"]), math.sinh(track["eta"])
    error = math.hypot(
        track["pt"] * cosh * math.sqrt(track["covQopQop"]), cot * math.sqrt(track["covLamLam"])
    )
    return muon["segmentComp"] <= 0.3 or error >= 1.0


def dz(track, vertices):
    x, y, z = (vertices[0][name] for name in "xyz") if vertices else (0.0, 0.0, 0.0)
    dx, dy = track["vx"] - x, track["vy"] - y
    along = dx * math.cos(track["phi"]) + dy * math.sin(track["phi"])
    return track["vz"] - z - along * math.sinh(track["eta"])


def expected(products, event):
    muons, tracks, candidates, vertices = (
        products[name][event].to_list() for name in ("Muon", "Track", "PFCand", "SlimmedPV")
    )
    bad = dict.fromkeys(NAMES[1:], False)
    for muon in muons:
        if muon["trackIdx"] < 0 or not is_suspect(muon, tracks[muon["trackIdx"]]):
            continue
        own = candidates[muon["pfCandIdx"]] if muon["pfCandIdx"] >= 0 else None
        if own is not None and abs(own["pdgId"]) == 13 and own["pt"] > 100:
            bad["BadPFMuonFilter"] = True
            bad["BadPFMuonDzFilter"] |= abs(dz(tracks[muon["trackIdx"]], vertices)) > 0.5
        hadrons = [c for c in candidates if abs(c["pdgId"]) == 211]
        same = any(c["trackIdx"] == muon["trackIdx"] for c in hadrons)
        bad["BadChargedCandidateFilter"] |= same and not muon["isPFcand"]
    good = any(
        not v["isFake"] and v["ndof"] > 4 and abs(v["z"]) <= 24 and math.hypot(v["x"], v["y"]) <= 2
        for v in vertices
    )
    return {"goodVertices": good} | {name: not value for name, value in bad.items()}


def point_at_muons(products, seed):
    """Gives most muons a candidate and its track."""
    rng = np.random.default_rng(seed)
    links: dict[str, list[int]] = {"trackIdx": [], "pfCandIdx": []}
    for muons, candidates in zip(
        products["Muon"].to_list(), products["PFCand"].to_list(), strict=True
    ):
        kinds = [i for i, c in enumerate(candidates) if abs(c["pdgId"]) in (13, 211)]
        leptons = [i for i in kinds if abs(candidates[i]["pdgId"]) == 13] or kinds
        for _ in muons:
            chosen = rng.choice(leptons if rng.random() < 0.6 else kinds) if kinds else -1
            links["pfCandIdx"].append(chosen)
            links["trackIdx"].append(candidates[chosen]["trackIdx"] if chosen >= 0 else -1)
    for name, values in links.items():
        column = ak.unflatten(np.array(values, dtype=np.int16), ak.num(products["Muon"]))
        products["Muon"] = ak.with_field(products["Muon"], column, name)
    return products


def flags_of(products):
    return EventFilters().produce({name: products[name] for name in EventFilters.consumes})["Flag"]


def test_flags_are_those_of_the_rules():
    seen: Counter[tuple[str, bool]] = Counter()
    for seed in range(4):
        products = point_at_muons(events_with_hard_muons(seed, (150,) * 30 + (0, 1)), seed)
        for event, flags in enumerate(flags_of(products).to_list()):
            together = flags.pop("METFilters")
            assert flags == expected(products, event)
            assert together == all(flags.values())
            seen.update((name, value) for name, value in flags.items())
    assert all(seen[name, value] > 0 for name in NAMES for value in (True, False))


@pytest.mark.parametrize(
    ("change", "good"),
    [
        ({}, True),
        ({"ndof": 4.0}, False),
        ({"z": -24.0}, True),
        ({"z": 24.1}, False),
        ({"x": 1.5, "y": 1.5}, False),
        ({"isFake": True}, False),
    ],
)
def test_good_vertices(change, good):
    products = toy_products(1, 1, candidates=(50,), vertices=(1,))
    vertex = {"ndof": 10.0, "z": 0.0, "x": 0.0, "y": 0.0, "isFake": False} | change
    for name, value in vertex.items():
        products["PV"] = ak.with_field(products["PV"], ak.Array([[value]]), name)
    products["SlimmedPV"] = products["PV"]
    assert flags_of(products).goodVertices.to_list() == [good]


def test_muons_without_any_track():
    products = events_with_hard_muons(3, (60, 60, 60))
    none = ak.zeros_like(products["Muon"].trackIdx) - 1
    products["Muon"] = ak.with_field(products["Muon"], none, "trackIdx")
    candidates = products["PFCand"]
    products["PFCand"] = ak.with_field(
        candidates, ak.zeros_like(candidates.trackIdx) - 1, "trackIdx"
    )
    products["Track"] = products["Track"][:, :0]
    flags = flags_of(products)
    assert ak.sum(ak.num(products["Muon"])) > 0
    assert ak.all(flags.BadPFMuonFilter & flags.BadPFMuonDzFilter & flags.BadChargedCandidateFilter)


@settings(max_examples=25)
@given(seed=st.integers(0, 100), sizes=st.lists(st.integers(0, 60), max_size=5))
def test_events_do_not_depend_on_their_neighbours(seed, sizes):
    products = events_with_hard_muons(seed, sizes)
    together = flags_of(products).to_list()
    for i in range(len(sizes)):
        alone = flags_of({name: array[i : i + 1] for name, array in products.items()})
        assert alone.to_list() == together[i : i + 1]
