"""A parametric detector close to CMS: from generated particles to AOD-like collections."""

from dataclasses import dataclass

import awkward as ak
import numpy as np

from sonicmini.io.schema import AOD, HLT_PATHS, Collection
from sonicmini.simulation import constants, records
from sonicmini.simulation.calorimeter import Grid, add_noise, fill_cells, grid
from sonicmini.simulation.cells import ECAL, HCAL, HF, Cells
from sonicmini.simulation.clustering import Geometry, find_clusters, geometry
from sonicmini.simulation.egamma import (
    build_electrons,
    build_photons,
    build_superclusters,
    cone_energy,
    take_electrons,
)
from sonicmini.simulation.kernel import Floats, Ints, Records
from sonicmini.simulation.linking import absorb_satellites, link_tracks, sum_ecal
from sonicmini.simulation.material import enter_detector
from sonicmini.simulation.muons import build_muons, measure_chambers, take_muons
from sonicmini.simulation.particleflow import (
    block_excess,
    charged_candidates,
    choose_tracks,
    forward_candidates,
    free_clusters,
    set_electrons,
)
from sonicmini.simulation.particles import ParticleBatch
from sonicmini.simulation.tracking import reconstruct_tracks
from sonicmini.simulation.trigger import decide
from sonicmini.simulation.v0 import find_v0
from sonicmini.simulation.vertexing import find_vertices

GIVEN = np.dtype(
    [("pdgId", np.int32), ("charge", np.int8)]
    + [(name, np.float64) for name in ("px", "py", "pz", "energy", "x", "y", "z")]
)
GRIDS = (grid(ECAL), grid(HCAL), grid(HF))
JAGGED = ("PFCand", "Track", "PV", "Muon", "Electron", "Photon", "V0", "TrigObj")
MAX_OBJECTS = 200


@dataclass
class Layer:
    """One calorimeter in one event: its geometry, cell energies and clusters."""

    cells: Cells
    energies: Floats
    clusters: Records
    cluster_of: Ints

    @property
    def map(self) -> tuple[Grid, Geometry, Ints]:
        """Geometry and the cluster of each cell, as linking takes them."""
        return grid(self.cells), geometry(self.cells), self.cluster_of

    @property
    def measured(self) -> tuple[Floats, tuple[Grid, Geometry]]:
        """Cell energies and geometry, as superclusters take them."""
        return self.energies, (grid(self.cells), geometry(self.cells))


@dataclass
class Event:
    """The reconstructed collections of one event, as structured arrays."""

    collections: dict[str, Records]
    stations: Ints
    decisions: int


def stage_seed(seed: int, stage: int) -> int:
    """Seed of one stage of one event: a change in one stage leaves the others' numbers alone."""
    return (seed * 2654435761 + stage * 40503) % (1 << 32)


def _clustered(cells: Cells, energies: Floats, seeding: tuple[int, float, float, float]) -> Layer:
    clusters = np.zeros(np.count_nonzero(energies), records.CLUSTER)
    cluster_of = np.empty(cells.size, np.int64)
    count = find_clusters(energies, geometry(cells), seeding, clusters, cluster_of)
    return Layer(cells, energies, clusters[:count], cluster_of)


def _calorimeters(particles: Records, seed: int) -> tuple[Layer, Layer, tuple[Floats, Floats]]:
    """ECAL, HCAL and the forward calorimeter's fibres of one event."""
    energies = (np.zeros(ECAL.size), np.zeros(HCAL.size), np.zeros(HF.size), np.zeros(HF.size))
    fill_cells(particles, stage_seed(seed, 2), GRIDS, energies)
    add_noise(energies[0], ECAL.eta, constants.ECAL_NOISE, constants.ECAL_FLOOR)
    add_noise(energies[1], HCAL.eta, constants.HCAL_NOISE, constants.HCAL_FLOOR)
    add_noise(energies[2], HF.eta, constants.HF_NOISE, constants.HF_FLOOR)
    add_noise(energies[3], HF.eta, constants.HF_NOISE, constants.HF_FLOOR)
    ecal = _clustered(ECAL, energies[0], constants.ECAL_SEEDS)
    hcal = _clustered(HCAL, energies[1], constants.HCAL_SEEDS)
    return ecal, hcal, (energies[2], energies[3])


