import json
from dataclasses import replace

import numpy as np
import pytest
import uproot

from sonicmini.errors import ConfigError
from sonicmini.validation.quantities import QUANTITIES
from sonicmini.validation.reference import Entry, Reference
from sonicmini.validation.run import ValidationOptions, find_reference, validate_and_print
from sonicmini.validation.sums import Sums
from tests.outputs import read_events, run_sample


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    path = tmp_path_factory.mktemp("validation") / "out.root"
    run_sample(path)
    return path


@pytest.fixture(scope="module")
def own_reference(output):
    path = output.with_name("own.json.gz")
    assert validate_and_print(str(output), ValidationOptions(save=path))
    return path


def test_names_differ():
    assert len({quantity.name for quantity in QUANTITIES}) == len(QUANTITIES)


@pytest.mark.parametrize("name", ["ttbar", "ztautau", "zprime_tt"])
def test_bundled_references_have_every_quantity_in_its_bins(name):
    entries = Reference.load(find_reference(name)).entries
    expected = {one.name: getattr(one, "edges", ()) for one in QUANTITIES}
    assert {name: entry.edges for name, entry in entries.items()} == expected


def test_a_reference_with_other_bins_is_no_agreement(output, own_reference, tmp_path, capsys):
    reference = Reference.load(own_reference)
    entry = reference.entries["Jet_pt"]
    other = replace(entry, edges=(0.0, *entry.edges[1:]))
    path = tmp_path / "bins.json.gz"
    Reference(reference.made, {**reference.entries, "Jet_pt": other}).save(path)
    assert not validate_and_print(str(output), ValidationOptions(reference=str(path), as_json=True))
    found = json.loads(capsys.readouterr().out)["quantities"]["Jet_pt"]
    assert (found["status"], found["reason"]) == ("not measured", "other bins")


def test_an_output_agrees_with_itself(output, own_reference, capsys):
    options = ValidationOptions(reference=str(own_reference), as_json=True)
    assert validate_and_print(str(output), options)
    found = json.loads(capsys.readouterr().out)
    assert found["agrees"]
    assert found["reference"]["events"] == 10
    assert found["quantities"]["PFCand_pt"]["deviation"]["probability"] == 1.0
    assert found["quantities"]["PFCand_pt"]["file"]["value"] > 500


def test_a_reference_of_other_physics_is_noticed(output, own_reference, tmp_path, capsys):
    reference = Reference.load(own_reference)
    sums = reference.entries["RawMET_meanSquare"].sums
    exact = np.array([10.0, 1.0]) * sums.mean
    shifted = Entry((), Sums.of(np.stack([exact] * 10)))
    other = Reference(reference.made, {**reference.entries, "RawMET_meanSquare": shifted})
    other.save(tmp_path / "other.json.gz")
    options = ValidationOptions(reference=str(tmp_path / "other.json.gz"))
    assert not validate_and_print(str(output), options)
    printed = capsys.readouterr().out
    assert printed.count("deviates") == 2, printed  # its row, and the sum


def test_what_the_file_has_not_is_no_agreement(output, own_reference, tmp_path, capsys):
    kept = {name: values for name, values in read_events(output).items() if name.endswith("MET_pt")}
    with uproot.recreate(tmp_path / "smaller.root") as file:
        file.mktree("Events", kept)
    options = ValidationOptions(reference=str(own_reference))
    assert not validate_and_print(str(tmp_path / "smaller.root"), options)
    printed = capsys.readouterr().out
    assert "no PFCand_pt" in printed
    assert "not measured" in printed


def test_pictures(output, own_reference, tmp_path):
    options = ValidationOptions(reference=str(own_reference), pictures=tmp_path / "pictures")
    validate_and_print(str(output), options)
    drawn = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert {"PFCand.png", "Jet.png"} <= drawn


@pytest.mark.parametrize("content", [None, b"", b"\x1f\x8b", b"{}"])
def test_what_is_no_reference_is_told(output, tmp_path, content):
    path = tmp_path / "bad.json.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"reference .*bad\.json\.gz: "):
        validate_and_print(str(output), ValidationOptions(reference=str(path)))


def test_unknown_names_are_told(output):
    with pytest.raises(ConfigError, match="no bundled reference"):
        validate_and_print(str(output), ValidationOptions(reference="ttbarr"))
