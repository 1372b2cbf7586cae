"""Values of events and of objects."""

import operator

import awkward as ak
import numpy as np
import pytest

from sonicmini.skim.values import DifferentObjectsError, binary, column, constant, reduce, unary

JETS = column(ak.Array([[1.5, -2.0], [], [4.0]]), "Jet")
MET = column(ak.Array([10.0, 20.0, 30.0]), "MET")


def test_a_value_of_the_event_goes_with_each_object():
    assert binary(operator.add, JETS, MET).data.tolist() == [11.5, 8.0, 34.0]
    assert binary(operator.sub, MET, JETS).data.tolist() == [8.5, 12.0, 26.0]
    assert binary(operator.mul, constant(2), JETS).data.tolist() == [3.0, -4.0, 8.0]


def test_objects_of_other_products_do_not_mix():
    with pytest.raises(DifferentObjectsError, match="Jet and Muon"):
        binary(operator.add, JETS, JETS._replace(owner="Muon"))
    assert binary(operator.add, JETS, JETS).owner == "Jet"


def test_columns_have_one_of_three_types():
    for dtype, expected in (("uint8", "int64"), ("float32", "float64"), ("bool", "bool")):
        assert column(ak.Array(np.zeros(2, dtype=dtype)), "x").data.dtype == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("max", [1.5, -np.inf, 4.0]), ("min", [-2.0, np.inf, 4.0]), ("sum", [-0.5, 0.0, 4.0])],
)
def test_reductions(name, expected):
    assert JETS.counts is not None
    assert reduce(name, JETS.data, JETS.counts).data.tolist() == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("any", [True, False, True]), ("all", [False, True, True]), ("count", [1, 0, 1])],
)
def test_reductions_of_conditions(name, expected):
    positive = unary(lambda x: x > 0, JETS)
    assert positive.is_condition
    assert positive.counts is not None
    assert reduce(name, positive.data, positive.counts).data.tolist() == expected
