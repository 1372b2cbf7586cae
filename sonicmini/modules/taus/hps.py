"""Hadronic taus by the algorithm of hadrons plus strips.

CMS, JINST 13 (2018) P10005; CMSSW: ``hpsPFTauProducer`` and its discriminators. docs/taus.md says
what is done otherwise.
"""

from dataclasses import dataclass

import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.columns import Bools, Ints, jagged, offsets_from
from sonicmini.modules.taus.choice import Taus, best_but_for_isolation, least_isolation
from sonicmini.modules.taus.combinations import Hadrons, all_combinations
from sonicmini.modules.taus.describe import tau_columns
from sonicmini.modules.taus.inputs import Candidates, Seeds, candidate_columns, seed_columns
from sonicmini.modules.taus.isolation import CONES, raw_sum
from sonicmini.modules.taus.members import (
    Around,
    Members,
    Reconstructed,
    candidates_around,
    find_members,
)
from sonicmini.modules.taus.quality import SIGNAL_CUTS, nearest_vertex, passes
from sonicmini.modules.taus.selection import judge
from sonicmini.modules.taus.strips import build_strips
from sonicmini.modules.tracks import Vertices, vertex_columns

_REGION = 0.8  # radius around jet or tau of candidates that have to do with it
_MIN_ELECTRON_TRACK_PT = 1.0  # of electrons in strips (GeV)


@dataclass(frozen=True, kw_only=True)
class HPSTaus(Producer):
    """Makes at most one tau of each jet.

    Attributes:
        min_jet_pt: of the seeds (GeV).
        max_jet_eta: absolute pseudorapidity of the seeds.
        matching_cone: distance of a tau from its jet at most.
        signed_phi: strips take up everything on one side in azimuth, as in CMSSW.
    """

    consumes = ("PFCand", "Track", "SlimmedPV", "AK4CHSJet", "AK4CHSJetCand")
    produces = ("HPSTau", "HPSTauCand")
    min_jet_pt: float = 14.0
    max_jet_eta: float = 2.5
    matching_cone: float = 0.5
    signed_phi: bool = True

    def produce(self, inputs: Products) -> Products:
        """Returns taus in the order of their jets, and pairs of tau and candidate with a role.

        Taus that fail the selection of decay modes are kept. ``docs/taus.md`` lists the columns.
        """
        candidates = candidate_columns(inputs["PFCand"], inputs["Track"])
        seeds = seed_columns(
            inputs["AK4CHSJet"],
            inputs["AK4CHSJetCand"],
            candidates,
            min_pt=self.min_jet_pt,
            max_eta=self.max_jet_eta,
        )
        found, taus = self._build(seeds, candidates, vertex_columns(inputs["SlimmedPV"]))
        event = seeds.event[taus.seed]
        around = candidates_around(taus.p4, event, candidates, _REGION)
        members = find_members(taus, around, found, isolation_cone=CONES[""], region=_REGION)
        kept = least_isolation(taus, raw_sum(members, candidates, len(taus.seed)))
        taus, members, around = _only(kept, taus, members, around)
        columns = tau_columns(taus, members, around, found, inputs)
        counts = np.bincount(seeds.event[taus.seed], minlength=len(seeds.offsets) - 1)
        offsets = offsets_from(counts)
        return {
            "HPSTau": jagged(offsets, columns),
            "HPSTauCand": jagged(*_links(members, offsets, candidates)),
        }

    def _build(
        self, seeds: Seeds, candidates: Candidates, vertices: Vertices
    ) -> tuple[Reconstructed, Taus]:
        """The best combinations of each seed, and what they were made from."""
        vertex = seed_vertices(seeds, candidates, vertices)
        seed = np.repeat(np.arange(len(seeds.pt)), np.diff(seeds.starts))
        good = passes(seeds.candidate, vertex[seed], SIGNAL_CUTS, of=candidates, vertices=vertices)
        pdg_id = candidates.pdg_id[seeds.candidate]
        electron = (pdg_id == 11) & (candidates.track_pt[seeds.candidate] > _MIN_ELECTRON_TRACK_PT)
        electron &= candidates.et[seeds.candidate] > SIGNAL_CUTS.min_gamma_et
        is_hadron = good & np.isin(pdg_id, (11, 13, 211))
        is_hadron &= candidates.pt[seeds.candidate] > SIGNAL_CUTS.min_track_pt
        in_strip = electron | (good & (pdg_id == 22))

        def starts(mask: Bools) -> Ints:
            return offsets_from(np.bincount(seed[mask], minlength=len(seeds.pt)))

        strips = build_strips(
            seeds.candidate[in_strip], starts(in_strip), of=candidates, signed_phi=self.signed_phi
        )
        hadrons = Hadrons(seeds.candidate[is_hadron], starts(is_hadron))
        trials = all_combinations(hadrons, strips, candidates)
        verdicts = judge(trials, seeds, strips, candidates, self.matching_cone)
        taus = best_but_for_isolation(trials, verdicts, candidates)
        return Reconstructed(seeds, vertex, strips, candidates, vertices), taus


def seed_vertices(seeds: Seeds, candidates: Candidates, vertices: Vertices) -> Ints:
    """The vertex nearest to the hardest charged candidate of each seed, -1 without vertices.

    Args:
        seeds: the jets.
        candidates: of all events.
        vertices: of all events.
    """
    place = np.flatnonzero(np.isin(candidates.pdg_id[seeds.candidate], (11, 13, 211)))
    seed = np.repeat(np.arange(len(seeds.pt)), np.diff(seeds.starts))[place]
    owner, first = np.unique(seed, return_index=True)
    lead = np.full(len(seeds.pt), -1)
    lead[owner] = seeds.candidate[place[first]]
    return nearest_vertex(lead, seeds.event, of=candidates, vertices=vertices)


def _only(kept: Ints, taus: Taus, members: Members, around: Around) -> tuple[Taus, Members, Around]:
    """These taus with what belongs to them."""
    place = np.full(len(taus.seed), -1)
    place[kept] = np.arange(len(kept))
    mine, near = place[members.tau] >= 0, place[around.tau] >= 0
    return (
        Taus(**{name: column[kept] for name, column in taus._asdict().items()}),
        Members(place[members.tau][mine], members.candidate[mine], members.role[mine]),
        Around(place[around.tau][near], around.candidate[near], around.distance[near]),
    )


def _links(members: Members, offsets: Ints, candidates: Candidates) -> tuple[Ints, dict[str, Ints]]:
    """Offsets and columns of the pairs, counted within their event."""
    event = np.searchsorted(offsets, members.tau, side="right") - 1
    columns = {
        "tauIdx": members.tau - offsets[event],
        "candIdx": members.candidate - candidates.offsets[event],
        "role": members.role,
    }
    return offsets_from(np.bincount(event, minlength=len(offsets) - 1)), columns
