"""Missing transverse momentum with calibrated jets ("type 1"), its variations and significance.

CMS, JINST 14 (2019) P07004; CMSSW: ``PFJetMETcorrInputProducerT``, ``METSignificance``.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.columns import (
    Bools,
    Columns,
    Floats,
    events_of,
    flat,
    offsets_of,
    single,
)
from sonicmini.modules.met.jets import MetJets, leptons, met_jets
from sonicmini.modules.met.raw import not_forward, not_from_pileup, summed
from sonicmini.modules.met.significance import Jets, met_covariance, met_significance
from sonicmini.modules.met.unclustered import unclustered_shift

_CHS = ("AK4CHSJet", "AK4CHSJetCand", "AK4CHSJetCorrection")
_PUPPI = ("AK4PuppiJet", "AK4PuppiJetCand", "AK4PuppiJetCorrection")


Components: TypeAlias = tuple[Floats, Floats]
"""x and y of a vector of each event (GeV), shape ``(events,)`` each."""


class Sums(NamedTuple):
    """Sums over each event, shape ``(events,)``; GeV.

    Attributes:
        x: of momenta; also ``y``.
        et: of transverse energies.
    """

    x: Floats
    y: Floats
    et: Floats


@dataclass(frozen=True, kw_only=True)
class Type1MET(Producer):
    """Base of the modules that replace jets in a missing momentum by calibrated ones.

    The first of ``consumes`` is the missing momentum, then come the jets, their links and their
    corrections.

    Attributes:
        jet_pt_min: least corrected pT of the jets (GeV), after muons are taken out.
        em_fraction_max: jets with a larger electromagnetic fraction stay as they are.
        eta_max: jets at or beyond this abs(eta) stay as they are.
        lepton_pt_min: electrons and muons above (GeV) count as measured without error in the
            covariance, and so does their jet.
        unclustered_terms: a (GeV) and b (sqrt(GeV)) of the resolution ``sqrt(a^2 + b^2 sumPt)`` of
            what is not in jets; from our simulation, see ``docs/met.md``.
    """

    jet_pt_min: float = 15.0
    em_fraction_max: float = 0.9
    eta_max: float = 9.9
    lepton_pt_min: float = 10.0
    unclustered_terms: tuple[float, float] = (0.0, 0.71)

    @abstractmethod
    def weights(self, inputs: Products) -> tuple[Floats, Floats]:
        """The weights of all candidates in the missing momentum and in the jets."""

    def produce(self, inputs: Products) -> Products:
        """Returns one record per event with NanoAOD's names; GeV, rad."""
        raw_name, *names = (*self.consumes,)[:4]
        in_met, in_jets = self.weights(inputs)
        jets = met_jets(inputs, names, in_jets, lepton_pt_min=self.lepton_pt_min)
        inside = np.abs(flat(inputs[names[0]], "eta")) < self.eta_max
        high = inside & (_pt(jets.no_muons) * jets.factor > self.jet_pt_min)
        calibrated = high & (jets.em_fraction <= self.em_fraction_max)

        raw = inputs[raw_name]
        pt, phi, et = (np.asarray(raw[name], np.float64) for name in ("pt", "phi", "sumEt"))
        shift = type1_shift(jets, calibrated)
        met = pt * np.cos(phi) - shift.x, pt * np.sin(phi) - shift.y
        columns = _polar(met) | {"sumEt": et + shift.et}
        clustered = _constituents(jets, high, len(in_met))
        columns |= _varied(met, "JES", energy_scale_shift(jets, calibrated)[:2])
        columns |= _varied(
            met, "Unclustered", unclustered_shift(inputs["PFCand"], in_met, clustered)
        )
        columns |= self._significance(inputs, (jets, inside), in_met, met)
        (produced,) = self.produces
        as_stored = {name: values.astype(np.float32) for name, values in columns.items()}
        return {produced: single(as_stored)}

    def _significance(
        self,
        inputs: Products,
        chosen: tuple[MetJets, Bools],
        in_met: Floats,
        met: Components,
    ) -> Columns:
        jets, inside = chosen
        usable, pt = inside & ~jets.has_lepton, jets.pt * jets.factor
        event = events_of(jets.offsets)
        high, low = usable & (pt > self.jet_pt_min), usable & (pt <= self.jet_pt_min)
        candidates = inputs["PFCand"]
        in_leptons = leptons(candidates, self.lepton_pt_min)
        outside = ~(_constituents(jets, usable, len(in_met)) | in_leptons)
        outside_pt = outside * in_met * flat(candidates, "pt")
        n = len(jets.offsets) - 1
        sum_pt = summed(outside_pt, events_of(offsets_of(candidates)), n)
        sum_pt += summed(pt[low], event[low], n)
        measured = Jets(
            (jets.p4[:, 0] * jets.factor)[high],
            (jets.p4[:, 1] * jets.factor)[high],
            jets.pt_resolution[high],
            jets.phi_resolution[high],
            event[high],
        )
        covariance = met_covariance(measured, sum_pt, self.unclustered_terms)
        return {
            "covXX": covariance.xx,
            "covXY": covariance.xy,
            "covYY": covariance.yy,
            "significance": met_significance(*met, covariance),
            "sumPtUnclustered": sum_pt,
        }


