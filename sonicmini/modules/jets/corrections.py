"""Jet energy corrections from files in CMS's correctionlib format.

M. Cacciari, G. P. Salam, Phys. Lett. B 659 (2008) 119 for the subtraction of pileup by areas;
CMS, JINST 12 (2017) P02014 for the levels. How ours were derived: ``docs/jet-corrections.md``.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import correctionlib
import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.columns import Columns, Floats, events_of, flat, jagged, offsets_of
from sonicmini.resources import bundled

TAG = "sonicmini_MC"
"""Campaign in the names of the corrections, where CMS has e.g. ``Summer19UL18_V5_MC``."""
RHO = "fixedGridRhoFastjetAll"

AK4_FILE = "corrections/jet_jerc.json.gz"
AK8_FILE = "corrections/fatJet_jerc.json.gz"


class RawJets(NamedTuple):
    """Uncorrected jets, each column of shape ``(jets,)``.

    Attributes:
        pt: transverse momentum (GeV).
        eta: pseudorapidity.
        area: active area.
        rho: density of pileup in the event of the jet (GeV).
    """

    pt: Floats
    eta: Floats
    area: Floats
    rho: Floats


class JetEnergyCorrections:
    """The corrections for one kind of jets in a file.

    Args:
        file: in correctionlib's format, compressed or not.
        jets: kind of jets as CMS names them, e.g. ``AK4PFchs``.

    Raises:
        ValueError: the file cannot be read, or lacks a correction for these jets.
    """

    def __init__(self, file: str, jets: str) -> None:
        try:
            found = correctionlib.CorrectionSet.from_file(file)
        except (OSError, RuntimeError) as error:
            raise ValueError(f"corrections for {jets}: cannot read {file}: {error}") from error
        try:
            self._all = found.compound[f"{TAG}_L1L2L3_{jets}"]
            self._l1 = found[f"{TAG}_L1FastJet_{jets}"]
            self._uncertainty = found[f"{TAG}_Total_{jets}"]
            self._pt_resolution = found[f"{TAG}_PtResolution_{jets}"]
            self._phi_resolution = found[f"{TAG}_PhiResolution_{jets}"]
        except (IndexError, KeyError) as error:
            raise ValueError(f"{file} has no correction {error} for {jets}") from error

    def __call__(self, jets: RawJets) -> Columns:
        """Returns the columns of :class:`JetCorrections`."""
        of_jets = (jets.area, jets.eta, jets.pt, jets.rho)
        factor = np.asarray(self._all.evaluate(*of_jets))
        pt = jets.pt * factor
        return {
            "factor": factor,
            "l1Factor": np.asarray(self._l1.evaluate(*of_jets)),
            "uncertainty": np.asarray(self._uncertainty.evaluate(jets.eta, pt)),
            "ptResolution": np.asarray(self._pt_resolution.evaluate(jets.eta, pt, jets.rho)),
            "phiResolution": np.asarray(self._phi_resolution.evaluate(jets.eta, pt, jets.rho)),
        }


@lru_cache(maxsize=16)
def _loaded(file: str, jets: str) -> JetEnergyCorrections:
    # One for all instances of a module and all threads: evaluation changes nothing.
    return JetEnergyCorrections(file, jets)


@dataclass(frozen=True, kw_only=True)
class JetCorrections(Producer):
    """Base of the modules that look up corrections for uncalibrated jets.

    Attributes:
        file: with the corrections, relative to the working folder; the one that comes with the
            package if empty.
    """

    file: str = ""

    def __post_init__(self) -> None:
        """Refuses a file without the corrections before the first event."""
        _ = self.corrections

    @property
    def corrections(self) -> JetEnergyCorrections:
        """The corrections of the file."""
        kind = (*self.produces,)[0].removesuffix("JetCorrection")
        default = AK8_FILE if kind.startswith("AK8") else AK4_FILE
        return _loaded(self.file or str(bundled(default)), _NAMES[kind])

    def produce(self, inputs: Products) -> Products:
        """Returns columns parallel to the jets.

        ``factor``: to the momentum, all levels; ``l1Factor``: the first one, for pileup;
        ``uncertainty``: relative, of the factor; ``ptResolution``: relative, at the corrected pT;
        ``phiResolution``: of the azimuth (rad).
        """
        name, rho = (*self.consumes,)[0], inputs["Rho"]
        jets = inputs[name]
        offsets = offsets_of(jets)
        density = np.asarray(rho[RHO], dtype=np.float64)[events_of(offsets)]
        columns = RawJets(flat(jets, "pt"), flat(jets, "eta"), flat(jets, "area"), density)
        (produced,) = self.produces
        return {produced: jagged(offsets, self.corrections(columns))}


_NAMES = {"AK4CHS": "AK4PFchs", "AK4Puppi": "AK4PFPuppi", "AK8Puppi": "AK8PFPuppi"}


@dataclass(frozen=True, kw_only=True)
class AK4CHSJetCorrections(JetCorrections):
    """Corrections for jets with R = 0.4 after charged-hadron subtraction."""

    consumes = ("AK4CHSJet", "Rho")
    produces = ("AK4CHSJetCorrection",)


@dataclass(frozen=True, kw_only=True)
class AK4PuppiJetCorrections(JetCorrections):
    """Corrections for jets with R = 0.4 of candidates times their PUPPI weight."""

    consumes = ("AK4PuppiJet", "Rho")
    produces = ("AK4PuppiJetCorrection",)


@dataclass(frozen=True, kw_only=True)
class AK8PuppiJetCorrections(JetCorrections):
    """Corrections for jets with R = 0.8 of candidates times their PUPPI weight."""

    consumes = ("AK8PuppiJet", "Rho")
    produces = ("AK8PuppiJetCorrection",)
