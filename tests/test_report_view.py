"""What the terminal shows of a report."""

import io
import re

from rich.console import Console

from sonicmini.report import Phase, Report
from sonicmini.report_view import render


def shown(phases):
    text = io.StringIO()
    Console(width=120, file=text).print(render(Report(events=10, phases=phases)))
    return text.getvalue()


def test_a_short_table_has_every_phase():
    phases = {(f"m{i}", "produce"): Phase(1, 1.0, 1.0, float(i), 0.0) for i in range(25)}
    text = shown(phases)
    assert all(re.search(rf"^m{i} ", text, re.MULTILINE) for i in range(25))
    assert "others" not in text


def test_a_long_table_has_what_counts_and_the_sum_of_the_rest():
    phases = {(f"m{i}", "produce"): Phase(1, 0.1, 0.1, 0.1, 0.0) for i in range(30)}
    phases |= {("big", "produce"): Phase(1, 90.0, 90.0, 90.0, 0.0)}
    phases |= {("net", name): Phase(1, 0.2, 0.2, 0.2, 0.0) for name in ("acquire", "infer")}
    lines = shown(phases).splitlines()
    rows = {line.split("  ")[0].strip(): line.split() for line in lines if "%" in line}
    assert set(rows) == {"big", "net", "30 others", "all"}
    assert sum(line.startswith("net ") for line in lines) == 2
    assert rows["30 others"][2] == "300.000"  # milliseconds of CPU an event
    assert rows["all"][1] == "9340.000"
