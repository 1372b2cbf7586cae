from dataclasses import fields, replace
from typing import Any

import awkward as ak
import numpy as np
import pytest

from sonicmini.modules.networks.deepmet import DeepMET
from sonicmini.resources import bundled
from tests.training.deepmet.synthetic import features
from training.chain import Chain
from training.deepmet.features import Features, extract, feature_file, load, make_features
from training.samples import Sample

FILE = bundled("sample_data") / "ttbar_10.root"


def equal(one: Features, other: Features) -> bool:
    return all(
        np.array_equal(getattr(one, item.name), getattr(other, item.name))
        for item in fields(Features)
    )


@pytest.fixture(scope="module")
def extracted() -> Features:
    return extract(FILE, 35)


def test_are_what_the_module_sends_in_production(extracted):
    wanted = ("PackedPFCand", "GenMET", "RawMET", "RawPuppiMET")
    (chunk,) = Chain(wanted).chunks(FILE)
    sent: Any = DeepMET().acquire(chunk.products)
    np.testing.assert_allclose(extracted.content, sent["input"].content, rtol=1e-3, atol=1e-6)
    np.testing.assert_array_equal(extracted.counts, sent["input"].counts)
    category = extracted.category.astype(int)
    for index, column in enumerate((category // 44, category // 4 % 11, category % 4)):
        np.testing.assert_array_equal(column, sent[f"input_cat{index}"].content[:, 0])
    for name, product in (("gen_met", "GenMET"), ("pf_met", "RawMET"), ("puppi_met", wanted[3])):
        pt, phi = (ak.to_numpy(chunk.products[product][field]) for field in ("pt", "phi"))
        expected = np.stack([pt * np.cos(phi), pt * np.sin(phi)], axis=1)
        np.testing.assert_allclose(getattr(extracted, name), expected, rtol=1e-5, atol=1e-4)
    assert extracted.pileup.tolist() == [35] * 10


def test_events_are_taken_whole_and_in_order():
    whole = features(events=8)
    part = whole.events(np.array([5, 0, 2]))
    starts = np.cumsum(whole.counts) - whole.counts
    rows = [np.arange(starts[i], starts[i] + whole.counts[i]) for i in (5, 0, 2)]
    np.testing.assert_array_equal(part.content, whole.content[np.concatenate(rows)])
    np.testing.assert_array_equal(part.gen_met, whole.gen_met[[5, 0, 2]])
    assert equal(
        Features.concatenate([whole.events(np.arange(3)), whole.events(np.arange(3, 8))]), whole
    )


def test_files_are_read_as_written_and_not_made_again(tmp_path, capsys):
    sample = Sample("ttbar", 35, 1, "test")
    file = feature_file(sample, tmp_path)
    file.parent.mkdir(parents=True)
    kept = replace(features(), pf_met=features(seed=2).pf_met)
    kept.save(file)
    make_features([sample], tmp_path, 1)  # there is no file of events to make them from
    assert "1 of 1 files are there" in capsys.readouterr().out
    assert equal(load([sample, sample], tmp_path), Features.concatenate([kept, kept]))
    assert [path.name for path in file.parent.iterdir()] == [file.name]
