import io
from dataclasses import replace

import pytest
from rich.console import Console

from sonicmini.inspect_view import render_summary
from sonicmini.io.event_tree import BranchSummary
from sonicmini.io.inspect import CollectionSummary, FileSummary

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
    kind="TTree",
    collections=(JET, RUN),
    format_name="miniaod",
    format_version=1,
    provenance=PROVENANCE,
)


def shown(summary, width=120):
    text = io.StringIO()
    Console(file=text, width=width).print(render_summary(summary))
    return [" ".join(line.split()) for line in text.getvalue().splitlines()]


def test_shows_events_sizes_branches_and_provenance():
    lines = shown(SUMMARY)
    assert lines[0] == "out.root: 10 events, 2.50 MB as TTree, miniaod version 1"
    assert "Jet 0.400 100.0% 0.700 1.8 2 jets" in lines
    assert "Jet_pt 0.300 75.0% 0.600 2.0 float[] [bold]pt (GeV)" in lines
    assert "run - - - - uint32_t" in lines
    assert "└── level: null" in lines
    assert '└── {"file": "a.root", "start": 0}' in lines
    assert "└── 12" in lines


@pytest.mark.parametrize("width", [80, 100])
def test_sizes_are_never_cut_for_the_sake_of_titles(width):
    pt = replace(PT, name="PFCand_isIsolatedChargedHadron", title="a long title " * 9)
    jet = replace(JET, title="candidates in an order " * 9, branches=(COUNT, pt))
    lines = shown(replace(SUMMARY, collections=(jet, RUN)), width)
    assert max(map(len, lines)) <= width
    assert any(line.startswith("Jet 0.400 100.0% 0.700 1.8 2 candidates") for line in lines)
    first = "PFCand_isIsolatedChargedHadron 0.300 75.0% 0.600 2.0 float[]"
    assert any(line.startswith(first) for line in lines)
    assert lines[4].endswith("…")


@pytest.mark.parametrize("events", [0, 1])
def test_files_without_anything(events):
    bare = replace(
        SUMMARY, bytes=None, events=events, collections=(), format_name=None, provenance={}
    )
    lines = shown(bare)
    assert lines[0] == f"out.root: {events} events as TTree, format not stated"
    assert "Provenance" not in lines
