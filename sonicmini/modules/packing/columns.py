"""The columns of packed candidates, parallel to the input's candidates (CMSSW: as ``packing``)."""

from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from sonicmini.modules.columns import Bools, Columns, Ints, events_of, flat, offsets_of
from sonicmini.modules.packing.codecs import (
    Hits,
    azimuth_on_grid,
    keep_bits,
    on_grid,
    pack_difference,
    pack_fraction,
    pack_half,
    pack_hits,
    unpack_difference,
    unpack_fraction,
    unpack_half,
    unpack_hits,
)
from sonicmini.modules.tracks import CandidateTracks

ETA_BITS = 13  # steps of 2^-13; CMS 6/32767, which is coarser by half
_PHI_BITS = 14  # CMS 3.2/32767, which is coarser by half
_DXY_BITS, _DZ_BITS = 14, 13  # steps of 0.6 and 1.2 um, of errors of 7 and 14 um and more
_FRACTION_BITS, _FRACTION_MAX = 7, 2.5  # CMS in steps of 1/100, up to 2.55
_ERROR_BITS, _ERROR_BITS_LOW = 7, 4  # of mantissa, in full and in low quality
_COVARIANCE_BITS, _COVARIANCE_BITS_LOW = 3, 2
_LOW_QUALITY = (520, 776)  # CMS's schemas
_MIN_DIFFERENCE = 1e-3  # of track and candidate, in pT and pseudorapidity, to be stored
_ISOLATED_PT = 3.0  # of charged hadrons whose uncalibrated calorimeter fractions are stored
_CALORIMETER_PT = 0.5  # of charged candidates and photons whose calorimeter fractions are stored


def kinematics(candidates: ak.Array) -> Columns:
    """Momentum and identity."""
    return {
        "pt": _half(flat(candidates, "pt")),
        "eta": on_grid(flat(candidates, "eta"), ETA_BITS),
        "phi": azimuth_on_grid(_wrapped(flat(candidates, "phi")), _PHI_BITS),
        "mass": _half(flat(candidates, "mass")),
        "pdgId": flat(candidates, "pdgId", np.int16),
        "charge": flat(candidates, "charge", np.int16),
    }


def vertices(association: ak.Array, slimmed: ak.Array) -> Columns:
    """Link to the vertex, and impact parameters with respect to it and along PV 0.

    As in CMS, ``dz`` is that to PV 0. ``dzAssociatedPV`` is ``dz`` less the distance of the two
    vertices: it is not stored.
    """
    offsets, event = offsets_of(slimmed), events_of(offsets_of(association))
    index = flat(association, "pvIdx", np.int64)
    first = np.where(index >= 0, offsets[event], -1)
    z = np.append(flat(slimmed, "z"), 0.0)
    distance = z[np.where(index >= 0, first + index, -1)] - z[first]
    dz = on_grid(flat(association, "dz") + distance, _DZ_BITS)
    columns = {
        name: flat(association, name, None) for name in ("pvIdx", "pvAssocQuality", "fromPV")
    }
    return columns | {
        "dxy": on_grid(flat(association, "dxy"), _DXY_BITS),
        "dz": dz,
        "dzAssociatedPV": (dz - distance).astype(np.float32),
    }


def puppi(weights: ak.Array) -> Columns:
    """Both weights; that without leptons as the difference from the other."""
    weight, no_lep = (flat(weights, name, np.float32) for name in ("weight", "weightNoLep"))
    packed = unpack_fraction(pack_fraction(weight, 255), 255)
    difference = unpack_difference(pack_difference(no_lep - weight))
    return {"puppiWeight": packed, "puppiWeightNoLep": packed + difference}


def calorimeters(candidates: ak.Array) -> Columns:
    """Calorimeter energies as fractions."""
    ecal, hcal = flat(candidates, "ecalEnergy"), flat(candidates, "hcalEnergy")
    raw_ecal, raw_hcal = flat(candidates, "rawEcalEnergy"), flat(candidates, "rawHcalEnergy")
    pt, pdg_id = flat(candidates, "pt"), flat(candidates, "pdgId", np.int64)
    momentum, mass = pt * np.cosh(flat(candidates, "eta")), flat(candidates, "mass")
    energy = np.sqrt(momentum**2 + mass**2)
    measured = (flat(candidates, "charge", np.int64) != 0) | (pdg_id == 22)
    measured &= pt > _CALORIMETER_PT
    isolated = flat(candidates, "isIsolatedChargedHadron", np.bool_) & (pt > _ISOLATED_PT)
    with np.errstate(divide="ignore", invalid="ignore"):  # no energy at all becomes 0
        fractions = {
            "hcalFraction": (hcal / (ecal + hcal), measured | np.isin(pdg_id, (1, 130))),
            "caloFraction": ((ecal + hcal) / energy, measured),
            "rawHcalFraction": (raw_hcal / (raw_ecal + raw_hcal), isolated),
            "rawCaloFraction": ((raw_ecal + raw_hcal) / energy, isolated),
        }
    columns: Columns = {"isIsolatedChargedHadron": isolated}
    for name, (fraction, stored) in fractions.items():
        bounded = np.clip(np.nan_to_num(np.where(stored, fraction, 0.0)), 0, _FRACTION_MAX)
        columns[name] = on_grid(bounded, _FRACTION_BITS)
    return columns


