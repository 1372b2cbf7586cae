"""Sorting and association of vertices against a literal implementation, track by track."""

import math

import awkward as ak
import fastjet
import numpy as np
import pytest

from sonicmini.errors import ModuleError
from sonicmini.modules.vertexing.association import line_distance
from sonicmini.modules.vertexing.primary import (
    PrimaryVertexAssociation,
    PrimaryVertexSorting,
    sort_vertices,
)
from tests.toys import toy_products

STORED = {7: 6, 6: 5, 4: 4, 2: 1, 1: 0, 0: 1}


def sorted_products(products):
    inputs = {name: products[name] for name in PrimaryVertexSorting.consumes}
    return products | PrimaryVertexSorting().produce(inputs)


def associated(products):
    inputs = {name: products[name] for name in PrimaryVertexAssociation.consumes}
    return PrimaryVertexAssociation().produce(inputs)["PFCandVertex"]


def four_vector(c, scale=1.0):
    pt = c["pt"] * scale
    energy = math.hypot(pt * math.cosh(c["eta"]), c["mass"] * scale)
    return pt * math.cos(c["phi"]), pt * math.sin(c["phi"]), pt * math.sinh(c["eta"]), energy


def jets_of(p4, pt_min):
    if not p4:
        return []
    array = ak.zip(dict(zip(("px", "py", "pz", "E"), np.array(p4).T, strict=True)))
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, 0.4)
    jets = fastjet.ClusterSequence(array, definition).inclusive_jets(min_pt=pt_min)
    return [(j["px"], j["py"], j["pz"]) for j in jets.to_list()]


def dxy(t, v):
    return -(t["vx"] - v["x"]) * math.sin(t["phi"]) + (t["vy"] - v["y"]) * math.cos(t["phi"])


def dz(t, v):
    along = (t["vx"] - v["x"]) * math.cos(t["phi"]) + (t["vy"] - v["y"]) * math.sin(t["phi"])
    return t["vz"] - v["z"] - along * math.sinh(t["eta"])


def jet_distance(jet, t, v):
    """Negative, as CMSSW has it."""
    a = np.array(jet) / np.linalg.norm(jet)
    b = np.array([math.cos(t["phi"]), math.sin(t["phi"]), math.sinh(t["eta"])])
    b /= np.linalg.norm(b)
    gap = np.array([t["vx"] - v["x"], t["vy"] - v["y"], t["vz"] - v["z"]])
    normal = np.cross(a, b)
    return -abs(gap @ normal) / np.linalg.norm(normal)


def delta_r(jet, t):
    eta = math.asinh(jet[2] / math.hypot(jet[0], jet[1]))
    phi = math.atan2(jet[1], jet[0])
    return math.hypot(eta - t["eta"], math.remainder(phi - t["phi"], 2 * math.pi))


def reference_assignment(candidate, t, vertices, fit, jets):
    """Vertex and quality of one charged candidate by CMSSW's steps."""
    if fit >= 0 and abs(candidate["pdgId"]) != 11:
        return fit, 7
    if not vertices:
        return -1, 0
    dz_err = math.sqrt(t["covDszDsz"]) * math.cosh(t["eta"])
    nearest = min(range(len(vertices)), key=lambda v: abs(dz(t, vertices[v])))
    distance = abs(dz(t, vertices[nearest]))
    error = math.sqrt(dz_err**2 + vertices[nearest]["covZZ"])
    if distance < 0.1 and distance / error < 5 and dz_err < 0.05:
        return nearest, 6
    near_jets = [jet for jet in jets if delta_r(jet, t) < 0.5]
    if near_jets and dz_err < 0.05:
        jet = min(near_jets, key=lambda j: delta_r(j, t))
        found, least = -1, 0.07
        for v, vertex in enumerate(vertices):
            if abs(dz(t, vertex)) > 0.1 or abs(dxy(t, vertex)) > 0.1:
                continue
            if (value := jet_distance(jet, t, vertex)) < least:
                found, least = v, value
        if found >= 0:
            return found, 4
    d0 = abs(dxy(t, vertices[0]))
    if d0 < 0.01 and d0 / math.sqrt(t["covDxyDxy"]) < 2:
        return nearest, 1
    return nearest, 2


