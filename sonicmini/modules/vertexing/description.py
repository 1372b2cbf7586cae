"""The columns of secondary vertices."""

import awkward as ak
import numpy as np

from sonicmini.modules.columns import Columns, Floats, Ints, jagged, offsets_from
from sonicmini.modules.vertexing.charged import ChargedTracks
from sonicmini.modules.vertexing.distances import Positions, distances, transverse_distances
from sonicmini.modules.vertexing.helix import linearise
from sonicmini.modules.vertexing.secondary import SecondaryVertices, positions_of_events, summed
from sonicmini.modules.vertexing.seeding import Groups

PION_MASS = 0.13957018
_COVARIANCE = ("covXX", "covYY", "covZZ", "covXY", "covXZ", "covYZ")


def describe(vertices: SecondaryVertices, tracks: ChargedTracks, pv: Positions) -> Columns:
    """NanoAOD's columns of the vertices and the covariance of the position.

    Args:
        vertices: found.
        tracks: that they are made of.
        pv: PV 0 of each event.
    """
    groups = vertices.groups
    at, own = vertices.positions(), positions_of_events(pv, groups.event)
    p4 = _momenta(vertices, tracks)
    columns = _polar(p4)
    charge = -np.sign(tracks.helices.h[groups.track])
    columns["charge"] = np.rint(summed(charge[:, np.newaxis], groups)[:, 0]).astype(np.int16)
    columns["ntracks"] = np.diff(groups.offsets).astype(np.uint8)
    columns |= dict(zip(("x", "y", "z"), at.point.T, strict=True))
    columns |= dict(zip(_COVARIANCE, at.covariance.T, strict=True))
    columns |= {"chi2": vertices.chi2, "ndof": vertices.ndof}
    return columns | flight(own, at, p4[:, :3])


def flight(pv: Positions, at: Positions, momentum: Floats) -> Columns:
    """Lengths of the flight from PV 0 and their significances; its angle with the momentum.

    Args:
        pv: where each flight begins.
        at: where it ends.
        momentum: of each particle, shape ``(n, 3)``.
    """
    space, plane = distances(pv, at), transverse_distances(pv, at)
    gap = at.point - pv.point
    normal = np.linalg.norm(np.cross(gap, momentum), axis=1)
    return {
        "dlen": space.value,
        "dlenSig": space.significance,
        "dxy": plane.value,
        "dxySig": plane.significance,
        "pAngle": np.arctan2(normal, np.sum(gap * momentum, axis=1)),
    }


def links(groups: Groups, offsets: Ints, candidate: Ints) -> ak.Array:
    """Pairs of vertex and candidate, by vertex and candidate.

    Args:
        groups: the tracks of the vertices.
        offsets: of the events in the vertices.
        candidate: the place in its event of the candidate of each track.
    """
    vertex = groups.group() - offsets[groups.event[groups.group()]]
    place = candidate[groups.track]
    order = np.lexsort((place, groups.group()))
    columns = {"svIdx": vertex[order], "candIdx": place[order]}
    event = groups.event[groups.group()]
    return jagged(offsets_from(np.bincount(event, minlength=len(offsets) - 1)), columns)


def _momenta(vertices: SecondaryVertices, tracks: ChargedTracks) -> Floats:
    """Sums of the momenta of pions along the tracks at the vertices, shape ``(vertices, 4)``."""
    groups = vertices.groups
    track = groups.track
    lines = linearise(tracks.helices, track, groups.point[groups.group()])
    momentum = tracks.pt[track] * np.hypot(1.0, tracks.helices.tan[track])
    p4 = np.empty((len(track), 4))
    p4[:, :3] = momentum[:, np.newaxis] * lines.direction
    p4[:, 3] = np.hypot(momentum, PION_MASS)
    return summed(p4, groups)


def _polar(p4: Floats) -> Columns:
    px, py, pz, energy = p4.T
    pt = np.hypot(px, py)
    mass2 = energy**2 - px**2 - py**2 - pz**2
    return {
        "pt": pt,
        "eta": np.arcsinh(pz / np.maximum(pt, 1e-12)),
        "phi": np.arctan2(py, px),
        "mass": np.sqrt(np.maximum(mass2, 0.0)),
    }
