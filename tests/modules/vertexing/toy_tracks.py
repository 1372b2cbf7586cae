"""Helices from known vertices, exact or smeared by their covariance; real events of the sample."""

import functools
from pathlib import Path

import numpy as np

from sonicmini.io.root_source import RootSource
from sonicmini.modules.vertexing.helix import RADIUS_PER_PT, Helices
from sonicmini.modules.vertexing.primary import PrimaryVertexAssociation, PrimaryVertexSorting
from sonicmini.modules.vertexing.seeding import Groups

SAMPLE = Path(__file__).parents[3] / "sample_data" / "ttbar_10.root"
ORDER = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))


@functools.cache
def real_products(events=10):
    """The input of the first events of the sample with sorted and associated vertices."""
    chunk = next(iter(RootSource([str(SAMPLE)], max_events=events).chunks()))
    products = dict(chunk.products)
    for module in (PrimaryVertexSorting(), PrimaryVertexAssociation()):
        products |= module.produce({name: products[name] for name in module.consumes})
    return products


def matrix(six):
    """The symmetric matrix of xx, yy, zz, xy, xz, yz."""
    full = np.zeros((3, 3))
    for (a, b), value in zip(ORDER, six, strict=True):
        full[a, b] = full[b, a] = value
    return full


def full_covariance(eight):
    """5 x 5 covariance of ln(q/p), lambda, phi, dxy, dsz."""
    full = np.diag(np.asarray(eight[:5], dtype=float))
    for (a, b), value in zip(((3, 4), (2, 3), (1, 4)), eight[5:], strict=True):
        full[a, b] = full[b, a] = value
    return full


def at(track, path):
    """Position and unit direction of (x, y, z, phi, tan, h) after a transverse path."""
    x, y, z, phi, tan, h = track
    end = phi + h * path
    position = np.array(
        [x + (np.sin(end) - np.sin(phi)) / h, y - (np.cos(end) - np.cos(phi)) / h, z + tan * path]
    )
    return position, np.array([np.cos(end), np.sin(end), tan]) / np.hypot(1.0, tan)


def parameters(helices, i):
    """(x, y, z, phi, tan, h) of one track."""
    names = ("x", "y", "z", "phi", "tan", "h")
    return tuple(float(getattr(helices, name)[i]) for name in names)


def moved(track, change):
    """The track after a change of ln(q/p), lambda, phi, dxy, dsz."""
    x, y, z, phi, tan, h = track
    lam = np.arctan(tan)
    across = np.array([-np.sin(phi), np.cos(phi), 0.0])
    upward = np.array([-np.sin(lam) * np.cos(phi), -np.sin(lam) * np.sin(phi), np.cos(lam)])
    x, y, z = np.array([x, y, z]) + change[3] * across + change[4] * upward
    new = lam + change[1]
    h *= (1.0 + change[0]) * np.cos(lam) / np.cos(new)
    return x, y, z, phi + change[2], np.tan(new), h


def column_helices(tracks, covariances):
    """Helices from rows of (x, y, z, phi, tan, h) and of eight elements of the covariance."""
    x, y, z, phi, tan, h = np.array(tracks, dtype=float).reshape(-1, 6).T.copy()
    eight = np.array(covariances, dtype=float).reshape(-1, 8)
    return Helices(x, y, z, phi, np.cos(phi), np.sin(phi), tan, h, eight)


def covariance_of(pt, tan):
    """Eight elements like those of the detector."""
    relative, lam, phi = 0.01, 3e-4 + 1.8e-3 / pt, 7e-5 + 1.4e-3 / pt
    dxy, dsz = 9.5e-4 + 6.5e-3 / pt, (3e-3 + 1e-2 / pt) / np.hypot(1.0, tan)
    variances = [relative**2, lam**2, phi**2, dxy**2, dsz**2]
    return [*variances, 0.05 * dxy * dsz, -0.8 * phi * dxy, -0.7 * lam * dsz]


def tracks_from(vertex, number, rng, *, smeared):
    """Tracks from a vertex, given at their closest approach to the z axis.

    Returns:
        Rows of (x, y, z, phi, tan, h), and of the covariance.
    """
    rows, covariances = [], []
    axis_phi, axis_eta = np.arctan2(vertex[1], vertex[0]), rng.uniform(-1.5, 1.5)
    for _ in range(number):
        pt = 0.8 + rng.exponential(4.0)
        phi, tan = axis_phi + rng.normal(0, 0.25), np.sinh(axis_eta + rng.normal(0, 0.25))
        h = rng.choice([-1, 1]) / (RADIUS_PER_PT * pt)
        here = (*vertex, phi, tan, h)
        back = -(vertex[0] * np.cos(phi) + vertex[1] * np.sin(phi))
        for _ in range(20):
            position, direction = at(here, back)
            back -= position[:2] @ direction[:2] * np.hypot(1.0, tan)
        position, _ = at(here, back)
        eight = covariance_of(pt, tan)
        track = (*position, phi + h * back, tan, h)
        if smeared:
            track = moved(track, rng.multivariate_normal(np.zeros(5), full_covariance(eight)))
        rows.append(track)
        covariances.append(eight)
    return rows, covariances


def grouped(sizes, points):
    """Groups of consecutive tracks, one an event."""
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    track = np.arange(offsets[-1])
    return Groups(track, offsets, np.arange(len(sizes)), np.array(points, dtype=float))
