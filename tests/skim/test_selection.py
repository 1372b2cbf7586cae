"""Selections against plain Python, event by event and object by object."""

import operator
import pickle
from typing import Any

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonicmini.errors import ConfigError
from sonicmini.modules.columns import Columns, jagged, offsets_from, single
from sonicmini.skim import compile_selection
from tests.toys import toy_products

EVENTS = [
    {
        "run": 1,
        "MET": {"pt": 60.0, "good": True},
        "Jet": [{"pt": 90.0, "eta": -1.0, "n": 3, "tight": True}],
    },
    {"run": 2, "MET": {"pt": 10.5, "good": False}, "Jet": []},
    {
        "run": 3,
        "MET": {"pt": 30.0, "good": True},
        "Jet": [
            {"pt": 40.0, "eta": 2.5, "n": 0, "tight": False},
            {"pt": 31.0, "eta": -2.0, "n": 7, "tight": True},
        ],
    },
]


def products_of(events):
    """The products of events as a file gives them, whatever is in them."""
    jets = [jet for event in events for jet in event["Jet"]]
    counts = np.array([len(event["Jet"]) for event in events], dtype=np.int64)
    columns: Columns = {
        "pt": np.array([jet["pt"] for jet in jets], dtype=np.float32),
        "eta": np.array([jet["eta"] for jet in jets], dtype=np.float32),
        "n": np.array([jet["n"] for jet in jets], dtype=np.uint8),
        "tight": np.array([jet["tight"] for jet in jets], dtype=np.bool_),
    }
    met = {
        "pt": np.array([event["MET"]["pt"] for event in events], dtype=np.float32),
        "good": np.array([event["MET"]["good"] for event in events], dtype=np.bool_),
    }
    jet = jagged(offsets_from(counts), columns)
    muons = offsets_from(np.full(len(events), 2))
    return {
        "run": ak.Array(np.array([event["run"] for event in events], dtype=np.uint32)),
        "MET": single(met),
        "Jet": jet,
        "JetScore": ak.zip({"b": jet.pt / 128}),
        "Muon": jagged(muons, {"pt": np.arange(muons[-1], dtype=np.float64)}),
    }


def selected(expression, events=EVENTS):
    selection = compile_selection(expression)
    products = products_of(events)
    mask = selection.mask({name: products[name] for name in selection.products})
    assert mask.dtype == np.bool_
    return mask.tolist()


numbers = st.integers(-40, 400).map(lambda quarter: quarter / 4)
jets = st.fixed_dictionaries(
    {"pt": numbers, "eta": numbers, "n": st.integers(0, 255), "tight": st.booleans()}
)
events = st.fixed_dictionaries(
    {
        "run": st.integers(0, 5),
        "MET": st.fixed_dictionaries({"pt": numbers, "good": st.booleans()}),
        "Jet": st.lists(jets, max_size=4),
    }
)
COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
ADD = {"+": operator.add, "-": operator.sub, "*": operator.mul}
LOGIC = {"and": all, "&": all, "or": any, "|": any}
# Each strategy gives the text of an expression, and a function of the event and one of its jets.
plain_number = st.one_of(
    numbers.map(lambda x: (f"({x!r})", lambda _event, _jet: x)),
    st.just(("MET.pt", lambda event, _: event["MET"]["pt"])),
    st.just(("run", lambda event, _: event["run"])),
    st.just(("count(Jet)", lambda event, _: len(event["Jet"]))),
)
jet_field = st.sampled_from(["pt", "eta", "n"])
jet_number = st.one_of(
    plain_number, jet_field.map(lambda name: (f"Jet.{name}", lambda _, jet: jet[name]))
)
plain_truth = st.just(("MET.good", lambda event, _: event["MET"]["good"]))
jet_truth = st.one_of(plain_truth, st.just(("Jet.tight", lambda _, jet: jet["tight"])))