def reference_from_pv(candidate, quality, vertex, t, vertices):
    if quality == 7 and vertex == 0:
        return 3
    if vertex == 0 or abs(candidate["pdgId"]) in (11, 13):
        return 2
    if not vertices:
        return 1
    own = dz(t, vertices[vertex])
    if quality == 4 and abs(own) > abs(own + vertices[vertex]["z"] - vertices[0]["z"]):
        return 2
    return 1 if quality < 6 or vertices[vertex]["ndof"] < 4 else 0


def reference_puppi(t, vertices, fit):
    if fit >= 0:
        return 3 if fit == 0 else 0
    if not vertices:
        return 1
    return 2 if min(range(len(vertices)), key=lambda v: abs(dz(t, vertices[v]))) == 0 else 1


def reference_event(event):
    vertices = event["SlimmedPV"]
    place = {v["pvIdx"]: i for i, v in enumerate(vertices)}
    jets = jets_of([four_vector(c) for c in event["PFCand"]], 25.0)
    rows = []
    for c in event["PFCand"]:
        if c["trackIdx"] < 0:
            row = {"pvIdx": 0 if vertices else -1, "assignmentQuality": 0, "pvAssocQuality": 7}
            rows.append(row | {"fromPV": 3, "dxy": 0.0, "dz": 0.0, "dzPV0": 0.0})
            continue
        t = event["Track"][c["trackIdx"]]
        fit = place[t["pvIdx"]] if t["pvIdx"] >= 0 and t["pvWeight"] > 0 else -1
        vertex, quality = reference_assignment(c, t, vertices, fit, jets)
        stored = 7 if quality == 7 and t["pvWeight"] > 0.5 else STORED[quality]
        origin = {"x": 0.0, "y": 0.0, "z": 0.0}
        own = vertices[vertex] if vertex >= 0 else origin
        rows.append(
            {
                "pvIdx": vertex,
                "assignmentQuality": quality,
                "pvAssocQuality": stored,
                "fromPV": reference_from_pv(c, stored, vertex, t, vertices),
                "puppiFromPV": reference_puppi(t, vertices, fit),
                "dxy": dxy(t, own),
                "dz": dz(t, own),
                "dzPV0": dz(t, vertices[0] if vertices else origin),
            }
        )
    return rows


@pytest.mark.parametrize("seed", [1, 2])
def test_association_equals_literal_implementation(seed):
    sizes = [0, 1, 300, 700, 40, 900]
    products = sorted_products(
        toy_products(6, seed, candidates=sizes, vertices=[3, 1, 12, 25, 0, 1])
    )
    result = associated(products)
    seen = set()
    for i in range(6):
        event = {name: products[name][i].to_list() for name in ("PFCand", "Track", "SlimmedPV")}
        for found, expected in zip(result[i].to_list(), reference_event(event), strict=True):
            lengths = {name: expected.pop(name) for name in ("dxy", "dz", "dzPV0")}
            assert {name: found[name] for name in expected} == expected
            for name, value in lengths.items():
                assert found[name] == pytest.approx(value, rel=1e-5, abs=1e-5)
            seen.add(expected["assignmentQuality"])
    assert seen == {0, 1, 2, 4, 6, 7}


def reference_score(event, v):
    """Score of an unsorted vertex from fit and dz."""
    sum_pt2, sum_pt, px, py, hadrons, count, without = 0.0, 0.0, 0.0, 0.0, [], 0, 0
    for c in event["PFCand"]:
        if c["trackIdx"] < 0:
            continue
        t = event["Track"][c["trackIdx"]]
        fit = t["pvIdx"] if t["pvWeight"] > 0 else -1
        vertex, quality = reference_assignment(c, t, event["PV"], fit, [])
        if vertex != v or quality < 6:
            continue
        count += 1
        p, pz = t["pt"] * math.cosh(t["eta"]), t["pt"] * math.sinh(t["eta"])
        error = math.sqrt(t["pt"] ** 2 * p**2 * t["covQopQop"] + pz**2 * t["covLamLam"])
        scale = max((c["pt"] - error) / c["pt"], 0.0)
        without += scale == 0
        if abs(c["pdgId"]) in (11, 13):
            sum_pt2 += (scale * c["pt"]) ** 2
            sum_pt += scale * c["pt"]
            px, py = (
                px + scale * c["pt"] * math.cos(c["phi"]),
                py + scale * c["pt"] * math.sin(c["phi"]),
            )
        elif scale > 0:
            hadrons.append(four_vector(c, scale))
    for x, y, _ in jets_of(hadrons, 0.0):
        sum_pt2 += 0.64 * (x * x + y * y)
        sum_pt += math.hypot(x, y)
        px, py = px + x, py + y
    above = math.hypot(px, py) - 2 * math.sqrt(sum_pt)
    if count == without:
        return 0.01 * count
    return sum_pt2 + max(above, 0.0) ** 2