def _muons(
    particles: Records, tracks: Records, layers: tuple[Layer, Layer], seed: int
) -> tuple[Records, Ints]:
    muons = np.zeros(MAX_OBJECTS, records.MUON_CANDIDATE)
    stations = np.zeros((MAX_OBJECTS, len(records.STATION_FIELDS)), np.int64)
    count = measure_chambers(particles, stage_seed(seed, 3), muons, stations)
    muons, stations = muons[:count], stations[:count]
    build_muons(muons, tracks, stage_seed(seed, 4))
    around = np.empty((count, 2))
    for k, muon in enumerate(muons):
        at = muon
        if muon["trackIdx"] >= 0:
            track = tracks[muon["trackIdx"]]
            eta, phi = track["caloEta"], track["caloPhi"]
        else:
            eta, phi = at["eta"], at["phi"]
        for column, layer in enumerate(layers):
            energies, where = layer.measured
            around[k, column] = cone_energy(energies, where, eta, phi)
    take_muons(muons, tracks, around)
    return muons, stations


def _particle_flow(
    tracks: Records, layers: tuple[Layer, Layer], fibres: tuple[Floats, Floats], vertex: Records
) -> Records:
    """Candidates of one event; ``particle`` of muons' and electrons' tracks is already set."""
    ecal, hcal = layers
    blocks_count = len(ecal.clusters) + len(hcal.clusters)
    blocks = (
        np.empty(len(tracks), np.int64),
        np.empty(len(ecal.clusters), np.int64),
        np.zeros(blocks_count),
        np.zeros(blocks_count),
        np.zeros(blocks_count),
        np.zeros(blocks_count),
    )
    choose_tracks(tracks)
    link_tracks(tracks, (ecal.map, ecal.clusters), (hcal.map, hcal.clusters), blocks)
    deficit = sum_ecal(ecal.clusters, hcal.clusters, blocks)
    absorb_satellites(tracks, ecal.clusters, blocks, deficit)
    room = len(tracks) + 2 * blocks_count + 2 * HF.size
    out = (np.zeros(room, records.CANDIDATE), np.zeros(1, np.int64))
    charged_candidates(tracks, hcal.clusters, blocks, out)
    block_excess(ecal.clusters, hcal.clusters, blocks, out, vertex)
    free_clusters(ecal.clusters, hcal.clusters, blocks, out, vertex)
    forward_candidates(fibres, (HF.eta, HF.phi), out, vertex)
    return out[0][: out[1][0]]


def _used_first(tracks: Records, candidates: Records) -> tuple[Records, Ints]:
    """Tracks in the order of the candidates, unused ones after; and the new index of each."""
    used = candidates["trackIdx"][candidates["trackIdx"] >= 0].astype(np.int64)
    free = np.ones(len(tracks), np.bool_)
    free[used] = False
    rest = np.flatnonzero(free)
    order = np.concatenate([used, rest])
    new_index = np.full(len(tracks) + 1, -1, np.int64)
    new_index[order] = np.arange(len(tracks))
    return tracks[order], new_index


def _candidate_of(candidates: Records, key: str, size: int) -> Ints:
    """Candidate of each track (or cluster), -1 for none; index -1 gives -1."""
    found = np.full(size + 1, -1, np.int64)
    has = np.flatnonzero(candidates[key] >= 0)
    found[candidates[key][has]] = has
    return found


def _link_collections(collections: dict[str, Records], clusters: int) -> None:
    """Set the indices between collections once the order of the tracks is final."""
    candidates = collections["PFCand"]
    collections["Track"], new_index = _used_first(collections["Track"], candidates)
    for product, name in (
        ("PFCand", "trackIdx"),
        ("Muon", "trackIdx"),
        ("Electron", "trackIdx"),
        ("V0", "trackIdx1"),
        ("V0", "trackIdx2"),
    ):
        column = collections[product][name]
        column[:] = new_index[column]
    by_track = _candidate_of(candidates, "trackIdx", len(new_index))
    by_cluster = _candidate_of(candidates, "cluster", clusters)
    electrons, muons, photons = (collections[name] for name in ("Electron", "Muon", "Photon"))
    electrons["pfCandIdx"] = np.where(
        electrons["forParticleFlow"], by_track[electrons["trackIdx"]], -1
    )
    muons["pfCandIdx"] = np.where(muons["isPFcand"], by_track[muons["trackIdx"]], -1)
    photons["pfCandIdx"] = by_cluster[photons["cluster"]]


