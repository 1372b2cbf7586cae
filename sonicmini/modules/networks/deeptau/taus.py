"""Features of the tau as a whole, by CMS's names (CMSSW: ``DeepTauIdBase``, version 2.5).

Not a number marks what CMS leaves out, and quotients of nothing.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np

from sonicmini.event import Products
from sonicmini.modules.columns import Bools, Floats, Ints, events_of, flat, offsets_of

_CRACK = (1.46, 1.558)
_NO_ERROR = -999.0  # that CMS divides by if there are no track details
_MIN_IMPACT = -10.0  # cm


class Taus(NamedTuple):
    """Those taus of a chunk that the network is asked about, with what features are made from.

    Attributes:
        inputs: products.
        place: of each tau among all of ``SlimmedTau``, shape ``(taus,)`` as the others.
        event: of each tau.
        lead: leading charged candidate, position among the packed ones of all events, -1 for none.
    """

    inputs: Products
    place: Ints
    event: Ints
    lead: Ints

    def of(self, name: str) -> Floats:
        """A column of ``SlimmedTau``."""
        values: Floats = flat(self.inputs["SlimmedTau"], name)[self.place]
        return values

    def lead_of(self, name: str) -> Floats:
        """A column of the leading candidates, not a number without one."""
        values, known = np.full(len(self.lead), np.nan), self.lead >= 0
        values[known] = flat(self.inputs["PackedPFCand"], name, None)[self.lead[known]]
        return values

    @property
    def rho(self) -> Floats:
        """Density of transverse momentum of each tau's event (GeV)."""
        density: Floats = np.asarray(self.inputs["Rho"]["fixedGridRhoAll"], np.float64)
        return density[self.event]


def taus_of(inputs: Products, wanted: Bools) -> Taus:
    """Taus of ``SlimmedTau`` and their leading candidates of ``TauPFCand``.

    Args:
        inputs: products.
        wanted: which of all taus.
    """
    taus, links, packed = (inputs[name] for name in ("SlimmedTau", "TauPFCand", "PackedPFCand"))
    offsets, link_event = offsets_of(taus), events_of(offsets_of(links))
    charged = np.flatnonzero(flat(links, "role", np.int64) == 0)[::-1]
    event = link_event[charged]
    tau = offsets[event] + flat(links, "tauIdx", np.int64)[charged]
    lead = np.full(offsets[-1], -1)
    # The leading one is the first: it is written last.
    lead[tau] = offsets_of(packed)[event] + flat(links, "pfCandIdx", np.int64)[charged]
    place = np.flatnonzero(wanted)
    return Taus(inputs, place, events_of(offsets)[place], lead[place])


def inside_ecal_crack(eta: Floats) -> Bools:
    """Whether a direction is between barrel and endcap of CMS's ECAL."""
    return (np.abs(eta) > _CRACK[0]) & (np.abs(eta) < _CRACK[1])


def _energy_over_pt(taus: Taus) -> Floats:
    return np.sqrt(np.cosh(taus.of("eta")) ** 2 + (taus.of("mass") / taus.of("pt")) ** 2)


def _ratio(numerator: str, denominator: str) -> Callable[[Taus], Floats]:
    return lambda taus: taus.of(numerator) / taus.of(denominator)


def _column(name: str) -> Callable[[Taus], Floats]:
    return lambda taus: taus.of(name)


def _is_normal(values: Floats) -> Bools:
    return np.isfinite(values) & (np.abs(values) >= np.finfo(np.float32).tiny)


def _measured(taus: Taus, value: str, error: str) -> Bools:
    """Whether CMS takes an impact parameter for valid: it and its error are not 0, either."""
    impact, deviation = taus.of(value), taus.of(error)
    return _is_normal(impact) & (impact > _MIN_IMPACT) & _is_normal(deviation) & (deviation > 0)


def _impact(value: str, error: str) -> dict[str, Callable[[Taus], Floats]]:
    """Whether there is an impact parameter (else all three are left out), it, its significance."""

    def if_measured(taus: Taus, values: Floats) -> Floats:
        return np.where(_measured(taus, value, error), values, np.nan)

    return {
        "valid": lambda taus: if_measured(taus, np.ones(len(taus.event))),
        "": lambda taus: if_measured(taus, taus.of(value)),
        "sig": lambda taus: if_measured(taus, np.abs(taus.of(value)) / taus.of(error)),
    }


