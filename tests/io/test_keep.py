"""Statements about a table of a few collections, and once about that of the output."""

import dataclasses

import pytest

from sonicmini.errors import ConfigError
from sonicmini.io.keep import EVERYTHING, Statement, available, written
from sonicmini.io.miniaod import MINIAOD
from sonicmini.io.schema import AOD, MUON, Branch, Collection
from tests.outputs import run_sample

MADE = {"SlimmedPV", "PackedPFCand", "Jet", "JetPFCand", "PuppiWeight", "Ht"}


def collection(product, prefix, *branches):
    columns = tuple(Branch(name, "float32", "", "") for name in branches)
    return Collection(product, "", "jagged", columns, prefix)


PARAMETERS = ("pt", "eta", "covQopQop", "covLamLam", "covPhiPhi", "covPhiDxy", "covLamDsz")
TABLE = {
    one.product: one
    for one in (
        AOD["run"],
        AOD["event"],
        collection("SlimmedPV", "PV", "x", "y"),
        collection("PackedPFCand", "PFCand", *PARAMETERS, "covarianceSchema"),
        collection("Jet", "Jet", "pt", "phi"),
        collection("JetPFCand", "JetPFCand", "jetIdx", "pfCandIdx"),
        collection("MET", "MET", "pt"),
        AOD["Muon"],
        dataclasses.replace(MUON, product="SlimmedMuon", prefix="Muon"),
        collection("MuonMatch", "Muon", "genPartIdx"),
        AOD["GenPart"],
    )
}


def names(content):
    """Branches by product, in the order of the file."""
    return {
        product: [table.branch_name(branch) for branch in table.branches] if table else None
        for product, table in content.items()
    }


def kept(*statements, made=frozenset(MADE)):
    return names(written(statements, made, TABLE))


ALL = kept("*")


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("Jet", Statement(keeps=True, pattern="Jet")),
        ("  keep   Jet_*", Statement(keeps=True, pattern="Jet_*")),
        ("drop *", Statement(keeps=False, pattern="*")),
        ("dropped", Statement(keeps=True, pattern="dropped")),
    ],
)
def test_statements(text, statement):
    assert Statement.parse(text) == statement


@pytest.mark.parametrize("text", ["", "keep", "drop", "remove Jet", "keep Jet Muon", "Jet PV"])
def test_what_is_no_statement(text):
    with pytest.raises(ValueError, match="expected keep PATTERN, drop PATTERN or PATTERN"):
        Statement.parse(text)


def test_everything_is_what_the_table_has_and_the_job_can_give():
    assert list(ALL) == [name for name in TABLE if name in MADE | AOD.keys()]
    assert all(ALL[product] == names({"": TABLE[product]})[""] for product in ALL)


def test_the_table_of_the_output_can_be_written_whole():
    made = MINIAOD.keys() - AOD.keys()
    content = names(written(EVERYTHING, made))
    branches = [name for found in content.values() for name in found or ()]
    assert made <= content.keys()
    assert len(branches) == len(set(branches))
    assert content.keys() == available(made).keys()


def test_names_of_products_prefixes_and_branches():
    pfcand = ALL["PackedPFCand"]
    assert kept("PackedPFCand") == kept("PFCand") == kept("PFCand_*") == {"PackedPFCand": pfcand}
    assert kept("keep PFCand_pt") == {"PackedPFCand": ["PFCand_pt"]}
    found = kept("PFCand_cov[QL]*", "Jet?FCand")
    assert found["PackedPFCand"] == ["PFCand_covQopQop", "PFCand_covLamLam", "PFCand_covLamDsz"]
    assert found["JetPFCand"] == ALL["JetPFCand"]
    assert kept("event") == {"event": ["event"]}


def test_the_last_statement_that_matches_decides():
    assert kept("*", "drop *", "Jet") == kept("Jet")
    assert kept("Jet", "drop Jet_*", "Jet_pt") == {"Jet": ["Jet_pt"]}
    assert kept("Jet", "drop Jet") == {}
    less = kept("*", "drop PFCand_cov*", "keep PFCand_covPhi*")
    assert less.keys() == ALL.keys()
    gone = {name for name in ALL["PackedPFCand"] if name.startswith("PFCand_cov")}
    gone -= {"PFCand_covPhiPhi", "PFCand_covPhiDxy"}
    assert set(ALL["PackedPFCand"]) - set(less["PackedPFCand"]) == gone


def test_a_drop_in_front_takes_away_from_everything():
    assert kept("drop GenPart_v*") == kept("*", "drop GenPart_v*") != ALL


def test_products_come_in_the_order_in_which_they_are_kept():
    assert list(kept("Muon", "Jet", "Muon")) == ["Muon", "Jet"]


def test_products_that_the_table_has_not_are_kept_by_name():
    assert kept("Ht", "Jet*") == kept("Jet*") | {"Ht": None}
    assert kept("Ht", "drop Ht", "Jet") == kept("Jet")
    track = kept("Track", "drop Track_cov*")["Track"]
    assert track == [name for name in names({"": AOD["Track"]})[""] if "cov" not in name]
    raw = kept("PFCand", made=frozenset())
    assert raw == names({"PFCand": AOD["PFCand"]})


def test_a_made_collection_replaces_that_of_the_input():
    muons = names({"": MUON})[""]
    made = frozenset({"SlimmedMuon", "MuonMatch"})
    assert kept("Muon", made=made) == {"SlimmedMuon": muons, "MuonMatch": ["Muon_genPartIdx"]}
    assert kept("Muon", "drop Muon_gen*", made=made) == {"SlimmedMuon": muons}
    assert "Muon" not in kept("*", made=made)
    assert set(kept("Muon_pt", made=frozenset())) == {"Muon"}


def test_all_statements_that_match_nothing_are_told():
    with pytest.raises(ConfigError) as raised:
        written(["Jett", "Jet", "drop PFCand_covDxx*", "ME*"], MADE, TABLE)
    first, second, third = str(raised.value).splitlines()
    assert first == "nothing that is made or read matches 'Jett'; did you mean Jet?"
    assert second.startswith("nothing that is made or read matches 'drop PFCand_covDxx*'; did you")
    assert third == "no module makes MET, which 'ME*' means"


def test_no_statement_keeps_nothing():
    assert kept() == {}


def test_a_run_writes_what_is_kept_and_records_the_statements(tmp_path):
    statements = ["*", "drop PFCand_cov*", "drop Jet*", "Jet_pt"]
    quoted = ", ".join(f"'{one}'" for one in statements)
    events, _, provenance = run_sample(tmp_path / "a.root", f"output.keep=[{quoted}]")
    assert provenance["config"]["output"]["keep"] == statements
    assert {"run", "luminosityBlock", "event", "nPFCand", "PFCand_pt", "nJet"} <= events.keys()
    assert not [name for name in events if name.startswith(("PFCand_cov", "nJetP", "JetPFCand"))]
    assert [name for name in events if name.startswith("Jet_")] == ["Jet_pt"]
