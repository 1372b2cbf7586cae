"""Identification of muons against a statement of the cuts for one muon."""

import numpy as np

from sonicmini.modules.leptons.muon_id import isolation_ids, muon_ids

SYSTEMS = [f"{system}{station}" for system in ("DT", "CSC") for station in (1, 2, 3, 4)]


def random_muons(n, seed=1):
    """Values on both sides of every cut."""
    rng = np.random.default_rng(seed)
    flags = ("isPFcand", "isGlobal", "isTracker", "highPurity")
    columns = {name: rng.random(n) < 0.85 for name in flags}
    columns |= {
        "pt": rng.exponential(30, n).astype(np.float32) + 1,
        "nStations": rng.integers(0, 5, n).astype(np.uint8),
        "normChi2": rng.exponential(4, n).astype(np.float32),
        "chi2LocalPosition": rng.exponential(6, n).astype(np.float32),
        "trkKink": rng.exponential(10, n).astype(np.float32),
        "segmentComp": rng.random(n).astype(np.float32),
        "dxy": rng.normal(0, 0.1, n).astype(np.float32),
        "dz": rng.choice([0.05, 0.3, 10], n).astype(np.float32) * rng.normal(0, 1, n),
        "ptErr": rng.choice([-1.0, 0.5, 5, 20], n).astype(np.float32),
        "nTrackerLayers": rng.integers(3, 15, n).astype(np.uint8),
        "nPixelLayers": rng.integers(0, 4, n).astype(np.uint8),
        "nPixelHits": rng.integers(0, 4, n).astype(np.uint8),
        "nValidHits": rng.integers(5, 20, n).astype(np.uint8),
        "nLostInnerHits": rng.integers(0, 4, n).astype(np.uint8),
    }
    for system in ("DT", "CSC", "RPC"):
        for station in (1, 2, 3, 4):
            columns[f"nMatches{system}{station}"] = (rng.random(n) < 0.2).astype(np.uint8)
            hits = rng.integers(0, 3, n) * (rng.random(n) < 0.15)
            columns[f"nHits{system}{station}"] = hits.astype(np.uint8)
    return columns


def literal(muon):
    """CMS's definitions, in the words of the muon group's public page."""
    loose = muon["isPFcand"] and (muon["isGlobal"] or muon["isTracker"])

    hits = int(muon["nValidHits"])
    good_global = (
        muon["isGlobal"]
        and muon["normChi2"] < 3
        and muon["chi2LocalPosition"] < 12
        and muon["trkKink"] < 20
    )
    compatible = muon["segmentComp"] > (0.303 if good_global else 0.451)
    medium = loose and hits / (hits + muon["nLostInnerHits"]) >= 0.8 and compatible
    prompt = medium and abs(muon["dxy"]) < 0.02 and abs(muon["dz"]) < 0.1

    chamber_hits = sum(
        muon[f"nHits{system}{station}"]
        for system in ("DT", "CSC", "RPC")
        for station in (1, 2, 3, 4)
    )
    track = muon["nTrackerLayers"] > 5 and muon["nPixelHits"] > 0
    near = abs(muon["dxy"]) < 0.2 and abs(muon["dz"]) < 0.5
    tight = (
        muon["isPFcand"]
        and muon["isGlobal"]
        and muon["normChi2"] < 10
        and chamber_hits > 0
        and muon["nStations"] > 1
        and track
        and near
    )

    soft = (
        muon["isTracker"]
        and muon["nStations"] >= 1
        and muon["nTrackerLayers"] > 5
        and muon["nPixelLayers"] > 0
        and muon["highPurity"]
        and abs(muon["dxy"]) < 0.3
        and abs(muon["dz"]) < 20
    )

    precise = muon["ptErr"] >= 0 and muon["ptErr"] / muon["pt"] < 0.3
    tracker_high = muon["isTracker"] and muon["nStations"] > 1 and precise and track and near
    stations = [name for name in SYSTEMS if muon[f"nMatches{name}"] > 0]
    rpc = sum(muon[f"nHitsRPC{station}"] for station in (1, 2, 3, 4))
    matched = muon["nStations"] > 1 or (
        muon["isTracker"]
        and muon["nStations"] == 1
        and (stations not in (["DT1"], ["CSC1"]) or rpc > 2)
    )
    global_high = muon["isGlobal"] and chamber_hits > 0 and matched and precise and track and near
    return {
        "looseId": loose,
        "mediumId": medium,
        "mediumPromptId": prompt,
        "tightId": tight,
        "softId": soft,
        "highPtId": 2 if global_high else 1 if tracker_high else 0,
    }


def test_every_muon_is_identified_as_stated():
    columns = random_muons(4000)
    found = muon_ids(columns)
    for i in range(4000):
        muon = {name: values[i] for name, values in columns.items()}
        assert {name: values[i] for name, values in found.items()} == literal(muon)
    for name, values in found.items():
        assert len(np.unique(values)) == (3 if name == "highPtId" else 2)


def test_isolation_cuts_are_counted():
    cuts = {
        "pfIsoId": (0.40, 0.25, 0.20, 0.15, 0.10, 0.05),
        "miniIsoId": (0.40, 0.20, 0.10, 0.05),
        "tkIsoId": (0.10, 0.05),
        "puppiIsoId": (0.27, 0.22, 0.12),
    }
    n = 500
    values = np.random.default_rng(1).uniform(0, 0.5, n)
    columns = dict.fromkeys(
        ("pfRelIso04_all", "miniPFRelIso_all", "tkRelIso", "puppiRelIso04"), values
    )
    found = isolation_ids(columns)
    for name, limits in cuts.items():
        assert found[name].tolist() == [sum(value < cut for cut in limits) for value in values]
