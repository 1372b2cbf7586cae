"""Isolated tracks against CMS's rules, track by track."""

import numpy as np
import pytest

from sonicmini.modules.leptons.isolated_tracks import IsolatedTracks
from tests.modules.leptons.events import (
    LEPTONS,
    distance,
    listed,
    pick,
    rows,
    run,
    same,
    simulated,
    toys,
)

CUTS = (
    IsolatedTracks(),
    IsolatedTracks(min_pt=2.0, max_iso=1.0, max_relative_iso=0.1, max_mini_iso=0.01),
    IsolatedTracks(min_pt=3.0, min_pt_any=8.0, radius=0.5, max_dz=0.0),
)


def isolation(track, own, packed, radius, max_dz):
    """Charged hadrons, and these with neutral ones and photons less half of pileup, over pT."""
    charged = neutral = pileup = 0.0
    for k, candidate in enumerate(packed):
        if k == own or distance(candidate, track) >= radius:
            continue
        kind, pt = abs(candidate["pdgId"]), candidate["pt"]
        if kind == 211 and (candidate["fromPV"] > 1 or abs(candidate["dz"]) < np.float32(max_dz)):
            charged += pt
        elif kind == 211:
            pileup += pt
        elif kind in (22, 130):
            neutral += pt
    return charged / track["pt"], (charged + max(0.0, neutral - pileup / 2)) / track["pt"]


def literal(packed, lost, cuts):
    """The isolated tracks of an event: place among candidates and lost tracks, isolations."""
    kept = []
    tracks = [(k, -1, track) for k, track in enumerate(packed)]
    tracks += [(-1, k, track) for k, track in enumerate(lost)]
    for of_candidate, of_lost, track in tracks:
        pt = track["pt"]
        if pt < cuts.min_pt or track["charge"] == 0:
            continue
        mini = max(0.05, min(0.2, 10 / pt))
        large = isolation(track, of_candidate, packed, cuts.radius, cuts.max_dz)
        small = isolation(track, of_candidate, packed, mini, cuts.max_dz)
        if (
            pt >= cuts.min_pt_any
            or large[0] * pt < cuts.max_iso
            or large[0] < cuts.max_relative_iso
            or small[0] < cuts.max_mini_iso
        ):
            kept.append((of_candidate, of_lost, *large, *small))
    return kept


@pytest.mark.parametrize("cuts", CUTS)
@pytest.mark.parametrize(
    "which", [lambda: pick(simulated(), range(8)), toys], ids=["simulated", "toys"]
)
def test_tracks_are_selected_as_stated(which, cuts):
    products = which()
    found = cuts.produce({name: products[name] for name in cuts.consumes})["IsoTrack"].to_list()
    packed, lost = listed(products, "PackedPFCand"), listed(products, "LostTrack")
    names = ("pfRelIso03_chg", "pfRelIso03_all", "miniPFRelIso_chg", "miniPFRelIso_all")
    kept = 0
    for i, event in enumerate(found):
        expected = literal(packed[i], lost[i], cuts)
        assert [(t["pfCandIdx"], t["lostTrackIdx"]) for t in event] == [e[:2] for e in expected]
        values = [[track[name] for name in names] for track in event]
        for one, other in zip(values, expected, strict=True):
            assert one == pytest.approx(other[2:], rel=1e-4, abs=1e-5)
        kept += len(event)
    assert kept > 10


def test_columns_are_those_of_what_they_are_made_of():
    products = simulated()
    packed, lost, origins = listed(products, "PackedPFCand"), listed(products, "LostTrack"), set()
    for i, track in rows(products, "IsoTrack"):
        of_candidate = track["pfCandIdx"] >= 0
        assert of_candidate == track["isPFcand"] != track["isFromLostTrack"]
        assert of_candidate == (track["lostTrackIdx"] < 0)
        source = packed[i][track["pfCandIdx"]] if of_candidate else lost[i][track["lostTrackIdx"]]
        for name in ("pt", "eta", "phi", "charge", "pdgId", "dxy", "dxyErr", "dz", "fromPV"):
            assert track[name] == source[name]
        assert track["isHighPurityTrack"] == source["highPurity"]
        origins.add(of_candidate)
    assert origins == {True, False}


def test_events_do_not_depend_on_their_neighbours():
    for products, events in ((simulated(), [7, 3, 12]), (toys(), [4, 1, 0])):
        alone = run(pick(products, events), LEPTONS[4:])
        assert same(alone["IsoTrack"], products["IsoTrack"][np.array(events)])


def test_no_events():
    tracks = run(pick(simulated(), []), LEPTONS[4:])["IsoTrack"]
    assert len(tracks) == 0
    assert tracks.fields == simulated()["IsoTrack"].fields