@dataclass(frozen=True, kw_only=True)
class Type1PFMET(Type1MET):
    """The missing transverse momentum of all candidates with calibrated CHS jets."""

    consumes = ("RawMET", *_CHS, "PFCand", "Muon")
    produces = ("MET",)

    def weights(self, inputs: Products) -> tuple[Floats, Floats]:
        """All candidates count."""
        ones = np.ones(int(offsets_of(inputs["PFCand"])[-1]))
        return ones, ones


@dataclass(frozen=True, kw_only=True)
class Type1ChsMET(Type1MET):
    """The missing transverse momentum of candidates not from pileup with calibrated CHS jets."""

    consumes = ("RawChsMET", *_CHS, "PFCand", "Muon", "PFCandVertex")
    produces = ("ChsMET",)
    unclustered_terms: tuple[float, float] = (0.0, 1.15)

    def weights(self, inputs: Products) -> tuple[Floats, Floats]:
        """Candidates with ``fromPV`` above 0; in jets whatever they were clustered from."""
        used = not_from_pileup(inputs["PFCandVertex"]).astype(np.float64)
        return used, np.ones_like(used)


@dataclass(frozen=True, kw_only=True)
class Type1METNoHF(Type1MET):
    """The missing transverse momentum outside the forward calorimeter, jets too."""

    consumes = ("RawMETNoHF", *_CHS, "PFCand", "Muon")
    produces = ("METNoHF",)
    eta_max: float = 3.0
    unclustered_terms: tuple[float, float] = (8.1, 0.92)

    def weights(self, inputs: Products) -> tuple[Floats, Floats]:
        """Candidates outside the forward calorimeter; in jets whatever they were clustered from."""
        used = not_forward(inputs["PFCand"]).astype(np.float64)
        return used, np.ones_like(used)


@dataclass(frozen=True, kw_only=True)
class Type1PuppiMET(Type1MET):
    """The missing transverse momentum of candidates times PUPPI weight, with PUPPI jets."""

    consumes = ("RawPuppiMET", *_PUPPI, "PFCand", "Muon", "PuppiWeight")
    produces = ("PuppiMET",)
    unclustered_terms: tuple[float, float] = (5.2, 1.3)

    def weights(self, inputs: Products) -> tuple[Floats, Floats]:
        """Leptons have weight 1 in the missing momentum, but not in jets."""
        weight = inputs["PuppiWeight"]
        return flat(weight, "weightNoLep"), flat(weight, "weight")


def type1_shift(jets: MetJets, chosen: Bools) -> Sums:
    """What calibration adds to the jets of each event.

    The subtraction of pileup is left out: what it takes from jets is not compensated elsewhere.

    Args:
        jets: of all events.
        chosen: mask of the jets that are calibrated.
    """
    gain = np.where(chosen, jets.factor - jets.l1_factor, 0.0)
    return _summed(jets, gain)


def energy_scale_shift(jets: MetJets, chosen: Bools) -> Sums:
    """What one standard deviation of the calibration adds to the jets of each event."""
    return _summed(jets, np.where(chosen, jets.factor * jets.uncertainty, 0.0))


def _summed(jets: MetJets, scale: Floats) -> Sums:
    px, py, pz, energy = jets.no_muons.T
    pt2 = px**2 + py**2
    p2 = pt2 + pz**2
    et = energy * np.sqrt(np.divide(pt2, p2, out=np.zeros_like(p2), where=p2 > 0.0))
    event, n = events_of(jets.offsets), len(jets.offsets) - 1
    x, y, et = (summed(scale * part, event, n) for part in (px, py, et))
    return Sums(x, y, et)


def _constituents(jets: MetJets, chosen: Bools, n_candidates: int) -> Bools:
    """Mask of the candidates that belong to chosen jets."""
    found = np.zeros(n_candidates, dtype=bool)
    found[jets.candidate[jets.members(chosen)]] = True
    return found


def _pt(p4: Floats) -> Floats:
    return np.hypot(p4[:, 0], p4[:, 1])


def _polar(met: Components, suffix: str = "") -> Columns:
    return {f"pt{suffix}": np.hypot(*met), f"phi{suffix}": np.arctan2(met[1], met[0])}


def _varied(met: Components, name: str, change: Components) -> Columns:
    """The missing momentum where the visible one is larger (up) and smaller (down)."""
    (x, y), (dx, dy) = met, change
    return _polar((x - dx, y - dy), f"{name}Up") | _polar((x + dx, y + dy), f"{name}Down")
