"""Isolated tracks, of charged candidates and of lost tracks (CMSSW: ``PATIsolatedTrackProducer``).

CMSSW goes through the tracks in their order; here those of candidates, in the packed order, come
first. The energies of calorimeter jets and the ionisation are not in the input.
"""

from dataclasses import dataclass

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.columns import (
    Bools,
    Columns,
    Ints,
    events_of,
    flat,
    jagged,
    offsets_from,
    offsets_of,
)
from sonicmini.modules.leptons.isolation import (
    CHARGED,
    Centres,
    cone_sums,
    cones,
    less_half_pileup,
    mini_radius,
    packed_surroundings,
)

_COMMON = ("pt", "eta", "phi", "charge", "pdgId", "dxy", "dxyErr", "dz", "dzErr", "fromPV")
_NO_VETO = (-1.0, -1.0, -1.0, -1.0)  # only the candidate itself is left out


@dataclass(frozen=True, kw_only=True)
class IsolatedTracks(Producer):
    """Selects charged candidates and lost tracks with little from charged hadrons around them.

    Attributes:
        min_pt: least pT (GeV).
        min_pt_any: pT (GeV) from which isolation does not matter.
        radius: of the cone.
        max_dz: charged hadrons within it (cm) of PV 0 along the beam count as from there.
        max_iso: sum of pT (GeV) in the cone below which a track is isolated.
        max_relative_iso: the same relative to its pT.
        max_mini_iso: and the same in the cone of mini-isolation: any of the three is enough.
    """

    consumes = ("PackedPFCand", "LostTrack")
    produces = ("IsoTrack",)
    min_pt: float = 5.0
    min_pt_any: float = 20.0
    radius: float = 0.3
    max_dz: float = 0.1
    max_iso: float = 5.0
    max_relative_iso: float = 0.2
    max_mini_iso: float = 0.2

    def produce(self, inputs: Products) -> Products:
        """Returns NanoAOD's columns of ``IsoTrack`` with places in PackedPFCand and LostTrack."""
        packed = inputs["PackedPFCand"]
        columns, event = self._tracks(packed, inputs["LostTrack"])
        pt, eta, phi = (columns[name].astype(np.float64) for name in ("pt", "eta", "phi"))
        index = columns["pfCandIdx"].astype(np.int64)
        own = np.where(index >= 0, offsets_of(packed)[event] + index, -1)
        centres = Centres(eta, phi, event, own)
        around = packed_surroundings(packed, max_dz=self.max_dz)
        veto = np.array(_NO_VETO)
        sums = cone_sums(around, centres, cones(np.full(len(pt), self.radius), veto))
        tiny = cone_sums(around, centres, cones(mini_radius(pt), veto))
        relative = {
            "pfRelIso03_chg": sums[:, CHARGED] / pt,
            "pfRelIso03_all": less_half_pileup(sums) / pt,
            "miniPFRelIso_chg": tiny[:, CHARGED] / pt,
            "miniPFRelIso_all": less_half_pileup(tiny) / pt,
        }
        keep = (pt >= self.min_pt_any) | (sums[:, CHARGED] < self.max_iso)
        keep |= relative["pfRelIso03_chg"] < self.max_relative_iso
        keep |= relative["miniPFRelIso_chg"] < self.max_mini_iso
        columns |= {name: values.astype(np.float32) for name, values in relative.items()}
        counts = np.bincount(event[keep], minlength=len(packed))
        kept = {name: values[keep] for name, values in columns.items()}
        return {"IsoTrack": jagged(offsets_from(counts), kept)}

    def _tracks(self, packed: ak.Array, lost: ak.Array) -> tuple[Columns, Ints]:
        """All tracks of enough pT, by event, and the event of each."""
        parts = [_part(packed, self.min_pt), _part(lost, self.min_pt)]
        from_lost = np.repeat([False, True], [len(event) for _, event in parts])
        event = np.concatenate([event for _, event in parts])
        order = np.argsort(event, kind="stable")
        joined = {
            name: np.concatenate([columns[name] for columns, _ in parts]) for name in parts[0][0]
        }
        place = joined.pop("place").astype(np.int16)
        joined |= {
            "isPFcand": ~from_lost,
            "isFromLostTrack": from_lost,
            "isHighPurityTrack": joined.pop("highPurity"),
            "pfCandIdx": np.where(from_lost, np.int16(-1), place),
            "lostTrackIdx": np.where(from_lost, place, np.int16(-1)),
        }
        return {name: values[order] for name, values in joined.items()}, event[order]


def _part(collection: ak.Array, min_pt: float) -> tuple[Columns, Ints]:
    """The charged members of a collection above a pT, and their events."""
    offsets = offsets_of(collection)
    chosen: Bools = flat(collection, "pt", None) >= min_pt
    chosen &= flat(collection, "charge", None) != 0
    index = np.flatnonzero(chosen)
    event = events_of(offsets)[index]
    columns = {name: flat(collection, name, None)[index] for name in (*_COMMON, "highPurity")}
    return columns | {"place": index - offsets[event]}, event