def arithmetic(number):
    """Numbers of numbers."""
    operation = st.tuples(number, st.sampled_from(list(ADD)), number).map(
        lambda p: (
            f"({p[0][0]} {p[1]} {p[2][0]})",
            lambda e, j: ADD[p[1]](p[0][1](e, j), p[2][1](e, j)),
        )
    )
    absolute = number.map(lambda x: (f"abs({x[0]})", lambda e, j: abs(x[1](e, j))))
    negative = number.map(lambda x: (f"(-{x[0]})", lambda e, j: -x[1](e, j)))
    half = number.map(lambda x: (f"({x[0]} / 2)", lambda e, j: x[1](e, j) / 2))
    square = number.map(lambda x: (f"({x[0]} ** 2)", lambda e, j: float(x[1](e, j)) ** 2))
    return st.one_of(number, operation, absolute, negative, half, square)


def conditions(truth, number):
    """Truth values of numbers and truth values."""
    comparison = st.tuples(number, st.sampled_from(list(COMPARE)), number).map(
        lambda p: (
            f"({p[0][0]} {p[1]} {p[2][0]})",
            lambda e, j: COMPARE[p[1]](p[0][1](e, j), p[2][1](e, j)),
        )
    )
    chain = st.tuples(number, number, number).map(
        lambda p: (
            f"({p[0][0]} < {p[1][0]} <= {p[2][0]})",
            lambda e, j: p[0][1](e, j) < p[1][1](e, j) <= p[2][1](e, j),
        )
    )
    simple = st.one_of(truth, comparison, chain)
    negation = st.tuples(st.sampled_from(["not ", "~"]), simple).map(
        lambda p: (f"({p[0]}{p[1][0]})", lambda e, j: not p[1][1](e, j))
    )
    either = st.one_of(simple, negation)
    joined = st.tuples(st.lists(either, min_size=2, max_size=3), st.sampled_from(list(LOGIC))).map(
        lambda p: (
            f"({f' {p[1]} '.join(text for text, _ in p[0])})",
            lambda e, j: LOGIC[p[1]]([f(e, j) for _, f in p[0]]),
        )
    )
    return st.one_of(either, joined)


# What is reduced must have values for jets, and a selection must name a product.
of_jets = {
    "condition": conditions(jet_truth, arithmetic(jet_number)).map(
        lambda x: (f"{x[0]} and Jet.n >= 0", x[1])
    ),
    "number": arithmetic(jet_number).map(lambda x: (f"{x[0]} + 0 * Jet.n", x[1])),
}
REDUCE: dict[str, tuple[str, Any]] = {
    "any": ("condition", any),
    "all": ("condition", all),
    "count": ("condition", lambda values: sum(bool(value) for value in values)),
    "sum": ("number", sum),
    "max": ("number", lambda values: max(values, default=-np.inf)),
    "min": ("number", lambda values: min(values, default=np.inf)),
}


def reductions(*names):
    """One value for each event of those of its jets."""

    def one(name):
        kind, python = REDUCE[name]
        return of_jets[kind].map(
            lambda x: (f"{name}({x[0]})", lambda e, _: python([x[1](e, jet) for jet in e["Jet"]]))
        )

    return st.one_of(*map(one, names))


selections = conditions(
    st.one_of(reductions("any", "all"), plain_truth),
    arithmetic(st.one_of(reductions("count", "sum", "max", "min"), plain_number)),
).map(lambda x: (f"{x[0]} and run >= 0", x[1]))


