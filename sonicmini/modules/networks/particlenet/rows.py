"""Candidates of jets as columns, from which their features are made."""

from functools import cached_property
from typing import Final

import numpy as np

from sonicmini.event import Products
from sonicmini.modules.columns import Bools, Floats, Ints, events_of, flat, offsets_of
from sonicmini.modules.networks.particlenet.jets import JetKind, Members, wrapped
from sonicmini.modules.networks.particlenet.tracks import TrackRows

_NOTHING: Final = -1.0  # distance from a subjet or vertex that there is not


class CandidateRows:
    """Candidates of jets: columns of shape ``(rows,)``, made when a feature asks for them.

    Args:
        inputs: products of a chunk.
        kind: of jets.
        members: the rows.
    """

    def __init__(self, inputs: Products, kind: JetKind, members: Members) -> None:
        self._inputs, self._kind = inputs, kind
        self._members = members

    def column(self, name: str) -> Floats:
        """A column of the packed candidates."""
        values = flat(self._inputs["PackedPFCand"], name, None)
        return values.take(self._members.member).astype(np.float64)

    def jet(self, name: str) -> Floats:
        """A column of the jets."""
        return flat(self._inputs[self._kind.jets], name).take(self._members.jet)

    @cached_property
    def pt(self) -> Floats:
        """Of the candidates (GeV)."""
        return self.column("pt")

    @cached_property
    def eta(self) -> Floats:
        """Of the candidates."""
        return self.column("eta")

    @cached_property
    def phi(self) -> Floats:
        """Of the candidates (rad)."""
        return self.column("phi")

    @cached_property
    def energy(self) -> Floats:
        """Of the candidates (GeV)."""
        return _energy(self.pt, self.eta, self.column("mass"))

    @cached_property
    def jet_energy(self) -> Floats:
        """Of the jets (GeV)."""
        return _energy(self.jet("pt"), self.jet("eta"), self.jet("mass"))

    @cached_property
    def from_axis(self) -> tuple[Floats, Floats]:
        """Pseudorapidity and azimuth less those of the jet."""
        return self.eta - self.jet("eta"), wrapped(self.phi - self.jet("phi"))

    @cached_property
    def kind_of(self) -> Ints:
        """Absolute value of the identity."""
        return np.abs(self.column("pdgId")).astype(np.int64)

    @cached_property
    def has_track(self) -> Bools:
        """Rows whose candidate has track details."""
        return self.column("hasTrackDetails") > 0

    @cached_property
    def tracks(self) -> TrackRows:
        """The rows with track details."""
        chosen = np.flatnonzero(self.has_track)
        jet, member = self._members.jet[chosen], self._members.member[chosen]
        return TrackRows(self._inputs, self._inputs[self._kind.jets], jet, member)

    def of_tracks(self, values: Floats, otherwise: float = 0.0) -> Floats:
        """Values of the rows with track details among all rows."""
        column = np.full(len(self._members.jet), otherwise)
        column[self.has_track] = values
        return column

    def with_track(self, name: str) -> Floats:
        """A column of the packed candidates, 0 without track details."""
        return np.where(self.has_track, self.column(name), 0.0)

    def nearest_vertex(self) -> Floats:
        """Distance from the nearest secondary vertex of the event, -1 if there is none."""
        vertices = self._inputs["SV"]
        offsets = offsets_of(vertices)
        event = self._event()
        counts = np.diff(offsets)[event]
        row = np.repeat(np.arange(len(event)), counts)
        start = np.cumsum(counts) - counts
        vertex = np.arange(len(row)) + (offsets[event] - start)[row]
        distance = np.hypot(
            self.eta[row] - flat(vertices, "eta")[vertex],
            wrapped(self.phi[row] - flat(vertices, "phi")[vertex]),
        )
        least = np.full(len(event), np.inf)
        np.minimum.at(least, row, distance)
        return np.where(counts > 0, least, _NOTHING)

    def subjet(self, rank: int) -> Floats:
        """Distance from the jet's subjet of that rank by falling pT, -1 if there is none."""
        found = np.full(len(self.pt), _NOTHING)
        if self._kind.subjets is None:
            return found
        jets, subjets = self._inputs[self._kind.jets], self._inputs[self._kind.subjets]
        first = offsets_of(jets)[events_of(offsets_of(subjets))]
        jet = first + flat(subjets, f"{_lower(self._kind.jets)}Idx", np.int64)
        order = np.lexsort((-flat(subjets, "pt"), jet))
        counts = np.bincount(jet, minlength=offsets_of(jets)[-1])
        place = (np.cumsum(counts) - counts + rank)[self._members.jet]
        exists = counts[self._members.jet] > rank
        chosen = order[place[exists]]
        found[exists] = np.hypot(
            self.eta[exists] - flat(subjets, "eta")[chosen],
            wrapped(self.phi[exists] - flat(subjets, "phi")[chosen]),
        )
        return found

    def _event(self) -> Ints:
        return events_of(offsets_of(self._inputs[self._kind.jets]))[self._members.jet]

    def __len__(self) -> int:
        return len(self._members.jet)


def _energy(pt: Floats, eta: Floats, mass: Floats) -> Floats:
    return np.hypot(pt * np.cosh(eta), mass)


def _lower(name: str) -> str:
    return f"{name[0].lower()}{name[1:]}"
