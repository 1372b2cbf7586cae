"""What taus are built from: candidates with their tracks, and the jets that seed them."""

from typing import Any, NamedTuple

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from sonicmini.modules.columns import (
    Bools,
    Floats,
    Ints,
    events_of,
    flat,
    momenta,
    offsets_from,
    offsets_of,
)
from sonicmini.modules.tracks import candidate_tracks


class Candidates(NamedTuple):
    """Candidates of all events, each column of shape ``(candidates,)``; GeV, cm, radian.

    Columns of tracks are 0 for candidates that have none.

    Attributes:
        pdg_id: absolute value.
        et: transverse energy; also ``pt``, ``eta``, ``phi``.
        px: momentum; also ``py``, ``pz``, ``energy``.
        track: position of the track among those of all events, -1 for none.
        track_pt: of the track.
        norm_chi2: chi2 over degrees of freedom of the track fit.
        hits: valid hits; ``pixel_hits`` those in the pixel detector.
        vx: reference point of the track; also ``vy``, ``vz``.
        cos_phi: of the track; also ``sin_phi`` and ``cot``, pz over pT.
        offsets: of the events, shape ``(events + 1,)``.
    """

    pdg_id: Ints
    charge: Ints
    pt: Floats
    eta: Floats
    phi: Floats
    et: Floats
    px: Floats
    py: Floats
    pz: Floats
    energy: Floats
    track: Ints
    track_pt: Floats
    norm_chi2: Floats
    hits: Ints
    pixel_hits: Ints
    vx: Floats
    vy: Floats
    vz: Floats
    cos_phi: Floats
    sin_phi: Floats
    cot: Floats
    offsets: Ints


class Seeds(NamedTuple):
    """Jets that taus are built in, by event and falling pT.

    Attributes:
        pt: in GeV; also ``eta``, ``phi``; shape ``(seeds,)``.
        jet: place of the jet in its collection, within the event.
        event: of each seed.
        offsets: of the events, shape ``(events + 1,)``.
        candidate: the jet's constituents, one jet after the other, by falling pT, as positions
            among the candidates of all events.
        starts: of the seeds among the constituents, shape ``(seeds + 1,)``.
    """

    pt: Floats
    eta: Floats
    phi: Floats
    jet: Ints
    event: Ints
    offsets: Ints
    candidate: Ints
    starts: Ints


def candidate_columns(candidates: ak.Array, tracks: ak.Array) -> Candidates:
    """The candidates with the tracks that they point to."""
    pt = flat(candidates, "pt")
    p4 = momenta(candidates)
    offsets = offsets_of(candidates)
    link = candidate_tracks(candidates, tracks)
    track = np.full(len(pt), -1)
    track[link.candidate] = link.track

    def of_track(values: NDArray[Any]) -> NDArray[Any]:
        column = np.zeros(len(pt), dtype=values.dtype)
        column[link.candidate] = values[link.track]
        return column

    phi, eta = flat(tracks, "phi"), flat(tracks, "eta")
    chi2, ndof = flat(tracks, "chi2"), flat(tracks, "ndof")
    norm_chi2 = np.divide(chi2, ndof, out=np.zeros(len(chi2)), where=ndof > 0)
    names = ("px", "py", "pz", "energy")
    return Candidates(
        pdg_id=np.abs(flat(candidates, "pdgId", np.int64)),
        charge=flat(candidates, "charge", np.int64),
        pt=pt,
        eta=flat(candidates, "eta"),
        phi=flat(candidates, "phi"),
        et=p4[:, 3] * pt / np.sqrt(pt**2 + p4[:, 2] ** 2),
        **{name: np.ascontiguousarray(p4[:, i]) for i, name in enumerate(names)},
        track=track,
        track_pt=of_track(flat(tracks, "pt")),
        norm_chi2=of_track(norm_chi2),
        hits=of_track(flat(tracks, "nValidHits", np.int64)),
        pixel_hits=of_track(flat(tracks, "nValidPixelHits", np.int64)),
        vx=of_track(flat(tracks, "vx")),
        vy=of_track(flat(tracks, "vy")),
        vz=of_track(flat(tracks, "vz")),
        cos_phi=of_track(np.cos(phi)),
        sin_phi=of_track(np.sin(phi)),
        cot=of_track(np.sinh(eta)),
        offsets=offsets,
    )


def seed_columns(
    jets: ak.Array, links: ak.Array, candidates: Candidates, *, min_pt: float, max_eta: float
) -> Seeds:
    """The jets above ``min_pt`` (GeV) within ``max_eta``, and their constituents.

    Args:
        jets: raw jets.
        links: pairs of ``jetIdx`` and ``candIdx``, by jet.
        candidates: that the links point to.
        min_pt: threshold on the pT of jets.
        max_eta: limit of their absolute pseudorapidity.
    """
    pt, eta, phi = (flat(jets, name) for name in ("pt", "eta", "phi"))
    offsets, event = offsets_of(jets), events_of(offsets_of(jets))
    good = np.flatnonzero((pt > min_pt) & (np.abs(eta) < max_eta))
    seed_of_jet = np.full(len(pt), -1)
    seed_of_jet[good] = np.arange(len(good))
    link_event = events_of(offsets_of(links))
    seed = seed_of_jet[offsets[link_event] + flat(links, "jetIdx", np.int64)]
    used = seed >= 0
    seed, link_event = seed[used], link_event[used]
    candidate = candidates.offsets[link_event] + flat(links, "candIdx", np.int64)[used]
    order = by_falling_pt(seed, candidate, candidates)
    n_events = len(offsets) - 1
    return Seeds(
        pt=pt[good],
        eta=eta[good],
        phi=phi[good],
        jet=good - offsets[event[good]],
        event=event[good],
        offsets=offsets_from(np.bincount(event[good], minlength=n_events)),
        candidate=candidate[order],
        starts=offsets_from(np.bincount(seed, minlength=len(good))),
    )


def by_falling_pt(group: Ints, candidate: Ints, candidates: Candidates) -> Ints:
    """The order of pairs by group, then falling pT; equal pT by direction, whatever the input's.

    Args:
        group: of each pair.
        candidate: of each pair, among those of all events.
        candidates: that these are.
    """
    pt, eta, phi = (column[candidate] for column in (candidates.pt, candidates.eta, candidates.phi))
    return np.lexsort((phi, eta, -pt, group))


def delta_phi(one: Floats, other: Floats) -> Floats:
    """Difference of two azimuths, from -pi to pi."""
    return (one - other + np.pi) % (2.0 * np.pi) - np.pi


def delta_r(eta: tuple[Floats, Floats], phi: tuple[Floats, Floats]) -> Floats:
    """Distance in pseudorapidity and azimuth of two directions each."""
    return np.hypot(eta[0] - eta[1], delta_phi(phi[0], phi[1]))


def chosen(mask: Bools, *columns: Ints) -> tuple[Ints, ...]:
    """These columns where the mask is true."""
    return tuple(column[mask] for column in columns)
