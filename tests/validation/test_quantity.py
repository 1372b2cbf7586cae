import awkward as ak
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.validation.builders import found, mean, response, selected
from sonicmini.validation.quantity import Distribution, Quotient, binned
from sonicmini.validation.statistics import ratio

EVENTS = st.lists(st.lists(st.floats(-5, 5, width=32), max_size=6), min_size=1, max_size=8)
EDGES = (-2.0, 0.0, 1.0, 3.0)


@given(EVENTS)
def test_bins_are_numpys_event_by_event(events):
    found_bins = binned(ak.values_astype(ak.Array([*events, [0.0]]), np.float64)[:-1], EDGES)
    for row, values in zip(found_bins, events, strict=True):
        expected = np.histogram(values, [-np.inf, *EDGES, np.inf])[0]
        assert row.tolist() == expected.tolist()


def test_one_number_an_event():
    assert binned(ak.Array([0.5, 9.0]), EDGES).tolist() == [[0, 0, 1, 0, 0], [0, 0, 0, 0, 1]]


def test_a_distribution_adds_up_events():
    quantity = Distribution("x", "", EDGES, ("a", "b"), lambda a, b: a[b > 0])
    sums = quantity.measure([ak.Array([[0.5, 2.0], [0.5]]), ak.Array([[1, 0], [1]])])
    assert sums.first.tolist() == [0, 0, 2, 0, 0]
    assert sums.events == 2


def test_a_quotient_of_flags_is_an_efficiency():
    quantity = Quotient("x", "", ("a",), lambda a: (a > 1, a > 0))
    assert ratio(quantity.measure([ak.Array([[1, 2], [3, 4, 0]])])).value == 3 / 4


def test_prompt_particles_that_are_found():
    columns = ([[30.0, 25.0, 50.0]], [[0.1, 0.2, 3.0]], [[13, -13, 13]], [[1, 1, 1]], [[1, 1, 1]])
    arrays = [ak.Array(column) for column in columns]
    assert ratio(found("Muon", 13).measure([*arrays, ak.Array([[1, -1]])])).value == 0.5


def test_response_of_matched_jets():
    quantity = response("Jet", "GenJet", 30.0, 60.0)
    assert quantity.branches == ("Jet_pt", "Jet_genJetIdx", "GenJet_pt")
    arrays = [[[44.0, 33.0, 99.0]], [[1, -1, 0]], [[100.0, 40.0]]]
    assert ratio(quantity.measure([ak.Array(array) for array in arrays])).value == 1.1


def test_means_of_events():
    quantity = mean("x", "", ("a",), lambda a: a**2)
    assert ratio(quantity.measure([ak.Array([1.0, 3.0])])).value == 5.0


def test_jets_of_a_flavour_that_are_selected():
    quantity = selected("Jet_tag", 0.5, "flavour", 5, 30.0)
    assert quantity.branches == ("Jet_tag", "Jet_flavour", "Jet_pt", "Jet_eta")
    tags, flavours = [[0.9, 0.5, 0.4], [0.9, 0.9, 0.9]], [[5, 5, 5], [0, 5, 5]]
    pts, etas = [[40.0, 40.0, 40.0], [40.0, 20.0, 40.0]], [[0.0, -1.0, 2.3], [0.0, 0.0, 2.5]]
    arrays = [ak.Array(array) for array in (tags, flavours, pts, etas)]
    assert ratio(quantity.measure(arrays)).value == 2 / 3
