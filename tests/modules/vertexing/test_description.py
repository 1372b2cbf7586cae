"""Columns of real vertices against sums over their tracks and matrices of numpy."""

import functools

import awkward as ak
import numpy as np
import pytest

from sonicmini.modules.vertexing.charged import first_vertices
from sonicmini.modules.vertexing.description import PION_MASS
from sonicmini.modules.vertexing.inclusive import InclusiveVertexFinder
from tests.modules.vertexing.toy_tracks import matrix, real_products


@functools.cache
def found():
    finder = InclusiveVertexFinder()
    return finder.produce({name: real_products()[name] for name in finder.consumes})


def tracks_of(made, event):
    """The candidates of each vertex of an event."""
    result: list[list[int]] = [[] for _ in range(len(made["InclusiveSV"][event]))]
    for link in made["InclusiveSVCand"][event].to_list():
        result[link["svIdx"]].append(link["candIdx"])
    return result


def test_columns_follow_from_the_tracks():
    products, made = real_products(), found()
    for event, vertices in enumerate(made["InclusiveSV"].to_list()):
        for vertex, members in zip(vertices, tracks_of(made, event), strict=True):
            candidates = products["PFCand"][event][members]
            tracks = products["Track"][event][candidates.trackIdx]
            assert vertex["ntracks"] == len(members) >= 2
            assert members == sorted(set(members))
            assert vertex["charge"] == ak.sum(tracks.charge)
            pz = float(ak.sum(tracks.pt * np.sinh(tracks.eta)))
            energy = float(ak.sum(np.hypot(tracks.pt * np.cosh(tracks.eta), PION_MASS)))
            assert vertex["pt"] * np.sinh(vertex["eta"]) == pytest.approx(pz, rel=1e-5)
            momentum = vertex["pt"] * np.cosh(vertex["eta"])
            assert np.hypot(momentum, vertex["mass"]) == pytest.approx(energy, rel=1e-5)
            px = float(ak.sum(tracks.pt * np.cos(tracks.phi)))
            bend = vertex["dxy"] / 60  # a pion of 0.4 GeV turns by less than this
            assert vertex["pt"] * np.cos(vertex["phi"]) == pytest.approx(
                px, abs=(bend + 0.01) * float(ak.sum(tracks.pt))
            )


def test_flights_and_errors():
    products, made = real_products(), found()
    pv = first_vertices(products["SlimmedPV"])
    for event, vertices in enumerate(made["InclusiveSV"].to_list()):
        for vertex in vertices:
            gap = np.array([vertex[name] for name in "xyz"]) - pv.point[event]
            names = ("covXX", "covYY", "covZZ", "covXY", "covXZ", "covYZ")
            full = matrix([vertex[name] for name in names])
            assert np.all(np.linalg.eigvalsh(full) > 0)
            full += matrix(pv.covariance[event])
            for length, used in (("dlen", gap), ("dxy", gap * [1, 1, 0])):
                size = np.linalg.norm(used)
                assert vertex[length] == pytest.approx(size)
                assert vertex[f"{length}Sig"] == pytest.approx(
                    size**2 / np.sqrt(used @ full @ used)
                )
            p = [
                vertex["pt"] * np.cos(vertex["phi"]),
                vertex["pt"] * np.sin(vertex["phi"]),
                vertex["pt"] * np.sinh(vertex["eta"]),
            ]
            cosine = gap @ p / np.linalg.norm(gap) / np.linalg.norm(p)
            assert np.cos(vertex["pAngle"]) == pytest.approx(cosine, abs=1e-6)
