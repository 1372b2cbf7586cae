"""The features of candidates, by the names that CMSSW gives them.

CMSSW: ``DeepBoostedJetTagInfoProducer`` for packed candidates, with momenta that are not weighted
(``use_puppiP4 = false``). Values are as they are before ``preprocess.json`` scales them.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sonicmini.event import Products
from sonicmini.modules.columns import Floats, Ints, events_of, flat, offsets_of
from sonicmini.modules.networks.particlenet.jets import JetKind, Members, candidates_of, wrapped
from sonicmini.modules.networks.particlenet.tracks import TrackRows

_NO_TRACK_CHI2: Final = 999.0
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
        values = flat(self._inputs["PackedPFCand"], name, None)[self._members.member]
        return np.asarray(values, np.float64)

    def jet(self, name: str) -> Floats:
        """A column of the jets."""
        return flat(self._inputs[self._kind.jets], name)[self._members.jet]

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
    def has_track(self) -> NDArray[np.bool_]:
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


Feature: TypeAlias = Callable[[CandidateRows], NDArray[np.generic]]


def _energy(pt: Floats, eta: Floats, mass: Floats) -> Floats:
    return np.hypot(pt * np.cosh(eta), mass)


def _lower(name: str) -> str:
    return f"{name[0].lower()}{name[1:]}"


def _log(values: Floats) -> Floats:
    with np.errstate(divide="ignore"):  # replaced by the transform
        return np.log(values)


def _hcal_fraction(rows: CandidateRows) -> Floats:
    """Of neutral hadrons and HF; of isolated charged hadrons before calibration; else 0."""
    neutral = np.isin(rows.kind_of, (1, 130))
    isolated = rows.column("isIsolatedChargedHadron") > 0
    charged = np.where(isolated, rows.column("rawHcalFraction"), 0.0)
    return np.where(neutral, rows.column("hcalFraction"), charged)


def _significance(rows: CandidateRows, name: str) -> Floats:
    """An impact parameter over its error."""
    error = np.where(rows.has_track, rows.column(f"{name}Err"), np.inf)
    return np.divide(rows.column(name), error, out=np.zeros(len(rows)), where=error > 0)


def _is(*kinds: int) -> Feature:
    return lambda rows: np.isin(rows.kind_of, kinds)


def _covariance(name: str) -> Feature:
    return lambda rows: rows.with_track(f"cov{name}")


def _chi2(rows: CandidateRows) -> Floats:
    return np.where(rows.has_track, rows.column("normChi2"), _NO_TRACK_CHI2)


FEATURES: Final[Mapping[str, Feature]] = {
    "pfcand_mask": lambda rows: np.ones(len(rows)),
    "pfcand_pt_log_nopuppi": lambda rows: _log(rows.pt),
    "pfcand_e_log_nopuppi": lambda rows: _log(rows.energy),
    "pfcand_pt_log": lambda rows: _log(rows.pt),
    "pfcand_ptrel": lambda rows: rows.pt / rows.jet("pt"),
    "pfcand_ptrel_log": lambda rows: _log(rows.pt / rows.jet("pt")),
    "pfcand_erel": lambda rows: rows.energy / rows.jet_energy,
    "pfcand_erel_log": lambda rows: _log(rows.energy / rows.jet_energy),
    "pfcand_etarel": lambda rows: np.where(rows.jet("eta") > 0, 1.0, -1.0) * rows.from_axis[0],
    "pfcand_phirel": lambda rows: rows.from_axis[1],
    "pfcand_deltaR": lambda rows: np.hypot(*rows.from_axis),
    "pfcand_abseta": lambda rows: np.abs(rows.eta),
    "pfcand_puppiw": lambda rows: rows.column("puppiWeight"),
    "pfcand_hcalFrac": _hcal_fraction,
    "pfcand_charge": lambda rows: rows.column("charge"),
    "pfcand_isEl": _is(11),
    "pfcand_isMu": _is(13),
    "pfcand_isGamma": _is(22),
    "pfcand_isChargedHad": _is(211),
    "pfcand_isNeutralHad": _is(130),
    "pfcand_VTX_ass": lambda rows: rows.column("pvAssocQuality"),
    "pfcand_lostInnerHits": lambda rows: rows.column("lostInnerHits"),
    "pfcand_normchi2": _chi2,
    "pfcand_quality": lambda rows: np.where(
        rows.has_track, 1.0 + 4.0 * rows.column("highPurity"), 0.0
    ),
    "pfcand_dz": lambda rows: rows.column("dz"),
    "pfcand_dzsig": lambda rows: _significance(rows, "dz"),
    "pfcand_dxy": lambda rows: rows.column("dxy"),
    "pfcand_dxysig": lambda rows: _significance(rows, "dxy"),
    "pfcand_dptdpt": _covariance("QopQop"),
    "pfcand_detadeta": _covariance("LamLam"),
    "pfcand_dphidphi": _covariance("PhiPhi"),
    "pfcand_dxydxy": _covariance("DxyDxy"),
    "pfcand_dzdz": _covariance("DszDsz"),
    "pfcand_dxydz": _covariance("DxyDsz"),
    "pfcand_dphidxy": _covariance("PhiDxy"),
    "pfcand_dlambdadz": _covariance("LamDsz"),
    "pfcand_btagEtaRel": lambda rows: rows.of_tracks(rows.tracks.eta_rel()),
    "pfcand_btagPtRatio": lambda rows: rows.of_tracks(rows.tracks.pt_ratio()),
    "pfcand_btagPParRatio": lambda rows: rows.of_tracks(rows.tracks.parallel_ratio()),
    "pfcand_btagSip2dVal": lambda rows: rows.of_tracks(rows.tracks.sip2d.value),
    "pfcand_btagSip2dSig": lambda rows: rows.of_tracks(rows.tracks.sip2d.significance),
    "pfcand_btagSip3dVal": lambda rows: rows.of_tracks(rows.tracks.sip3d.value),
    "pfcand_btagSip3dSig": lambda rows: rows.of_tracks(rows.tracks.sip3d.significance),
    "pfcand_btagJetDistVal": lambda rows: rows.of_tracks(rows.tracks.jet_distance()),
    "pfcand_drminsv": CandidateRows.nearest_vertex,
    "pfcand_drsubjet1": lambda rows: rows.subjet(0),
    "pfcand_drsubjet2": lambda rows: rows.subjet(1),
}
"""All features by name; each makes a column of shape ``(rows,)``."""


def candidate_features(
    inputs: Products, jets: JetKind, names: Sequence[str], *, max_length: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Raw features of the candidates of all jets.

    Args:
        inputs: products of a chunk, those of ``JetKind.consumes``.
        jets: which jets.
        names: of features, keys of ``FEATURES``.
        max_length: at most so many candidates of a jet, those of highest pT.

    Returns:
        Features, shape ``(rows, features)``, by jet and falling pT; number of rows of each jet.
    """
    members = candidates_of(inputs, jets, max_length)
    rows = CandidateRows(inputs, jets, members)
    features = np.empty((len(rows), len(names)), np.float32)
    for index, name in enumerate(names):
        features[:, index] = FEATURES[name](rows)
    return features, members.counts
