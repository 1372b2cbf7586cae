"""Jets of particle-flow candidates before any calibration, with their constituents.

CMSSW: ``FastjetJetProducer`` as configured for ``ak4PFJetsCHS``, ``ak4PFJetsPuppi`` and
``ak8PFJetsPuppi``.
"""

from abc import abstractmethod
from dataclasses import dataclass

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.clustering import Clusters, anti_kt_history, polar
from sonicmini.modules.columns import (
    Bools,
    Floats,
    Ints,
    events_of,
    flat,
    jagged,
    momenta,
    offsets_from,
    offsets_of,
)
from sonicmini.modules.jets.area import Ghosts, active_areas
from sonicmini.modules.jets.chs import chs_of


@dataclass(frozen=True, kw_only=True)
class RawJets(Producer):
    """Base of the modules that cluster candidates of an event into anti-kT jets.

    Attributes:
        radius: of the jets.
        pt_min: least pT (GeV), uncalibrated.
        ghost_spacing: of the ghosts that measure the active area, in rapidity and azimuth.
        ghost_y_max: rapidity beyond which the area does not count.
    """

    radius: float = 0.4
    pt_min: float = 5.0
    ghost_spacing: float = 0.1
    ghost_y_max: float = 5.0

    def __post_init__(self) -> None:
        """Refuses lengths that are none."""
        for name in ("radius", "ghost_spacing", "ghost_y_max"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")

    @abstractmethod
    def select(self, inputs: Products) -> tuple[Floats, Bools]:
        """What is clustered.

        Returns:
            px, py, pz, E (GeV) of all candidates, shape ``(candidates, 4)``, and which of them are
            used, shape ``(candidates,)``.
        """

    def produce(self, inputs: Products) -> Products:
        """Returns the jets by falling pT, and pairs of jet and candidate, both within the event."""
        p4, used = self.select(inputs)
        offsets = offsets_of(inputs["PFCand"])
        clusters, history = anti_kt_history(
            p4, offsets, used=used, radius=self.radius, pt_min=self.pt_min
        )
        columns = polar(clusters.p4, np.float64)
        columns["area"] = active_areas(
            history, len(clusters.p4), self.radius, Ghosts(self.ghost_spacing, self.ghost_y_max)
        )
        jets, links = self.produces
        return {jets: jagged(clusters.offsets, columns), links: links_of(clusters, offsets)}


@dataclass(frozen=True, kw_only=True)
class AK4CHSJets(RawJets):
    """Jets with R = 0.4 of candidates after charged-hadron subtraction."""

    consumes = ("PFCand", "PFCandVertex")
    produces = ("AK4CHSJet", "AK4CHSJetCand")

    def select(self, inputs: Products) -> tuple[Floats, Bools]:
        """All candidates but those used in the fit of a pileup vertex."""
        return momenta(inputs["PFCand"]), chs_of(inputs["PFCandVertex"])


@dataclass(frozen=True, kw_only=True)
class PuppiJets(RawJets):
    """Base of jets of candidates times their PUPPI weight."""

    consumes = ("PFCand", "PuppiWeight")

    def select(self, inputs: Products) -> tuple[Floats, Bools]:
        """Candidates whose weight is above 0."""
        weight = flat(inputs["PuppiWeight"], "weight")
        return momenta(inputs["PFCand"]) * weight[:, np.newaxis], weight > 0


@dataclass(frozen=True, kw_only=True)
class AK4PuppiJets(PuppiJets):
    """Jets with R = 0.4 of candidates times their PUPPI weight."""

    produces = ("AK4PuppiJet", "AK4PuppiJetCand")


@dataclass(frozen=True, kw_only=True)
class AK8PuppiJets(PuppiJets):
    """Jets with R = 0.8 of candidates times their PUPPI weight."""

    produces = ("AK8PuppiJet", "AK8PuppiJetCand")
    radius: float = 0.8
    pt_min: float = 30.0


def links_of(clusters: Clusters, offsets: Ints) -> ak.Array:
    """Pairs of jet and candidate, by jet and candidate, both counted within the event.

    Args:
        clusters: the jets.
        offsets: of the events in the candidates.
    """
    event = events_of(clusters.offsets)[clusters.jet]
    columns = {
        "jetIdx": clusters.jet - clusters.offsets[event],
        "candIdx": clusters.constituent - offsets[event],
    }
    counts = np.bincount(event, minlength=len(offsets) - 1)
    return jagged(offsets_from(counts), columns)
