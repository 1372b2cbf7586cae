import io
from dataclasses import replace

import pytest
from rich.console import Console

from sonicmini.inspect_view import render_summary
from sonicmini.io.inspect import BranchSummary, CollectionSummary, FileSummary

PT = BranchSummary("Jet_pt", "float[]", "[bold]pt (GeV)", 3000, 6000)
COUNT = BranchSummary("nJet", "int32_t", "jets", 1000, 1000)
JET = CollectionSummary("Jet", "jets", (COUNT, PT))
RUN = CollectionSummary("run", "", (BranchSummary("run", "uint32_t", "", 0, 0),))
PROVENANCE = {
    "config": {"options": {"streams": 4, "keep": ["Jet", "PV"]}, "level": None},
    "inputs": [{"file": "a.root", "start": 0}],
    "seed": 12,
}


SUMMARY = FileSummary(
    path="out.root",
    bytes=2_500_000,
    events=10,
    collections=(JET, RUN),
    format_name="miniaod",
    format_version=1,
    provenance=PROVENANCE,
)


def shown(summary):
    text = io.StringIO()
    Console(file=text, width=120).print(render_summary(summary))
    return [" ".join(line.split()) for line in text.getvalue().splitlines()]


def test_shows_events_sizes_branches_and_provenance():
    lines = shown(SUMMARY)
    assert lines[0] == "out.root: 10 events, 2.50 MB, miniaod version 1"
    assert "Jet 2 0.400 0.700 1.8 100.0% jets" in lines
    assert "Jet_pt float[] 0.300 0.600 2.0 [bold]pt (GeV)" in lines
    assert "run uint32_t - - -" in lines
    assert "└── level: null" in lines
    assert '└── {"file": "a.root", "start": 0}' in lines
    assert "└── 12" in lines


@pytest.mark.parametrize("events", [0, 1])
def test_files_without_anything(events):
    bare = replace(
        SUMMARY, bytes=None, events=events, collections=(), format_name=None, provenance={}
    )
    lines = shown(bare)
    assert lines[0] == f"out.root: {events} events, format not stated"
    assert "Provenance" not in lines
