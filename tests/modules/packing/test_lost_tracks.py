"""Lost tracks against CMS's rules, track by track."""

import math

import numpy as np
import pytest

from sonicmini.modules.packing.lost_tracks import LostTracks
from tests.modules.leptons.events import LEPTONS, listed, pick, rows, run, same, simulated, toys

SAMPLES = pytest.mark.parametrize("which", [simulated, toys], ids=["simulated", "toys"])


def of_v0(products, i):
    return {v0[name] for v0 in listed(products, "V0")[i] for name in ("trackIdx1", "trackIdx2")}


@SAMPLES
@pytest.mark.parametrize(
    "cuts", [LostTracks(), LostTracks(min_pt=0.5, min_hits=12, min_pixel_hits=3, min_pt_any=1.0)]
)
def test_tracks_are_selected_as_stated(which, cuts):
    products = which()
    found = cuts.produce({name: products[name] for name in cuts.consumes})["LostTrack"]
    for i, tracks in enumerate(listed(products, "Track")):
        used = {candidate["trackIdx"] for candidate in listed(products, "PFCand")[i]}
        expected = [
            k
            for k, track in enumerate(tracks)
            if k not in used
            and (
                k in of_v0(products, i)
                or track["isHighPurity"]
                or track["pt"] > cuts.min_pt_any
                or (
                    track["pt"] > cuts.min_pt
                    and track["nValidHits"] >= cuts.min_hits
                    and track["nValidPixelHits"] >= cuts.min_pixel_hits
                )
            )
        ]
        assert found.trackIdx[i].to_list() == expected


@SAMPLES
def test_columns_are_those_of_the_track(which):
    products, schemas = which(), set()
    for i, lost in rows(products, "LostTrack"):
        track = listed(products, "Track")[i][lost["trackIdx"]]
        assert lost["pt"] == pytest.approx(track["pt"], rel=1e-3)
        assert lost["eta"] == pytest.approx(track["eta"], abs=2e-4)
        assert abs(math.remainder(lost["phi"] - track["phi"], 2 * math.pi)) < 2e-4
        assert lost["charge"] == track["charge"]
        in_muon = lost["trackIdx"] in {m["trackIdx"] for m in listed(products, "Muon")[i]}
        assert lost["pdgId"] == (-13 if in_muon else 211) * track["charge"]
        assert lost["mass"] == pytest.approx(0.13957, rel=1e-3)
        pixel = track["nValidPixelHits"] > 0
        if lost["trackIdx"] in of_v0(products, i):
            schema, details = 0, True
        elif track["pt"] > 0.95:
            schema, details = (8 if pixel else 264), True
        elif track["pt"] > 0.5:
            schema, details = (520 if pixel else 776), True
        else:
            schema, details = 0, False
        assert (lost["covarianceSchema"], lost["hasTrackDetails"]) == (schema, details)
        assert lost["highPurity"] == track["isHighPurity"]
        if details:
            assert lost["nPixelHits"] == track["nValidPixelHits"]
            assert lost["dxyErr"] == pytest.approx(math.sqrt(track["covDxyDxy"]), rel=0.04)
        else:
            assert lost["nHits"] == 0
            assert lost["dxyErr"] == -1
        schemas.add((schema, details))
    assert len(schemas) >= 5


def vertex_of(track, vertices):
    """CMSSW's association of lost tracks: index and quality as stored."""
    used = next((k for k, v in enumerate(vertices) if v["pvIdx"] == track["pvIdx"]), -1)
    if track["pvIdx"] >= 0 and track["pvWeight"] > 0:
        return used, 7 if track["pvWeight"] > 0.5 else 6
    cos, sin = math.cos(track["phi"]), math.sin(track["phi"])

    def parameters(v):
        dx, dy = track["vx"] - v["x"], track["vy"] - v["y"]
        along = (dx * cos + dy * sin) * math.sinh(track["eta"])
        return dy * cos - dx * sin, track["vz"] - v["z"] - along

    nearest = min(range(len(vertices)), key=lambda k: abs(parameters(vertices[k])[1]))
    dz, error = abs(parameters(vertices[nearest])[1]), math.cosh(track["eta"])
    error *= math.sqrt(track["covDszDsz"])
    total = math.sqrt(error**2 + vertices[nearest]["covZZ"])
    if dz < 0.1 and dz / total < 5 and error < 0.05:
        return nearest, 5
    dxy = abs(parameters(vertices[0])[0])
    if dxy < 0.01 and dxy / math.sqrt(track["covDxyDxy"]) < 2:
        return nearest, 0
    return nearest, 1


@SAMPLES
def test_vertices_are_those_of_cms(which):
    products, qualities = which(), set()
    for i, lost in rows(products, "LostTrack"):
        vertices = listed(products, "SlimmedPV")[i]
        track = listed(products, "Track")[i][lost["trackIdx"]]
        if not vertices:
            assert lost["pvIdx"] == -1
            continue
        index, quality = vertex_of(track, vertices)
        assert (lost["pvIdx"], lost["pvAssocQuality"]) == (index, quality)
        if index == 0:
            assert lost["fromPV"] == (3 if quality == 7 else 2)
        else:
            few = vertices[index]["ndof"] < 4
            muon = abs(lost["pdgId"]) == 13
            assert lost["fromPV"] == (2 if muon else 1 if quality < 6 or few else 0)
        qualities.add(quality)
    assert len(qualities) >= 4


def test_events_do_not_depend_on_their_neighbours():
    for products, events in ((simulated(), [7, 3, 12]), (toys(), [4, 1, 0])):
        alone = run(pick(products, events), LEPTONS[3:4])
        assert same(alone["LostTrack"], products["LostTrack"][np.array(events)])


def test_no_events():
    tracks = run(pick(simulated(), []), LEPTONS[3:4])["LostTrack"]
    assert len(tracks) == 0
    assert tracks.fields == simulated()["LostTrack"].fields
