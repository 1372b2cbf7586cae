"""Active areas against FastJet's, with very many ghosts, and against circles."""

import functools
import math

import fastjet._swig as fj
import numpy as np
import pytest

from sonicmini.io.root_source import RootSource
from sonicmini.modules.clustering import anti_kt_history
from sonicmini.modules.columns import offsets_of
from sonicmini.modules.jets.area import Ghosts, active_areas
from sonicmini.modules.jets.raw import AK4CHSJets, AK4PuppiJets, AK8PuppiJets
from sonicmini.modules.puppi.puppi import Puppi
from sonicmini.modules.vertexing.primary import PrimaryVertexAssociation, PrimaryVertexSorting
from sonicmini.resources import bundled


def massless(pt, y, phi):
    return (pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(y), pt * math.cosh(y))


def areas(p4, radius=0.4, spacing=0.1, pt_min=0.0):
    p4 = np.asarray(p4, dtype=float)
    used, offsets = np.ones(len(p4), dtype=bool), np.array([0, len(p4)])
    clusters, history = anti_kt_history(p4, offsets, used=used, radius=radius, pt_min=pt_min)
    return clusters, active_areas(history, len(clusters.p4), radius, Ghosts(spacing))


def fastjet_areas(p4, radius, ghost_area, pt_min):
    spec = fj.GhostedAreaSpec(5.0, 1, ghost_area)
    sequence = fj.ClusterSequenceArea(
        [fj.PseudoJet(*map(float, p)) for p in p4],
        fj.JetDefinition(fj.antikt_algorithm, radius),
        fj.AreaDefinition(fj.active_area, spec),
    )
    return np.array([sequence.area(j) for j in fj.sorted_by_pt(sequence.inclusive_jets(pt_min))])


def collisions(seed, n=500):
    """Jets of several particles over a dense background: their areas differ much."""
    rng = np.random.default_rng(seed)
    near = rng.random(n) < 0.3
    axes = rng.uniform((-4, -np.pi), (4, np.pi), (8, 2))
    where = np.where(
        near[:, np.newaxis],
        axes[rng.integers(0, 8, n)] + rng.normal(0, 0.15, (n, 2)),
        rng.uniform((-5, -np.pi), (5, np.pi), (n, 2)),
    )
    pt = rng.exponential(np.where(near, 4.0, 0.8)) + 0.2
    return np.array([massless(p, y, phi) for p, (y, phi) in zip(pt, where, strict=True)])


@pytest.mark.parametrize(("radius", "spread"), [(0.4, 0.035), (0.8, 0.02)])
def test_areas_are_those_of_fastjet(radius, spread):
    ratios, true = [], []
    for seed in range(4):
        p4 = collisions(seed)
        _, found = areas(p4, radius, pt_min=5.0)
        expected = fastjet_areas(p4, radius, 0.001, 5.0)
        assert len(found) == len(expected)
        ratios.append(found / expected - 1)
        true.append(expected)
    together = np.concatenate(ratios)
    assert abs(np.mean(together)) < 0.006
    assert np.std(together) < spread
    assert np.std(np.concatenate(true)) > 3 * np.std(together) * np.mean(np.concatenate(true))


@functools.cache
def sample():
    (chunk,) = RootSource([bundled("sample_data") / "ttbar_10.root"]).chunks()
    products = dict(chunk.products)
    for module in (PrimaryVertexSorting(), PrimaryVertexAssociation(), Puppi()):
        products |= module.produce(products)
    return products


@pytest.mark.parametrize(
    ("module", "spread"),
    [(AK4CHSJets(), 0.035), (AK4PuppiJets(), 0.035), (AK8PuppiJets(), 0.02)],
    ids=lambda value: type(value).__name__,
)
def test_areas_in_events_of_the_sample_are_those_of_fastjet(module, spread):
    products = sample()
    jets = module.produce(products)[module.produces[0]]
    p4, used = module.select(products)
    offsets = offsets_of(products["PFCand"])
    ratios = []
    for event in range(len(jets)):
        part = slice(offsets[event], offsets[event + 1])
        expected = fastjet_areas(p4[part][used[part]], module.radius, 0.001, module.pt_min)
        pt, found = jets.pt[event].to_numpy(), jets.area[event].to_numpy()
        assert len(found) == len(expected)
        ratios.append((found / expected - 1)[pt > 20])
    together = np.concatenate(ratios)
    assert abs(np.mean(together)) < 0.01
    assert np.std(together) < spread


def test_finer_ghosts_come_nearer():
    p4 = collisions(9)
    expected = fastjet_areas(p4, 0.4, 0.0003, 5.0)
    spreads = [np.std(areas(p4, spacing=s, pt_min=5.0)[1] - expected) for s in (0.2, 0.1, 0.03)]
    assert spreads[0] > spreads[1] > spreads[2]
    assert spreads[2] < 0.006


@pytest.mark.parametrize(("y", "part"), [(0.3, 1.0), (5.0, 0.5), (-5.0, 0.5), (5.5, 0.0)])
def test_a_jet_alone_is_a_circle_cut_at_the_edge(y, part):
    _, found = areas([massless(30.0, y, 3.1)], spacing=0.02)
    assert found[0] == pytest.approx(part * math.pi * 0.16, rel=0.01, abs=1e-9)


def test_equal_jets_share_their_overlap():
    _, found = areas([massless(20.0, 0.25, 0.0), massless(20.000001, -0.25, 0.0)], spacing=0.01)
    angle = math.acos(0.25 / 0.4)
    segment = 0.16 * angle - 0.25 * math.sqrt(0.16 - 0.0625)
    assert found == pytest.approx([math.pi * 0.16 - segment] * 2, rel=0.01)


def test_the_harder_jet_takes_the_overlap():
    _, found = areas([massless(1e6, 0.25, 0.0), massless(20.0, -0.25, 0.0)], spacing=0.01)
    angle = math.acos(0.25 / 0.4)
    lens = 2 * (0.16 * angle - 0.25 * math.sqrt(0.16 - 0.0625))
    assert found[0] == pytest.approx(math.pi * 0.16, rel=0.01)
    assert found[1] == pytest.approx(math.pi * 0.16 - lens, rel=0.01)


def test_softer_jets_take_ghosts_without_being_listed():
    p4 = [massless(20.0, 0.3, 0.0), massless(19.0, -0.2, 0.0)]
    _, both = areas(p4, spacing=0.02)
    clusters, one = areas(p4, spacing=0.02, pt_min=19.5)
    assert len(clusters.p4) == 1
    assert one[0] == both[0] < 0.95 * math.pi * 0.16


def test_events_do_not_know_of_their_neighbours():
    parts = [collisions(1, 300), np.zeros((0, 4)), collisions(2, 200)]
    offsets = np.cumsum([0, *map(len, parts)])
    p4 = np.concatenate(parts)
    used = np.ones(len(p4), dtype=bool)
    clusters, history = anti_kt_history(p4, offsets, used=used, radius=0.4, pt_min=1.0)
    together = active_areas(history, len(clusters.p4), 0.4, Ghosts())
    alone = np.concatenate([areas(part, pt_min=1.0)[1] for part in parts])
    np.testing.assert_array_equal(together, alone)
