"""What is refused before any event is read, with its place and a way out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.errors import ConfigError
from sonicmini.skim import compile_selection


def fault_of(expression):
    with pytest.raises(ConfigError) as caught:
        compile_selection(expression)
    return str(caught.value)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("", ["column"]),
        ("MET.pt >", ["column"]),
        ("MET.pt > 3 && run > 1", ["column 13", "and, or, not"]),
        ("MET.pt = 3", ["=="]),
        ("any(Jet.pt > 30", ["never closed"]),
        ("cuont(Jet.pt > 3) > 1", ["column 1: cuont", "did you mean count?"]),
        ("open(Jet.pt) > 1", ["all, any, count, max, min, sum"]),
        ("Jet.pt.max() > 1", ["column 1: Jet.pt.max()"]),
        ("any(Jet.pt > 30, 4)", ["any takes one argument"]),
        ("any() > 0", ["any takes one argument"]),
        ("max(Jet.pt, default=0) > 1", ["max takes one argument"]),
        ("max(*Jet.pt) > 1", ["*Jet.pt", "not part of the language"]),
        ("any(Jet.pt > 30 & abs(Jet.eta) < 2.4)", ["column 14: 30", "(a > 1) & b"]),
        ("MET.pt and run > 2 + 2 and 5", ["column 28: 5"]),
        ("count(Jet.pt > 30)", ["is a number where a condition is needed"]),
        ("count(abs(Jet.pt)) > 1", ["column 7: abs(Jet.pt)", "condition"]),
        ("not count(Jet) ", ["column 5: count(Jet)"]),
        ("MET.pt % 2 == 1", ["operators there are + - * / ** and & |"]),
        ("run in (1, 2)", ["comparisons there are"]),
        ("run is 1", ["comparisons there are"]),
        ("MET.name == 'a'", ["column 13: 'a'", "numbers, True and False"]),
        ("MET.pt > 1j", ["numbers, True and False"]),
        ("Jet.pt[0] > 30", ["column 1: Jet.pt[0]", "not part of the language"]),
        ("[MET.pt > 1]", ["not part of the language"]),
        ("(lambda: MET.pt > 1)()", ["functions there are"]),
        ("any(x > 1 for x in Jet.pt)", ["not part of the language"]),
        ("MET.pt > 1 if MET.good else False", ["not part of the language"]),
        ("(a := MET.pt) > 1", ["not part of the language"]),
        ("__import__('os').system('ls')", ["functions there are"]),
        ("Jet.pt.__class__ == 1", ["PRODUCT.FIELD"]),
        ("MET.pt > 1 # and run > 2", ["column 12", "no comments"]),
        ("1 < 2", ["names no product"]),
        ("run > 1\0", ["selection"]),
        ("not " * 100 + "MET.good", ["nested"]),
        ("(" * 300 + "MET.good" + ")" * 300, ["selection"]),
        ("9" * 5000 + " > run", ["selection"]),
    ],
)
def test_faults_name_the_place(expression, words):
    message = fault_of(expression)
    assert [word for word in words if word not in message] == []


def test_all_faults_at_once():
    lines = fault_of("cuont(Jet.pt) > 1 and run in MET.pt and 'x'").splitlines()
    assert len(lines) == 3
    assert all(line.startswith('selection "cuont') for line in lines)


def test_columns_count_characters():
    assert "column 15: 'é'" in fault_of("Jet.é > 1 and 'é' == 'b'")


def test_a_long_part_is_shortened():
    part = "[" + ", ".join(["MET.pt"] * 50) + "]"
    assert "..." in fault_of(f"any({part})")


@given(st.text(max_size=40))
def test_whatever_is_written_there_is_a_selection_or_a_fault(text):
    try:
        selection = compile_selection(text)
    except ConfigError:
        return
    assert selection.products