def test_scores_equal_literal_implementation_and_fall():
    products = toy_products(3, 3, candidates=[600, 0, 100], vertices=[9, 2, 4])
    vertices = sorted_products(products)["SlimmedPV"]
    for i in range(3):
        event = {name: products[name][i].to_list() for name in ("PFCand", "Track", "PV")}
        scores = [reference_score(event, v) for v in range(len(event["PV"]))]
        expected = sorted(range(len(scores)), key=lambda v: -scores[v])
        assert vertices.pvIdx[i].to_list() == expected
        np.testing.assert_allclose(vertices.score[i], [scores[v] for v in expected], rtol=1e-5)
    assert vertices.score[0, 0] > vertices.score[0, 1] > 0


def test_one_soft_track_has_the_least_score():
    products = toy_products(1, 4, candidates=[30], vertices=[2])
    tracks = products["Track"]
    tracks["covQopQop"] = ak.full_like(tracks.covQopQop, 100.0)
    scores = sorted_products(products | {"Track": tracks})["SlimmedPV"].score[0]
    np.testing.assert_allclose(scores / 0.01, np.rint(scores / 0.01), atol=1e-4)
    assert scores[0] >= 0.01


def test_vertices_are_sorted_as_a_whole_and_covariances_beyond_the_first_truncated():
    vertices = toy_products(2, 5, candidates=[0, 0], vertices=[4, 3])["PV"]
    result = sort_vertices(vertices, np.array([1.0, 5.0, 5.0, 9.0, 2.0, 1.0, 3.0]))
    assert result.pvIdx.to_list() == [[3, 1, 2, 0], [2, 0, 1]]
    assert result.score.to_list() == [[9, 5, 5, 1], [3, 2, 1]]
    for name in vertices.fields:
        original = vertices[name][result.pvIdx]
        if name.startswith("cov"):
            assert np.array_equal(result[name][:, 0], original[:, 0])
            np.testing.assert_allclose(ak.flatten(result[name]), ak.flatten(original), rtol=1e-3)
            bits = np.asarray(ak.flatten(result[name][:, 1:])).view(np.uint32)
            assert not np.any(bits & 0x1FFF)
        else:
            assert ak.all(result[name] == original)
        assert result[name].type == original.type


def test_order_of_vertices_in_the_input_does_not_matter():
    products = toy_products(1, 6, candidates=[500], vertices=[11])
    order = np.random.default_rng(0).permutation(11)
    tracks = products["Track"]
    place = np.append(np.argsort(order), -1)
    shuffled = products | {
        "PV": products["PV"][:, order],
        "Track": ak.with_field(tracks, ak.values_astype(place[tracks.pvIdx], np.int16), "pvIdx"),
    }
    one, other = (sorted_products(p) for p in (products, shuffled))
    assert ak.all(one["SlimmedPV"].z == other["SlimmedPV"].z)
    assert ak.all(ak.isclose(one["SlimmedPV"].score, other["SlimmedPV"].score, rtol=1e-6))
    assert associated(one).to_list() == associated(other).to_list()


@pytest.mark.parametrize(
    ("point", "direction", "expected"),
    [
        ((0.0, 0.0, 2.0), (1.0, 0.0, 0.0), 2.0),
        ((5.0, 3.0, 0.0), (0.0, 0.0, 7.0), 5.0),
        ((0.0, 3.0, 4.0), (0.0, 9.0, 0.0), 4.0),
        ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), 0.0),
    ],
)
def test_distance_of_lines(point, direction, expected):
    along_y = ((0.0, 0.0, 0.0), (0.0, 0.5, 0.0))
    assert line_distance(point, direction, *along_y) == pytest.approx(expected, abs=1e-12)


def test_link_beyond_the_tracks_is_an_error():
    products = toy_products(2, 7, candidates=[10, 50], vertices=[1, 1])
    products["Track"] = products["Track"][:, :2]
    with pytest.raises(ModuleError, match=r"PFCand_trackIdx.*Track"):
        sorted_products(products)
