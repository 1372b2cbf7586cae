"""Secondary vertices from displaced tracks, without jets (CMSSW: ``InclusiveVertexFinder``).

The sequence is that of ``inclusiveCandidateVertexing``: seeds, groups, adaptive fits, cuts,
merging, arbitration of tracks with PV 0, fits again, merging again.
"""

from dataclasses import dataclass

import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.columns import events_of, jagged, offsets_from
from sonicmini.modules.vertexing.adaptive import DEFAULT_FIT, FitSettings, fit_vertices
from sonicmini.modules.vertexing.arbitration import (
    DEFAULT_ARBITRATION,
    ArbitrationCuts,
    EligibleTracks,
    arbitrated,
)
from sonicmini.modules.vertexing.charged import ChargedTracks, charged_tracks, first_vertices
from sonicmini.modules.vertexing.description import describe, links
from sonicmini.modules.vertexing.distances import Positions
from sonicmini.modules.vertexing.helix import linearise, taken
from sonicmini.modules.vertexing.merging import FITTED_TWICE, FOUND_TWICE, MergeCuts, merged
from sonicmini.modules.vertexing.secondary import (
    DEFAULT_VERTEX_CUTS,
    SecondaryVertices,
    VertexCuts,
    chosen_vertices,
    is_displaced,
    joined_vertices,
    positions_of_events,
    secondary_vertices,
)
from sonicmini.modules.vertexing.seeding import (
    DEFAULT_SEEDING,
    DisplacedTracks,
    SeedingCuts,
    seeded_groups,
)
from sonicmini.modules.vertexing.splitting import DEFAULT_SPLIT, SplitSettings, split_vertices


@dataclass(frozen=True, kw_only=True)
class InclusiveVertexFinder(Producer):
    """Finds decays of heavy hadrons among the tracks of particle-flow candidates.

    Attributes:
        min_pt: of tracks that seed and found vertices (GeV).
        min_hits: valid ones of these tracks.
        max_dz: longitudinal impact parameter of these tracks to PV 0 (cm).
        seeding: cuts on seeds and the tracks that join them.
        fit: settings of the adaptive fit.
        splitting: of groups into several vertices, which are tried beside the one of all tracks.
        vertices: cuts on the fitted vertices.
        arbitration: cuts on the tracks of the final vertices.
        merging: when vertices are copies, before arbitration.
        final_merging: the same at the end.
    """

    consumes = ("PFCand", "Track", "SlimmedPV")
    produces = ("InclusiveSV", "InclusiveSVCand")
    min_pt: float = 0.8
    min_hits: int = 8
    max_dz: float = 0.3
    seeding: SeedingCuts = DEFAULT_SEEDING
    fit: FitSettings = DEFAULT_FIT
    splitting: SplitSettings = DEFAULT_SPLIT
    vertices: VertexCuts = DEFAULT_VERTEX_CUTS
    arbitration: ArbitrationCuts = DEFAULT_ARBITRATION
    merging: MergeCuts = FOUND_TWICE
    final_merging: MergeCuts = FITTED_TWICE

    def produce(self, inputs: Products) -> Products:
        """Returns the vertices and their candidates; GeV, cm, radian.

        ``pt`` to ``mass`` are of the sum of the tracks at the vertex as pions, ``pAngle`` is the
        angle between it and the flight from PV 0, ``dlen`` and ``dxy`` the flight length in space
        and across the beam, ``cov...`` of the position. ``candIdx`` is the place in ``PFCand``.
        """
        pv = first_vertices(inputs["SlimmedPV"])
        tracks = charged_tracks(
            *(inputs[name] for name in self.consumes),
            min_pt=min(self.min_pt, self.arbitration.min_pt),
        )
        vertices = self._arbitrated(self._found(tracks, pv), tracks, pv)
        events = len(tracks.offsets) - 1
        offsets = offsets_from(np.bincount(vertices.groups.event, minlength=events))
        return {
            "InclusiveSV": jagged(offsets, describe(vertices, tracks, pv)),
            "InclusiveSVCand": links(vertices.groups, offsets, tracks.candidate),
        }

    def _found(self, tracks: ChargedTracks, pv: Positions) -> SecondaryVertices:
        """Vertices of the tracks near PV 0 along the beam."""
        good = (tracks.pt > self.min_pt) & (tracks.hits >= self.min_hits)
        index = np.flatnonzero(good & (np.abs(tracks.dz) < self.max_dz))
        own = positions_of_events(pv, events_of(tracks.offsets)[index])
        helices = taken(tracks.helices, index)
        at_pv = linearise(helices, np.arange(len(index)), own.point)
        founders = DisplacedTracks(helices, at_pv, own, tracks.within(index))

        groups = seeded_groups(founders, self.seeding)
        split = split_vertices(founders, groups, self.fit, self.splitting)
        whole = secondary_vertices(groups, fit_vertices(helices, groups, self.fit))
        vertices = joined_vertices([*split, whole])
        own = positions_of_events(pv, vertices.groups.event)
        displaced = is_displaced(vertices, at_pv.direction, own, self.vertices)
        vertices = merged(chosen_vertices(vertices, displaced), self.merging)
        track = index[vertices.groups.track]
        return vertices._replace(groups=vertices.groups._replace(track=track))

    def _arbitrated(
        self, vertices: SecondaryVertices, tracks: ChargedTracks, pv: Positions
    ) -> SecondaryVertices:
        """The vertices fitted again with the tracks that are nearer to them than to PV 0."""
        cuts = self.arbitration
        good = (tracks.pt > cuts.min_pt) & (tracks.layers >= cuts.min_layers)
        index = np.flatnonzero(good & (tracks.pixel_hits >= cuts.min_pixel_hits))
        eligible = EligibleTracks(
            tracks.helices,
            index,
            tracks.eta[index],
            tracks.helices.phi[index],
            tracks.within(index),
        )
        groups = arbitrated(vertices, eligible, pv, cuts)
        fitted = secondary_vertices(groups, fit_vertices(tracks.helices, groups, self.fit))
        return merged(fitted, self.final_merging)
