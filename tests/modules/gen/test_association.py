"""Where ghosts end up, against clustering them for real with FastJet."""

import awkward as ak
import fastjet
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.modules.clustering import anti_kt_jets
from sonicmini.modules.columns import offsets_from
from sonicmini.modules.gen.association import Jets, associate
from sonicmini.modules.gen.flavour import jets_with
from sonicmini.modules.gen.ghosts import Ghosts, ghosts_of
from tests.modules.gen.events import simulated

GHOST_SCALE = 1e-18  # CMS's


def massless(pt, y, phi):
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(y), pt * np.cosh(y)], axis=-1)


def clustered(p4, radius):
    """The particles of each jet, as FastJet clusters them."""
    columns = dict(zip(("px", "py", "pz", "E"), np.ascontiguousarray(p4.T), strict=True))
    array = ak.zip(columns, with_name="Momentum4D")[np.newaxis]
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, radius)
    return fastjet.ClusterSequence(array, definition).constituent_index(min_pt=0.0)[0].to_list()


def reference(p4, jet_of, ghosts, radius):
    """The jet of each ghost, -1 for none: that of most particles it is clustered with.

    Most and not all: towers of HF are on a grid and some are equally far from each other, so that
    FastJet may cluster differently when other particles are left out.

    Args:
        p4: of the constituents of all jets of an event.
        jet_of: the jet of each.
        ghosts: px, py, pz, E of the particles that become ghosts.
        radius: of the jets.
    """
    result = np.full(len(ghosts), -1)
    for members in clustered(np.concatenate([p4, GHOST_SCALE * ghosts]), radius):
        real = [jet_of[k] for k in members if k < len(p4)]
        for k in members:
            if k >= len(p4) and real:
                result[k - len(p4)] = max(set(real), key=real.count)
    return result


def check(ghosts, jets, radius):
    found = associate(ghosts, jets, radius=radius)
    for event in range(len(jets.offsets) - 1):
        first, last = jets.offsets[event : event + 2]
        here = slice(*ghosts.offsets[event : event + 2])
        members = jets.members[first : last + 1]
        jet_of = np.repeat(np.arange(first, last), np.diff(members))
        if len(jet_of) == 0 or here.start == here.stop:
            assert np.all(found[here] == -1)
            continue
        p4 = jets.p4(np.arange(members[0], members[-1]))
        momenta = massless(np.maximum(ghosts.pt[here], 1.0), ghosts.y[here], ghosts.phi[here])
        np.testing.assert_array_equal(found[here], reference(p4, jet_of, momenta, radius))
    return found


@pytest.mark.parametrize(("name", "radius"), [("GenJet", 0.4), ("GenJetAK8", 0.8)])
@pytest.mark.parametrize("sample", ["ttbar", "zprime_tt"])
def test_ghosts_of_simulated_events_follow_real_ghosts(sample, name, radius):
    products = simulated(sample)
    ghosts = ghosts_of(products["PrunedGenPart"])
    links, particles = products[f"{name}Cand"], products["GenPart"]
    jets = jets_with(products[name], links, particles, "genPartIdx")
    found = check(ghosts, jets, radius)
    assert np.mean(found >= 0) > 0.4


@st.composite
def crowded_events(draw):
    """Particles, offsets of the events, and ghosts in a small region with several close jets."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    counts = np.array(draw(st.lists(st.integers(0, 40), min_size=1, max_size=3)))
    n = counts.sum()
    pt = rng.pareto(1.0, n) + 0.2
    p4 = massless(pt, rng.uniform(-1.5, 1.5, n), rng.uniform(2.0, 4.5, n))
    return p4, counts, rng


@given(crowded_events(), st.sampled_from([0.4, 0.8]))
def test_ghosts_between_crowded_jets_follow_real_ghosts(event, radius):
    p4, counts, rng = event
    offsets = offsets_from(counts)
    used = np.ones(len(p4), dtype=np.bool_)
    clusters = anti_kt_jets(p4, offsets, used=used, radius=radius, pt_min=0.5)
    members = offsets_from(np.bincount(clusters.jet, minlength=len(clusters.p4)))
    y = np.arctanh(clusters.p4[:, 2] / clusters.p4[:, 3])
    phi = np.arctan2(clusters.p4[:, 1], clusters.p4[:, 0])
    jets = Jets(y, phi, clusters.offsets, lambda i: p4[clusters.constituent[i]], members)
    n_ghosts = 12 * len(counts)
    no = np.zeros(n_ghosts, dtype=np.bool_)
    ghosts = Ghosts(
        pt=np.ones(n_ghosts),
        y=rng.uniform(-1.7, 1.7, n_ghosts),
        phi=rng.uniform(2.0, 4.5, n_ghosts),
        pdg_id=np.full(n_ghosts, 21),
        is_b=no,
        is_c=no,
        is_parton=~no,
        offsets=np.arange(0, n_ghosts + 1, 12),
    )
    check(ghosts, jets, radius)


def one_jet(*particles):
    p4 = np.array([massless(*particle) for particle in particles])
    total = p4.sum(axis=0)
    y, phi = np.arctanh(total[2] / total[3]), np.arctan2(total[1], total[0])
    return Jets(
        np.array([y]),
        np.array([phi]),
        np.array([0, 1]),
        lambda i: p4[i],
        np.array([0, len(p4)]),
    )


def ghost(y, phi):
    yes = np.ones(1, dtype=np.bool_)
    place = (np.ones(1), np.array([y]), np.array([phi]), np.array([5]))
    return Ghosts(*place, yes, ~yes, ~yes, np.array([0, 1]))


@pytest.mark.parametrize(
    ("y", "phi", "inside"),
    [(0.0, 0.0, True), (0.39, 0.0, True), (0.41, 0.0, False), (0.0, 2 * np.pi - 0.39, True)],
)
def test_a_jet_of_one_particle_is_a_circle(y, phi, inside):
    found = associate(ghost(y, phi), one_jet((10.0, 0.0, 0.0)), radius=0.4)
    assert found.tolist() == [0 if inside else -1]


def test_no_jets_and_no_ghosts():
    none = one_jet((10.0, 0.0, 0.0))._replace(
        y=np.zeros(0), phi=np.zeros(0), offsets=np.array([0, 0]), members=np.array([0])
    )
    assert associate(ghost(0.0, 0.0), none, radius=0.4).tolist() == [-1]
    one = ghost(0.0, 0.0)
    nobody = Ghosts._make((*(column[:0] for column in one[:-1]), np.array([0, 0])))
    assert associate(nobody, one_jet((10.0, 0.0, 0.0)), radius=0.4).tolist() == []
