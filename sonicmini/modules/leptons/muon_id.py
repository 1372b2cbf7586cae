"""Identification of muons (CMSSW: ``MuonSelectors``, ``PATMuonProducer``; NanoAOD: ``muons_cff``).

What the input does not have is replaced: the fraction of valid hits of the inner track by the hits
lost before the first one, the tight match in one station by any segment of a tracker muon, TuneP's
momentum by that of the inner track. The number of expected stations is taken as 2 or more.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sonicmini.modules.columns import Bools, Columns, Ints

_PF_ISO = (0.40, 0.25, 0.20, 0.15, 0.10, 0.05)
_MINI_ISO = (0.40, 0.20, 0.10, 0.05)
_TRACK_ISO = (0.10, 0.05)
_PUPPI_ISO = (0.27, 0.22, 0.12)
_STATIONS = (1, 2, 3, 4)


def muon_ids(muons: Columns) -> Columns:
    """CMS's cut-based identifications.

    Args:
        muons: NanoAOD's columns so far, and nValidHits, nLostInnerHits, nPixelHits and nPixelLayers
            of the inner track.
    """
    loose = muons["isPFcand"] & (muons["isGlobal"] | muons["isTracker"])
    medium = loose & _medium(muons)
    close = (np.abs(muons["dxy"]) < 0.2) & (np.abs(muons["dz"]) < 0.5)
    hits = (muons["nTrackerLayers"] > 5) & (muons["nPixelHits"] > 0)
    in_chambers = _sum(muons, "nHits", ("DT", "CSC", "RPC")) > 0
    tight = muons["isPFcand"] & muons["isGlobal"] & (muons["normChi2"] < 10) & in_chambers
    tight &= (muons["nStations"] > 1) & hits & close
    soft = muons["isTracker"] & (muons["nStations"] > 0) & muons["highPurity"]
    soft &= (muons["nTrackerLayers"] > 5) & (muons["nPixelLayers"] > 0)
    soft &= (np.abs(muons["dxy"]) < 0.3) & (np.abs(muons["dz"]) < 20)
    measured = hits & close & (muons["ptErr"] >= 0) & (muons["ptErr"] < 0.3 * muons["pt"])
    track_high = measured & muons["isTracker"] & (muons["nStations"] > 1)
    global_high = measured & muons["isGlobal"] & in_chambers & _matched(muons)
    return {
        "looseId": loose,
        "mediumId": medium,
        "mediumPromptId": medium & (np.abs(muons["dxy"]) < 0.02) & (np.abs(muons["dz"]) < 0.1),
        "tightId": tight,
        "softId": soft,
        "highPtId": np.where(global_high, 2, track_high).astype(np.uint8),
    }


def isolation_ids(muons: Columns) -> Columns:
    """How many of CMS's cuts on each isolation a muon passes.

    Args:
        muons: with the isolations relative to pT.
    """
    return {
        "pfIsoId": _passed(muons["pfRelIso04_all"], _PF_ISO),
        "miniIsoId": _passed(muons["miniPFRelIso_all"], _MINI_ISO),
        "tkIsoId": _passed(muons["tkRelIso"], _TRACK_ISO),
        "puppiIsoId": _passed(muons["puppiRelIso04"], _PUPPI_ISO),
    }


def _passed(values: NDArray[Any], cuts: Sequence[float]) -> NDArray[np.uint8]:
    passed: NDArray[np.uint8] = np.sum(values[:, np.newaxis] < np.array(cuts), axis=1, dtype="u1")
    return passed


def _medium(muons: Columns) -> Bools:
    valid = muons["nValidHits"].astype(np.int64)
    good = muons["isGlobal"] & (muons["normChi2"] < 3)
    good &= (muons["chi2LocalPosition"] < 12) & (muons["trkKink"] < 20)
    compatible: Bools = muons["segmentComp"] > np.where(good, 0.303, 0.451)
    return compatible & (5 * valid >= 4 * (valid + muons["nLostInnerHits"]))


def _matched(muons: Columns) -> Bools:
    """Two stations, or one for tracker muons unless it is the first without RPC hits to help."""
    mask = np.zeros(len(muons["pt"]), dtype=np.int64)
    for bit, system in enumerate(("DT", "CSC")):
        for station in _STATIONS:
            matches = muons[f"nMatches{system}{station}"] > 0
            mask |= matches.astype(np.int64) << (4 * bit + station - 1)
    first_only = (mask == 1) | (mask == 16)
    one = muons["isTracker"] & (muons["nStations"] == 1)
    helped: Bools = ~first_only | (_sum(muons, "nHits", ("RPC",)) > 2)
    matched: Bools = (muons["nStations"] > 1) | (one & helped)
    return matched


def _sum(muons: Columns, what: str, systems: Sequence[str]) -> Ints:
    names = [f"{what}{system}{station}" for system in systems for station in _STATIONS]
    total: Ints = np.sum([muons[name] for name in names], axis=0, dtype=np.int64)
    return total