def _dz_significance(taus: Taus) -> Floats:
    details = taus.lead_of("hasTrackDetails") == 1
    return np.abs(taus.lead_of("dz")) / np.where(details, taus.lead_of("dzErr"), _NO_ERROR)


def _dz_valid(taus: Taus) -> Floats:
    error, details = taus.lead_of("dzErr"), taus.lead_of("hasTrackDetails") == 1
    valid = details & _is_normal(taus.lead_of("dz")) & _is_normal(error) & (error > 0)
    return np.where(taus.lead >= 0, valid, np.nan)


def _valid_ratio(taus: Taus) -> Bools:
    ratio = taus.of("eRatio")
    return _is_normal(ratio) & (ratio > 0)


_DXY, _IP3D = _impact("ipDxy", "ipDxyErr"), _impact("ip3d", "ip3dErr")

GLOBAL: Final[Mapping[str, Callable[[Taus], Floats]]] = {
    "rho": lambda taus: taus.rho,
    "tau_pt": _column("pt"),
    "tau_eta": _column("eta"),
    "tau_inside_ecal_crack": lambda taus: inside_ecal_crack(taus.of("eta")).astype(float),
}
"""Features of the tau in every cell that is not empty."""

TAU_FLAT: Final[Mapping[str, Callable[[Taus], Floats]]] = {
    **GLOBAL,
    "tau_mass": _column("mass"),
    "tau_E_over_pt": _energy_over_pt,
    "tau_charge": _column("charge"),
    "tau_n_charged_prongs": lambda taus: taus.of("decayMode") // 5 + 1,
    "tau_n_neutral_prongs": lambda taus: taus.of("decayMode") % 5,
    "chargedIsoPtSum": _column("chargedIso"),
    "chargedIsoPtSumdR03_over_dR05": _ratio("chargedIsodR03", "chargedIso"),
    "footprintCorrection": _column("footprintCorrection"),
    "neutralIsoPtSum": _column("neutralIso"),
    "neutralIsoPtSumWeight_over_neutralIsoPtSum": _ratio("neutralIsoWeight", "neutralIso"),
    "neutralIsoPtSumWeightdR03_over_neutralIsoPtSum": _ratio("neutralIsoWeightdR03", "neutralIso"),
    "neutralIsoPtSumdR03_over_dR05": _ratio("neutralIsodR03", "neutralIso"),
    "photonPtSumOutsideSignalCone": _column("photonsOutsideSignalCone"),
    "puCorrPtSum": _column("puCorr"),
    "tau_dxy_valid": _DXY["valid"],
    "tau_dxy": _DXY[""],
    "tau_dxy_sig": _DXY["sig"],
    "tau_ip3d_valid": _IP3D["valid"],
    "tau_ip3d": _IP3D[""],
    "tau_ip3d_sig": _IP3D["sig"],
    "tau_dz": lambda taus: taus.lead_of("dz"),
    "tau_dz_sig_valid": _dz_valid,
    "tau_dz_sig": _dz_significance,
    **{f"tau_flightLength_{axis.lower()}": _column(f"flightLength{axis}") for axis in "XYZ"},
    "tau_flightLength_sig": _column("flightLengthSig"),
    "tau_pt_weighted_deta_strip": _column("ptWeightedDetaStrip"),
    "tau_pt_weighted_dphi_strip": _column("ptWeightedDphiStrip"),
    "tau_pt_weighted_dr_signal": _column("ptWeightedDrSignal"),
    "tau_pt_weighted_dr_iso": _column("ptWeightedDrIso"),
    "tau_leadingTrackNormChi2": _column("leadTkNormChi2"),
    "tau_e_ratio_valid": lambda taus: _valid_ratio(taus).astype(float),
    "tau_e_ratio": lambda taus: np.where(_valid_ratio(taus), taus.of("eRatio"), np.nan),
    "tau_gj_angle_diff_valid": lambda taus: (taus.of("gjAngleDiff") >= 0).astype(float),
    "tau_gj_angle_diff": lambda taus: np.where(
        taus.of("gjAngleDiff") >= 0, taus.of("gjAngleDiff"), np.nan
    ),
    "tau_n_photons": _column("nPhotons"),
    "tau_emFraction": _column("emFraction"),
    "leadChargedCand_etaAtEcalEntrance_minus_tau_eta": _column("leadTkEtaAtEcalMinusEta"),
}
"""Features of the tau as a whole."""
