import io

from rich.console import Console

from sonicmini.compare.timing import compare_reports
from sonicmini.compare.timing_view import render_timing
from tests.compare.test_timing import report


def shown(timing, width=100):
    text = io.StringIO()
    Console(file=text, width=width).print(render_timing(timing))
    return [" ".join(line.split()) for line in text.getvalue().splitlines()]


PHASES = [("source", "read"), ("tagger", "infer"), ("tagger", "produce")]


def test_phases_networks_and_totals_side_by_side():
    a = [report(10, 2, PHASES), report(20, 2, PHASES)]
    b = [report(10, 4, PHASES[:2], "[1]"), report(10, 4, PHASES[:2], "[1]")]
    lines = shown(compare_reports(a, b))
    assert "source 20.00 40.00 2.00 30.00 30.00 20.00 20.00" in lines
    assert "tagger infer 20.00 40.00 2.00 30.00 30.00 20.00 20.00" in lines
    assert "tagger produce 20.00 - - 30.00 - 20.00 -" in lines
    assert "all 60.00 80.00 1.33 90.00 60.00 60.00 40.00" in lines
    assert any(line.startswith("A tagger local 4 1 ") for line in lines)
    assert any(line.startswith("B tagger [1] 4 1 ") for line in lines)
    assert "100 events, medians and ranges of 2 runs of each, in turns" in lines
    assert "events/s 15.0 (10.0-20.0) 10.0 0.75 (0.50-1.00)" in lines
    assert "peak memory MB 500 500 1.00" in lines
    assert "answers awaited, ms 0.00 40.00 -" in lines
    assert "share of it hidden 0.00 0.75 -" in lines


def test_a_terminal_of_80_columns_is_enough():
    label = "primaryVertexAssociation"
    timing = compare_reports([report(phases=[(label, "produce")])], [report()])
    assert any(line.startswith(f"{label} 20.00 - -") for line in shown(timing, width=80))


def test_nothing_is_divided_by_zero():
    none = report()
    none.update(events=0, events_per_s=0.0, networks=[])
    lines = shown(compare_reports([none], [none]))
    assert "events/s 0.0 0.0 0.00" in lines
    assert "Networks" not in lines
    assert not any("awaited, ms" in line for line in lines)


def test_many_small_modules_share_a_row():
    many = [(f"m{i}", "produce") for i in range(120)]
    timing = compare_reports([report(phases=[*many, ("tagger", "infer")])], [report(phases=many)])
    lines = shown(timing)
    assert not any(line.startswith("m1 ") for line in lines)
    assert any(line.startswith("tagger 20.00 - ") for line in lines)
    assert any(line.startswith("120 others 2400.00 2400.00 1.00 ") for line in lines)
    assert any(line.startswith("all 2420.00 2400.00 ") for line in lines)
