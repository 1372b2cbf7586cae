from pathlib import Path

import awkward as ak
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.particlenet.generated import Particle, jets, particles, slow_class
from training.chain import Chain
from training.particlenet.labels import (
    AK4,
    AK8,
    NONE,
    ak4_labels,
    pair_labels,
    qcd_labels,
    resonance_labels,
)

SAMPLES = Path(__file__).parents[3] / "sample_data"
HERE, THERE = (0.1, 0.1), (2.0, 2.0)


def top(b=HERE, first=HERE, second=HERE, codes=(4, -3)):
    """A top with copies of itself and of its W; the places of the three fermions."""
    return [
        (32, -1, 0.0, 0.0),
        (6, 0, 0.0, 0.0),
        (22, 1, 0.0, 0.0),
        (6, 1, 0.0, 0.0),
        (24, 3, 0.0, 0.0),
        (5, 3, *b),
        (24, 4, 0.0, 0.0),
        (codes[0], 6, *first),
        (codes[1], 6, *second),
    ]


def boson(code, flavours, first=HERE, second=HERE):
    return [(code, -1, 0.0, 0.0), (flavours[0], 0, *first), (flavours[1], 0, *second)]


def names(found):
    return [AK8[label] if label != NONE else "" for label in found.label]


def matches(**columns):
    """A product of one event with the given columns."""
    return ak.zip({name: ak.Array([values]) for name, values in columns.items()})


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (top(), "Tbcq"),
        (top(codes=(2, -1)), "Tbqq"),
        (top(second=THERE), "Tbc"),
        (top(first=THERE), "Tbq"),
        (top(b=THERE), "Wcq"),
        (top(b=THERE, codes=(2, -1)), "Wqq"),
        (top(codes=(-11, 12), second=THERE), "Tbel"),
        (top(codes=(14, -13)), "Tbmu"),
        (top(codes=(-15, 16)), "Tbta"),
        (top(first=THERE, second=THERE), ""),
        (top(codes=(-11, 12), first=THERE), ""),
        (top(b=THERE, codes=(-11, 12)), ""),
        (top(b=THERE, first=THERE), ""),
        (boson(24, (4, -5)), "Wcq"),
        (boson(-24, (1, -2)), "Wqq"),
        (boson(23, (5, -5)), "Zbb"),
        (boson(23, (-4, 4)), "Zcc"),
        (boson(23, (3, -3)), "Zqq"),
        (boson(25, (5, -5)), "Hbb"),
        (boson(25, (4, -4)), "Hcc"),
        (boson(25, (1, -1)), ""),
        (boson(23, (11, -11)), ""),
        (boson(24, (4, -3), second=THERE), ""),
    ],
)
def test_class_of_a_jet_with_one_decay(event, expected):
    found = resonance_labels(jets([(0.0, 0.0)]), particles(event))
    assert names(found) == [expected]
    ((one,),) = (ak.to_list(particles(event)),)
    assert slow_class({"eta": 0.0, "phi": 0.0}, one) == expected


def higgs_to_four(last):
    return [
        (25, -1, 0.0, 0.0),
        (24, 0, 0.0, 0.0),
        (-24, 0, 0.0, 0.0),
        (2, 1, *HERE),
        (-1, 1, *HERE),
        (4, 2, *HERE),
        (-3, 2, *last),
    ]


def test_higgs_to_four_quarks_has_all_of_them_inside():
    axis = jets([(0.0, 0.0)])
    assert names(resonance_labels(axis, particles(higgs_to_four(HERE)))) == ["Hqqqq"]
    assert names(resonance_labels(axis, particles(higgs_to_four(THERE)))) == [""]


def test_masses_are_those_of_what_is_wholly_inside():
    axis = jets([(0.0, 0.0)])
    # The mass of a particle is 80 GeV plus its place.
    assert resonance_labels(axis, particles(top())).mass.tolist() == [83]
    assert resonance_labels(axis, particles(top(b=THERE))).mass.tolist() == [86]
    assert resonance_labels(axis, particles(top(first=THERE))).mass.tolist() == [0]
    assert resonance_labels(axis, particles(boson(25, (1, -1)))).mass.tolist() == [80]
    assert resonance_labels(axis, particles(higgs_to_four(HERE))).mass.tolist() == [80]


@pytest.mark.parametrize(("quark", "flavour"), [(5, 5), (4, 4), (3, 1), (1, 1)])
def test_flavour_of_x(quark, flavour):
    axis = jets([(0.0, 0.0)])
    found = resonance_labels(axis, particles(boson(25, (quark, -quark))))
    assert found.flavour.tolist() == [flavour]
    outside = particles(boson(25, (quark, -quark), second=THERE))
    assert resonance_labels(axis, outside).flavour.tolist() == [0]


def test_jet_with_parts_of_two_decays_is_left_out():
    event = [*boson(24, (4, -3)), (23, -1, 0.0, 0.0), (1, 3, *HERE), (-1, 3, *THERE)]
    found = resonance_labels(jets([(0.0, 0.0)]), particles(event))
    assert (names(found), found.mass.tolist(), found.flavour.tolist()) == ([""], [0], [0])


