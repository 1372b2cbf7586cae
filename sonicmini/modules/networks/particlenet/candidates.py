"""The features of candidates, by the names that CMSSW gives them.

CMSSW: ``DeepBoostedJetTagInfoProducer`` for packed candidates, with momenta that are not weighted
(``use_puppiP4 = false``). Values are as they are before ``preprocess.json`` scales them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sonicmini.event import Products
from sonicmini.modules.columns import Floats
from sonicmini.modules.networks.particlenet.jets import JetKind, candidates_of
from sonicmini.modules.networks.particlenet.rows import CandidateRows

_NO_TRACK_CHI2: Final = 999.0

Feature: TypeAlias = Callable[[CandidateRows], NDArray[Any]]


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
    "pfcand_btagPtRatio": lambda rows: rows.of_tracks(rows.tracks.pt_ratio),
    "pfcand_btagPParRatio": lambda rows: rows.of_tracks(rows.tracks.parallel_ratio),
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
    features = np.empty((len(names), len(rows)), np.float32)
    for index, name in enumerate(names):
        features[index] = FEATURES[name](rows)
    return features.T, members.counts