def reconstruct_event(given: Records, seed: int) -> Event:
    """Simulate and reconstruct one event.

    Args:
        given: its generated particles, ``GIVEN`` records.
        seed: everything random in the event follows from it.
    """
    room = np.zeros(3 * len(given) + 100, records.SIM_PARTICLE)
    particles = room[: enter_detector(given, stage_seed(seed, 0), room)]
    tracks = np.zeros(int(1.1 * np.count_nonzero(particles["inTracker"])) + 50, records.TRACK)
    tracks = tracks[: reconstruct_tracks(particles, stage_seed(seed, 1), tracks)]
    vertices = np.zeros(len(tracks) // 2 + 1, records.VERTEX)
    vertices = vertices[: find_vertices(tracks, vertices)]
    leading = int(np.argmax(vertices["sumPt2"]))
    vertex = vertices[leading]
    ecal, hcal, fibres = _calorimeters(particles, seed)
    muons, stations = _muons(particles, tracks, (ecal, hcal), seed)

    superclusters = np.zeros(MAX_OBJECTS, records.SUPERCLUSTER)
    owner = np.empty(len(ecal.clusters), np.int64)
    found = build_superclusters(ecal.clusters, ecal.measured, hcal.measured, superclusters, owner)
    superclusters = superclusters[:found]
    electrons = np.zeros(MAX_OBJECTS, records.ELECTRON_CANDIDATE)
    electrons = electrons[: build_electrons(superclusters, tracks, stage_seed(seed, 5), electrons)]
    photons = np.zeros(MAX_OBJECTS, records.PHOTON_CANDIDATE)
    photons = photons[: build_photons(superclusters, tracks, electrons, vertex, photons)]
    take_electrons(electrons, tracks, ecal.clusters, owner)

    candidates = _particle_flow(tracks, (ecal, hcal), fibres, vertex)
    set_electrons(electrons, candidates)
    pairs = np.zeros(MAX_OBJECTS, records.V0_CANDIDATE)
    pairs = pairs[: find_v0(tracks, pairs)]
    objects = np.zeros(MAX_OBJECTS, records.TRIGGER_OBJECT)
    leptons = (muons, electrons, photons)
    count, decisions = decide(
        leptons, (candidates, tracks), (len(vertices), leading), stage_seed(seed, 6), objects
    )
    collections = {
        "PFCand": candidates,
        "Track": tracks,
        "PV": vertices,
        "Muon": muons,
        "Electron": electrons,
        "Photon": photons,
        "V0": pairs,
        "TrigObj": objects[:count],
    }
    _link_collections(collections, len(ecal.clusters))
    return Event(collections, stations, decisions)


def _jagged(collection: Collection, events: list[Event]) -> ak.Array:
    """One collection of all events, with the schema's branches and types."""
    product = collection.product
    counts = [len(event.collections[product]) for event in events]
    flat = np.empty(sum(counts), events[0].collections[product].dtype)
    for event, stop in zip(events, np.cumsum(counts), strict=True):
        flat[stop - len(event.collections[product]) : stop] = event.collections[product]
    stations = np.concatenate([event.stations for event in events])
    fields = {}
    for branch in collection.branches:
        if branch.name in records.STATION_FIELDS:
            values = stations[:, records.STATION_FIELDS.index(branch.name)]
        else:
            values = flat[branch.name]
        fields[branch.name] = values.astype(branch.dtype)
    return ak.unflatten(ak.zip(fields, depth_limit=1), np.array(counts, np.int64))


def _given(batch: ParticleBatch) -> Records:
    """The batch's particles as one structured array."""
    given = np.empty(len(batch.px), GIVEN)
    positions = {"x": batch.vx, "y": batch.vy, "z": batch.vz}
    for name in GIVEN.names or ():
        given[name] = positions[name] if name in positions else getattr(batch, name)
    return given


def reconstruct(batch: ParticleBatch) -> dict[str, ak.Array]:
    """Detector simulation and reconstruction of a batch of events.

    Each event depends only on its own particles and seed, not on the batch.

    Returns:
        The products PFCand, Track, PV, BeamSpot, Muon, Electron, Photon, V0, HLT and TrigObj of
        the input format, one entry per event.
    """
    given = _given(batch)
    bounds = zip(batch.offsets[:-1], batch.offsets[1:], batch.seeds, strict=True)
    events = [reconstruct_event(given[start:stop], int(seed)) for start, stop, seed in bounds]
    products = {product: _jagged(AOD[product], events) for product in JAGGED}
    size = len(events)
    spot = (*constants.BEAM_SPOT, constants.BEAM_WIDTH, constants.BEAM_WIDTH, constants.BEAM_LENGTH)
    names = [branch.name for branch in AOD["BeamSpot"].branches]
    products["BeamSpot"] = ak.zip(
        {name: np.full(size, value, np.float32) for name, value in zip(names, spot, strict=True)}
    )
    decisions = np.array([event.decisions for event in events], np.int64)
    products["HLT"] = ak.zip(
        {path: (decisions >> bit & 1).astype(bool) for bit, path in enumerate(HLT_PATHS)}
    )
    return products
