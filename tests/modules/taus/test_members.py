"""Members of taus by hand; real events are in test_hps.py."""

import pytest

from sonicmini.modules.taus.hps import HPSTaus
from tests.modules.taus.hand import make_event, particle


def roles(*particles):
    """The role of each candidate of the only tau; None for those that have none."""
    products = make_event(particles)
    result = HPSTaus().produce({name: products[name] for name in HPSTaus.consumes})
    assert len(result["HPSTau"][0]) == 1
    links = {link["candIdx"]: link["role"] for link in result["HPSTauCand"][0].to_list()}
    return [links.get(i) for i in range(len(particles))]


def test_decay_products_and_what_is_around():
    found = roles(
        particle(211, 25, 0, 0),
        particle(22, 10, 0.03, 0),
        particle(22, 3, 0.35, -0.3),
        particle(211, 2, 0.3, 0.1),
        particle(130, 32, -0.35, 0.0),
        particle(130, 29, 0.3, 0.2, in_jet=False),
        particle(22, 1.5, 0.4, -0.2, in_jet=False),
        particle(22, 0.9, 0.4, -0.2, in_jet=False),
    )
    assert found == [0, 1, 4, 3, 5, None, 4, None]


@pytest.mark.parametrize(
    ("other", "role"),
    [
        (particle(211, 2, 0.45, 0, in_jet=False), 3),
        (particle(211, 2, 0.55, 0, in_jet=False), None),
        (particle(211, 2, 0.2, 0, vz=0.3, in_jet=False), 3),
        (particle(211, 2, 0.2, 0, vz=0.5, in_jet=False), None),
        (particle(13, 2, 0.2, 0, in_jet=False), None),
        (particle(11, 2, 0.2, 0, in_jet=False), None),
        (particle(11, 2, 0.3, -0.35), 4),
        (particle(130, 31, 0.4, 0, in_jet=False), 5),
    ],
)
def test_what_counts_around_a_tau(other, role):
    assert roles(particle(211, 30, 0, 0), other) == [0, role]


def test_candidates_far_from_the_jet_are_left_out():
    """The tau is off the jet's axis, and the track near the tau but 0.8 from the jet."""
    heavy = [particle(130, 29, -0.7, 0.02 * i) for i in range(-2, 3)]
    near = particle(211, 2, 0.3, 0, in_jet=False)
    far = particle(211, 2, 0.12, 0, in_jet=False)
    assert roles(particle(211, 60, 0, 0), *heavy, near, far)[-2:] == [None, 3]


def test_a_strip_belongs_to_the_isolation_with_its_axis():
    """The second photon is beyond the cone, but its strip is not."""
    found = roles(particle(211, 60, 0, 0), particle(22, 9, 0.48, 0), particle(22, 1.1, 0.55, 0))
    assert found == [0, 4, 4]
    assert roles(particle(211, 60, 0, 0), particle(22, 1.1, 0.48, 0), particle(22, 9, 0.55, 0)) == [
        0,
        None,
        None,
    ]


def test_hadrons_come_by_falling_pt():
    products = make_event(
        [particle(211, 8, 0.02, 0.07), particle(-211, 12, 0, 0), particle(211, 10, 0.08, 0)]
    )
    result = HPSTaus().produce({name: products[name] for name in HPSTaus.consumes})
    assert result["HPSTauCand"].candIdx.to_list() == [[1, 2, 0]]
    assert result["HPSTauCand"].role.to_list() == [[0, 0, 0]]
    assert result["HPSTau"].leadCandIdx.to_list() == [[1]]