def test_distance_goes_around_the_beam():
    event = boson(23, (5, -5), first=(0.0, 3.1), second=(0.0, -3.1))
    found = resonance_labels(jets([(0.0, 3.1), (0.0, 2.2)]), particles(event))
    assert names(found) == ["Zbb", ""]


def test_each_event_has_its_own_particles_and_some_have_none():
    found = resonance_labels(
        jets([(0.0, 0.0)], [], [(0.0, 0.0), (2.0, 2.0)]),
        particles([], boson(23, (5, -5)), boson(25, (4, -4))),
    )
    assert names(found) == ["", "Hcc", ""]


def test_nothing_at_all():
    found = resonance_labels(jets([]), particles(top()))
    assert len(found.label) == 0
    nothing = particles(top())[:0]
    assert len(resonance_labels(jets([(0.0, 0.0)])[:0], nothing).label) == 0


@given(st.data())
def test_any_event_is_read_as_one_would_read_the_diagram(data):
    place = st.sampled_from([HERE, THERE, (0.5, -0.7), (-0.3, 0.2)])
    quark = st.sampled_from([1, 2, 3, 4, 5, 11, 13, 15])
    event: list[Particle] = []
    for _ in range(data.draw(st.integers(1, 2))):
        kind = data.draw(st.sampled_from([6, 23, 24, 25]))
        start = len(event)
        if kind == 6:
            codes = (data.draw(quark), 12)
            one = top(data.draw(place), data.draw(place), data.draw(place), codes)
        else:
            flavour = data.draw(quark)
            one = boson(kind, (flavour, -flavour), data.draw(place), data.draw(place))
        event += [(code, mother + start if mother >= 0 else -1, *at) for code, mother, *at in one]
    axis = data.draw(st.sampled_from([(0.0, 0.0), (2.0, 2.0), (0.4, -0.2)]))
    found = resonance_labels(jets([axis]), particles(event))
    (read,) = ak.to_list(particles(event))
    assert names(found) == [slow_class({"eta": axis[0], "phi": axis[1]}, read)]


@pytest.mark.slow
def test_simulated_events_are_read_as_one_would_read_the_diagram():
    chain = Chain(["FatJet", "GenPart"])
    compared = 0
    for chunk in chain.chunks(SAMPLES / "zprime_tt.root"):
        fat_jets, generated = chunk.products["FatJet"], chunk.products["GenPart"]
        found = names(resonance_labels(fat_jets, generated))
        events = zip(ak.to_list(fat_jets), ak.to_list(generated), strict=True)
        expected = [slow_class(jet, event) for row, event in events for jet in row]
        assert found == expected
        compared += sum(name != "" for name in expected)
    assert compared > 50


def test_labels_do_not_depend_on_neighbouring_events():
    events = [top(), boson(23, (5, -5)), top(b=THERE), boson(25, (4, -4), second=THERE)]
    axes = [[(0.0, 0.0), (1.5, 1.5)]] * len(events)
    together = resonance_labels(jets(*axes), particles(*events)).label
    alone = [resonance_labels(jets(axes[0]), particles(one)).label for one in events]
    assert np.array_equal(together, np.concatenate(alone))


@pytest.mark.parametrize(
    ("n_b", "n_c", "parton", "generated", "expected"),
    [
        (2, 0, 5, 3, "bb"),
        (1, 2, 5, 3, "b"),
        (1, 0, 0, -1, "b"),
        (0, 2, 4, 0, "cc"),
        (0, 1, 21, 0, "c"),
        (0, 0, -2, 0, "uds"),
        (0, 0, 3, 0, "uds"),
        (0, 0, 21, 0, "g"),
        (0, 0, 0, 0, "undef"),
        (0, 0, 5, 0, "undef"),
        (0, 0, 4, 0, "undef"),
        (0, 0, 1, -1, "pu"),
        (0, 0, 0, -1, "pu"),
    ],
)
def test_classes_of_small_jets(n_b, n_c, parton, generated, expected):
    columns = {"nBHadrons": [n_b], "nCHadrons": [n_c], "partonFlavour": [parton]}
    (label,) = ak4_labels(matches(**columns, genJetIdx=[generated]))
    assert AK4[label] == expected


def test_classes_of_qcd_jets():
    found = qcd_labels(
        matches(
            nBHadrons=[2, 1, 0, 0, 0, 2],
            nCHadrons=[0, 3, 2, 1, 0, 0],
            genJetAK8Idx=[0, 1, 2, 0, 4, -1],
        )
    )
    assert [AK8[label] for label in found[:-1]] == ["QCDbb", "QCDb", "QCDcc", "QCDc", "QCDothers"]
    assert found[-1] == NONE


def test_pairs_without_fermions_have_no_class():
    nothing = np.zeros((1, 4), np.int64)
    assert pair_labels(np.array([24]), nothing, nothing > 0).tolist() == [NONE]