@settings(max_examples=200)
@given(selection=selections, chunk=st.lists(events, max_size=4))
def test_is_what_python_says(selection, chunk):
    text, python = selection
    assert selected(text, chunk) == [bool(python(event, None)) for event in chunk]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MET.pt > 20", [True, False, True]),
        ("MET.good", [True, False, True]),
        ("not MET.good and run < 3 or run == 3", [False, True, True]),
        ("count(Jet) >= 1", [True, False, True]),
        ("count(Jet.pt > 30 and abs(Jet.eta) < 2.4) == 1", [True, False, True]),
        ("count((Jet.pt > 30) & (abs(Jet.eta) < 2.4)) == 2", [False, False, False]),
        ("any(Jet.pt > MET.pt) & ~any(Jet.n == 0)", [True, False, False]),
        ("all(Jet.tight)", [True, True, False]),
        ("max(Jet.pt) > 35 and min(Jet.pt) < 35", [False, False, True]),
        ("sum(Jet.pt) + MET.pt > 100", [True, False, True]),
        ("sum(Jet.n) == 7", [False, False, True]),
        ("sum(Jet.tight) == 1", [True, False, True]),
        ("2 + 3 * 2 ** 2 / 4 - 1 == run * 4", [True, False, False]),
        ("-run ** 2 < 0 and 10 - 4 - 3 == 3", [True, True, True]),
        ("1 < run <= 2 < 3", [False, True, False]),
        ("any(JetScore.b > 0.5) and any(Jet.tight)", [True, False, False]),
        ("count(Jet.pt / 0 > 1e308) == count(Jet)", [True, True, True]),
        ("run\n  >\n 1", [False, True, True]),
        ("True and run > 1", [False, True, True]),
        ("run < 123456789012345678901234567890", [True, True, True]),
    ],
)
def test_by_hand(expression, expected):
    assert selected(expression) == expected


def test_small_integers_do_not_wrap_around():
    assert selected("any(Jet.n - 5 < 0)") == [True, False, True]
    assert selected("any(Jet.n * 100 == 700)") == [False, False, True]


def test_products_are_named():
    selection = compile_selection("count(Jet.pt > MET.pt) > 0 and run > 1 and count(Muon) > 1")
    assert selection.products == {"Jet", "MET", "run", "Muon"}


def test_travels_between_processes():
    selection = pickle.loads(pickle.dumps(compile_selection("MET.pt > 20")))  # noqa: S301 - ours
    assert selection.mask(products_of(EVENTS)).tolist() == [True, False, True]


def test_on_products_of_the_format():
    products = toy_products(20, 1)
    mask = compile_selection("HLT.IsoMu24 or count(Muon.isGlobal and Muon.pt > 5) > 0").mask(
        products
    )
    expected = [
        products["HLT"].IsoMu24[i]
        or any(muon["isGlobal"] and muon["pt"] > 5 for muon in products["Muon"][i].to_list())
        for i in range(20)
    ]
    assert mask.tolist() == expected
    assert 0 < sum(expected) < 20


def test_no_events():
    assert selected("any(Jet.pt > 20) and max(Jet.pt) > MET.pt", []) == []


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("any(Jet.ptt > 30)", ["column 5: Jet.ptt", "Jet has no ptt", "did you mean pt?"]),
        ("any(jet.pt > 30)", ["no product jet", "did you mean Jet?"]),
        ("Jet.pt > 30", ["one value for each Jet", "any(...)"]),
        ("MET.pt", ["number where a condition"]),
        ("any(Jet.pt)", ["column 5: Jet.pt", "number where a condition"]),
        ("not MET.pt", ["column 5: MET.pt", "number where a condition"]),
        ("MET.good and MET.pt", ["column 14: MET.pt"]),
        ("MET > 3", ["whole product", "MET.pt"]),
        ("any(Jet)", ["column 5: Jet", "whole product"]),
        ("any(MET.good)", ["only one value for each event"]),
        ("count(MET) > 1", ["nothing to count"]),
        ("any(Jet.pt > Muon.pt)", ["column 5", "Jet and Muon are not the same objects"]),
        ("any(Jet.tight and Muon.pt > 2)", ["not the same objects"]),
        ("any(JetScore.b > 0.5 and Jet.tight)", ["JetScore and Jet are not the same objects"]),
    ],
)
def test_faults_of_products_name_the_place(expression, words):
    selection = compile_selection(expression)
    with pytest.raises(ConfigError) as caught:
        selection.mask(products_of(EVENTS))
    assert [word for word in [expression, *words] if word not in str(caught.value)] == []