def muons(collection: ak.Array, offsets: Ints) -> Columns:
    """What kind of muon a candidate is.

    Args:
        collection: the muons.
        offsets: of the candidates.
    """
    index = flat(collection, "pfCandIdx", np.int64)
    candidate = (offsets[events_of(offsets_of(collection))] + index)[index >= 0]
    columns = {}
    for name, flag in (("isStandAloneMuon", "isStandalone"), ("isGlobalMuon", "isGlobal")):
        columns[name] = np.zeros(offsets[-1], dtype=np.bool_)
        columns[name][candidate] = flat(collection, flag, np.bool_)[index >= 0]
    return columns


def track_kinematics(candidates: ak.Array, tracks: ak.Array, link: CandidateTracks) -> Columns:
    """Momentum of the track less that of the candidate, 0 for neutral ones."""
    differences = {}
    for name in ("pt", "eta", "phi"):
        track, candidate = flat(tracks, name)[link.track], flat(candidates, name)[link.candidate]
        differences[name] = track - candidate
    for name in ("pt", "eta"):
        small = np.abs(differences[name]) < _MIN_DIFFERENCE
        differences[name] = np.where(small, 0.0, _half(differences[name]))
    differences["phi"] = azimuth_on_grid(_wrapped(differences["phi"]), _PHI_BITS)
    columns = {}
    for name, values in differences.items():
        columns[f"dTrk{name.title()}"] = np.zeros(offsets_of(candidates)[-1], dtype=np.float32)
        columns[f"dTrk{name.title()}"][link.candidate] = values
    return columns


def track_details(tracks: ak.Array, link: CandidateTracks, packed: Columns) -> Columns:
    """Hits, fit quality and covariance of the tracks whose details are kept.

    The variances of dxy and dsz are the squares of the stored errors: they are not stored.

    Args:
        tracks: of all events.
        link: candidates with tracks.
        packed: columns so far, with ``hasTrackDetails`` and ``covarianceSchema``.
    """
    n = len(packed["pt"])
    columns: Columns = {"highPurity": np.zeros(n, dtype=np.bool_)}
    columns["highPurity"][link.candidate] = flat(tracks, "isHighPurity", np.bool_)[link.track]
    columns["lostInnerHits"] = np.full(n, -1, dtype=np.int16)
    columns["lostInnerHits"][link.candidate] = _lost_hits(tracks)[link.track]

    kept = packed["hasTrackDetails"][link.candidate]
    i, t = link.candidate[kept], link.track[kept]
    details: Columns = _hits(tracks, t)
    chi2, ndof = flat(tracks, "chi2")[t], flat(tracks, "ndof")[t]
    details["normChi2"] = np.clip(np.where(ndof > 0, chi2 / np.maximum(ndof, 1), 255), 0, 255)
    for name, values in details.items():
        columns[name] = np.zeros(n, dtype=np.uint8)
        columns[name][i] = values
    low = np.isin(packed["covarianceSchema"][i], _LOW_QUALITY)
    for name, values in _covariance(tracks, t, low).items():
        columns[name] = np.full(n, -1 if name in _ERRORS else 0, dtype=np.float32)
        columns[name][i] = values
    return columns


def _covariance(tracks: ak.Array, index: Ints, low: Bools) -> Columns:
    """Errors of the impact parameters and the covariance, with fewer bits in low quality."""
    bits = np.where(low, _COVARIANCE_BITS_LOW, _COVARIANCE_BITS)
    columns: Columns = {
        name: keep_bits(flat(tracks, name, np.float32)[index], bits) for name in _COVARIANCE
    }
    bits = np.where(low, _ERROR_BITS_LOW, _ERROR_BITS)
    for error, variance in _ERRORS.items():
        exact = np.sqrt(np.maximum(flat(tracks, variance, np.float32)[index], 0))
        columns[error] = keep_bits(exact, bits)
        columns[variance] = columns[error] ** 2
    return columns


_ERRORS = {"dxyErr": "covDxyDxy", "dzErr": "covDszDsz"}
_COVARIANCE = (
    "covQopQop",
    "covLamLam",
    "covPhiPhi",
    "covDxyDsz",
    "covPhiDxy",
    "covLamDsz",
)


def _hits(tracks: ak.Array, index: Ints) -> Columns:
    names = ("nPixelLayers", "nStripLayers", "nValidPixelHits", "nValidHits")
    hits = Hits(*(flat(tracks, name, np.int64)[index] for name in names))
    unpacked = unpack_hits(*pack_hits(hits))
    return dict(zip(("nPixelLayers", "nStripLayers", "nPixelHits", "nHits"), unpacked, strict=True))


def _lost_hits(tracks: ak.Array) -> NDArray[np.int16]:
    """-1 with a hit in the first layer of the pixel barrel, else lost hits up to 2."""
    lost = np.minimum(flat(tracks, "nLostInnerHits", np.int64), 2)
    innermost = (lost == 0) & flat(tracks, "hasHitInBPix1", np.bool_)
    return np.where(innermost, -1, lost).astype(np.int16)


def _half(values: NDArray[Any]) -> NDArray[np.float32]:
    return unpack_half(pack_half(values))


def _wrapped(phi: NDArray[Any]) -> NDArray[np.float32]:
    turns = np.where(np.abs(phi) > np.pi, np.rint(phi / (2 * np.pi)), 0.0)
    return np.where(turns == 0, phi, phi - 2 * np.pi * turns).astype(np.float32)
