"""All features of candidates against those of one candidate after the other."""

import functools

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonicmini.modules.networks.particlenet.candidates import FEATURES, candidate_features
from sonicmini.modules.networks.particlenet.jets import AK4_CHS, AK8
from tests.modules.networks.particlenet import literal
from tests.modules.networks.particlenet.jet_events import SIZES, events
from tests.modules.networks.particlenet.neighbours import assert_events_stand_alone

NAMES = tuple(FEATURES)
ALL = 1000
# The 2D error leaves out terms of second order in the turn from the reference point.
LOOSE = {"pfcand_btagSip2dSig": 0.02}


def features(products, kind, max_length=ALL):
    return candidate_features(products, kind, NAMES, max_length=max_length)


@functools.cache
def reference(kind):
    """Numbers of candidates of the jets, and their features by name."""
    jets = list(literal.jets_of(events(*SIZES), kind))
    rows = [literal.candidate(c, jet, kind) for jet in jets for c in jet["candidates"]]
    return [len(jet["candidates"]) for jet in jets], rows


@pytest.mark.parametrize("kind", [AK4_CHS, AK8], ids=["AK4", "AK8"])
def test_every_feature_is_that_of_the_definition(kind):
    found, counts = features(events(*SIZES), kind)
    numbers, expected = reference(kind)
    assert counts.tolist() == numbers
    assert len(expected) > 10
    assert set(expected[0]) == set(NAMES)
    for index, name in enumerate(NAMES):
        np.testing.assert_allclose(
            found[:, index],
            [row[name] for row in expected],
            rtol=LOOSE.get(name, 1e-4),
            atol=1e-5,
            err_msg=name,
        )


def test_the_sample_shows_what_it_should():
    rows = [row for kind in (AK4_CHS, AK8) for row in reference(kind)[1]]
    values = {name: [row[name] for row in rows] for name in NAMES}
    for name in ("pfcand_btagSip3dVal", "pfcand_btagSip2dVal", "pfcand_dz", "pfcand_etarel"):
        assert min(values[name]) < 0 < max(values[name])
    for name in ("pfcand_drsubjet1", "pfcand_drsubjet2", "pfcand_drminsv"):
        assert -1 in values[name]
        assert max(values[name]) > 0


def test_a_hand_computed_track():
    # A stiff track along x, 100 um beside PV 0 in y; the jet flies to +x and +y, then to -y.
    products = events((1, 1, 0, 1))
    zero = {name: 0.0 for name in products["PackedPFCand"].fields if name.startswith("cov")}
    track = {
        "pt": 1e4,
        "eta": 0.0,
        "phi": 0.0,
        "dTrkPt": 0.0,
        "dTrkEta": 0.0,
        "dTrkPhi": 0.0,
        "dxy": 0.01,
        "dzAssociatedPV": 0.0,
        "dz": 0.0,
        "charge": 1,
        "pdgId": 211,
        "hasTrackDetails": True,
        **zero,
        "covDxyDxy": 0.003**2,
        "covDszDsz": 0.1**2,
    }
    vertex = {"x": 0.3, "y": -0.2, "z": 2.0, **dict.fromkeys(("covXY", "covXZ", "covYZ"), 0.0)}
    vertex |= {"covXX": 1.0, "covYY": 0.004**2, "covZZ": 1.0}
    for phi, sign in ((0.5, 1), (-0.5, -1)):
        jet = {"pt": 100.0, "eta": 0.0, "phi": phi}
        changed = products | {
            name: replaced(products[name], values)
            for name, values in (("PackedPFCand", track), ("SlimmedPV", vertex), ("JetCHS", jet))
        }
        row = dict(zip(NAMES, features(changed, AK4_CHS)[0][0].tolist(), strict=True))
        for flat in ("2d", "3d"):
            assert row[f"pfcand_btagSip{flat}Val"] == pytest.approx(sign * 0.01, rel=1e-4)
            assert row[f"pfcand_btagSip{flat}Sig"] == pytest.approx(sign * 2.0, rel=1e-4)
        assert row["pfcand_btagPParRatio"] == pytest.approx(np.cos(0.5), rel=1e-5)
        assert row["pfcand_btagPtRatio"] == pytest.approx(np.sin(0.5), rel=1e-5)
        assert row["pfcand_btagEtaRel"] == pytest.approx(np.arctanh(np.cos(0.5)), rel=1e-5)
        assert row["pfcand_btagJetDistVal"] == pytest.approx(0, abs=1e-6)  # they cross


def replaced(collection, values):
    for name, value in values.items():
        like = ak.to_numpy(ak.flatten(collection[name]))
        collection = ak.with_field(
            collection, ak.unflatten(np.array([value], like.dtype), [1]), name
        )
    return collection


def test_the_distance_from_a_parallel_jet_is_that_of_the_lines():
    products = events((1, 1, 0, 1))
    track = {"hasTrackDetails": True, "eta": 0.3, "phi": 1.0, "dxy": 0.02, "pvIdx": 0}
    track |= dict.fromkeys(("dTrkPt", "dTrkEta", "dTrkPhi", "dzAssociatedPV"), 0.0)
    changed = products | {
        "PackedPFCand": replaced(products["PackedPFCand"], track | {"charge": 1, "pdgId": 211}),
        "JetCHS": replaced(products["JetCHS"], {"pt": 50.0, "eta": 0.3, "phi": 1.0}),
    }
    found, _ = candidate_features(changed, AK4_CHS, ["pfcand_btagJetDistVal"], max_length=ALL)
    assert found[0, 0] == pytest.approx(-0.02, rel=1e-4)


@pytest.mark.parametrize("kind", [AK4_CHS, AK8], ids=["AK4", "AK8"])
def test_long_jets_are_cut_after_their_hardest_candidates(kind):
    products = events(*SIZES)
    every, counts = features(products, kind)
    found, kept = features(products, kind, max_length=3)
    assert counts.max() > 3
    assert kept.tolist() == np.minimum(counts, 3).tolist()
    rank = np.concatenate([np.arange(count) for count in counts])
    np.testing.assert_array_equal(found, every[rank < 3])


def test_events_do_not_depend_on_their_neighbours():
    assert_events_stand_alone(lambda products: features(products, AK8))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**20), st.integers(0, 30))
def test_the_order_of_candidates_and_links_does_not_matter(seed, size):
    products = events((size, 3, 2, 2), seed=seed)
    rng = np.random.default_rng(seed)
    order = rng.permutation(size)  # the new place i has the old candidate order[i]
    place = np.argsort(order)
    links = products["FatJetPFCand"][0]
    shuffled = rng.permutation(len(links))
    moved = ak.with_field(links, place[ak.to_numpy(links.pfCandIdx)], "pfCandIdx")[shuffled]
    changed = products | {
        "PackedPFCand": products["PackedPFCand"][:, order],
        "FatJetPFCand": ak.unflatten(moved, [len(links)]),
    }
    for before, after in zip(features(products, AK8), features(changed, AK8), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("sizes", [(), ((0, 0, 0, 0),), ((0, 2, 0, 1),), ((5, 0, 1, 1),)])
def test_without_anything_there_are_no_rows(sizes):
    found, counts = features(events(*sizes), AK4_CHS)
    assert found.shape == (0, len(NAMES))
    assert found.dtype == np.float32
    assert counts.tolist() == [0] * sum(size[1] for size in sizes)
