import shutil
from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from sonicmini.event import Ragged
from sonicmini.modules.columns import flat
from sonicmini.modules.networks.particlenet.candidates import candidate_features
from sonicmini.modules.networks.particlenet.inputs import Inputs
from sonicmini.modules.networks.particlenet.jets import AK4_CHS, AK4_PUPPI
from tests.training.particlenet.generated import jets as fat_jets
from tests.training.particlenet.generated import particles
from training.chain import Chain
from training.particlenet.dataset import scaled
from training.particlenet.extraction import compact, extract, feature_file, make_features
from training.particlenet.jets import Jets
from training.particlenet.labels import AK8, AK8_MD
from training.particlenet.recipes import FAMILIES, LARGE, PF, RECIPES, SMALL
from training.particlenet.scaling import write_preprocess
from training.particlenet.truth import SUBSTRUCTURE, large_truth
from training.samples import Sample

SAMPLES = Path(__file__).parents[3] / "sample_data"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, Sample]:
    """Ten events of top pairs in place of a file of the training, and their jets."""
    data = tmp_path_factory.mktemp("data")
    sample = next(one for one in SMALL.samples("train") if one.process == "ttbar")
    (data / "aod").mkdir()
    shutil.copyfile(SAMPLES / "ttbar_10.root", sample.file(data))
    make_features(SMALL.samples("train"), data, workers=1)
    return data, sample


def columns_of(made, family):
    data, sample = made
    with np.load(feature_file(family, sample, data)) as arrays:
        return {name: arrays[name] for name in arrays.files}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_file_is_whole(made, family):
    columns = columns_of(made, family)
    count = len(columns["label"])
    assert count > 0 or family is LARGE  # ten events have no whole decay in a large jet
    for kind, names in (("pf", family.pf), ("sv", family.sv)):
        rows = columns.pop(kind)
        assert rows.dtype == np.float16
        assert rows.shape == (columns[f"{kind}_counts"].sum(), len(names))
        assert np.isfinite(rows).all()
    assert all(len(values) == count for values in columns.values())
    assert (columns["pt"] > family.min_pt).all()
    assert (np.abs(columns["eta"]) < family.max_eta).all()
    assert (columns["pf_counts"] > 0).all()


def test_events_are_counted_from_the_seed(made):
    _, sample = made
    columns = columns_of(made, SMALL)
    assert set(columns["event"] - 1000 * sample.seed) <= set(range(10))
    assert (columns["pileup"] == sample.pileup).all()


def test_jets_are_those_of_the_production_with_its_features(made):
    data, sample = made
    columns = columns_of(made, SMALL)
    names = {name for kind in (AK4_CHS, AK4_PUPPI) for name in kind.consumes}
    (chunk,) = Chain(names).chunks(sample.file(data))
    for kind, chs in ((AK4_CHS, 1), (AK4_PUPPI, 0)):
        jets = chunk.products[kind.jets]
        seen = (flat(jets, "pt") > 15) & (np.abs(flat(jets, "eta")) < 2.5)
        mine = columns["chs"] == chs
        assert columns["pt"][mine] == pytest.approx(flat(jets, "pt")[seen])
        raw, counts = candidate_features(chunk.products, kind, PF, max_length=50)
        rows = compact(raw[np.repeat(seen, counts)])
        assert np.array_equal(columns["pf"][np.repeat(mine, columns["pf_counts"])], rows)


def test_what_is_there_is_not_made_again(made, capsys):
    data, sample = made
    before = feature_file(SMALL, sample, data).stat().st_mtime_ns
    make_features(SMALL.samples("train"), data, workers=1)
    assert feature_file(SMALL, sample, data).stat().st_mtime_ns == before
    assert "events/s" not in capsys.readouterr().out
    assert len(list((data / "features" / "ak4").iterdir())) == 1


def test_large_jets_of_light_quark_events_have_qcd_classes(made):
    data, sample = made
    other = Sample("qcd_boosted", sample.pileup, sample.seed, sample.split)
    other.file(data).symlink_to(sample.file(data))
    try:
        columns = extract(other, [LARGE], data)["ak8"]
    finally:
        other.file(data).unlink()
    names = [AK8[label] for label in columns["label"]]
    assert names
    assert all(name.startswith("QCD") for name in names)
    assert [AK8_MD[label] for label in columns["label_md"]] == names
    assert ((columns["label_mass"] == 0) == (columns["target"] > 1)).all()


def one_event(columns):
    return ak.zip({name: ak.Array([values]) for name, values in columns.items()})


def test_true_mass_of_qcd_jets_is_that_of_both_subjets():
    subjets = {"pt": [60.0, 40.0, 30.0], "eta": [0.0] * 3, "phi": [0.0, 0.5, 0.0]}
    inputs = {
        "FatJetGenMatch": one_event(
            {"genJetAK8Idx": [1, -1, 0], "nBHadrons": [0, 0, 0], "nCHadrons": [0, 1, 1]}
        ),
        "GenJetAK8": one_event({"pt": [30.0, 100.0]}),
        "SubGenJetAK8": one_event(subjets | {"mass": [0.0, 0.0, 0.5], "genJetAK8Idx": [1, 1, 0]}),
        "FatJetSubstructure": one_event({name: [1.0] * 3 for name in SUBSTRUCTURE}),
    }
    found = large_truth(inputs, "qcd_boosted")
    expected = np.sqrt(2 * 60 * 40 * (1 - np.cos(0.5)))
    assert found["target"] == pytest.approx([expected, 0, 0.5], rel=1e-5)
    assert found["label_mass"].tolist() == [0, -1, -1]
    assert found["label"].tolist() == [AK8.index("QCDothers"), -1, AK8.index("QCDc")]
    assert found["label_md"].tolist() == [AK8_MD.index("QCDothers"), -1, AK8_MD.index("QCDc")]


def test_mixed_masses_are_x_and_nothing_else():
    higgs = [(25, -1, 0.0, 0.0), (4, 0, 0.1, 0.0), (-4, 0, -0.1, 0.0)]
    inputs = {
        "FatJet": fat_jets([(0.0, 0.0)]),
        "GenPart": particles(higgs),
        "FatJetSubstructure": one_event({name: [1.0] for name in SUBSTRUCTURE}),
    }
    mixed, fixed = (
        large_truth(inputs, name) for name in ("graviton_xx_m800", "graviton_hcc_m1000")
    )
    assert (mixed["label"].tolist(), fixed["label"].tolist()) == ([-1], [AK8.index("Hcc")])
    assert (mixed["label_md"].tolist(), fixed["label_md"].tolist()) == ([1], [-1])
    assert mixed["target"].tolist() == fixed["target"].tolist() == [80]


def test_features_beyond_sixteen_bits():
    values = np.array([[np.inf, np.nan, -1e6, 1.5]], np.float32)
    assert compact(values).tolist() == [[0, 0, -65504, 1.5]]


def test_training_sees_what_production_sends(made, tmp_path):
    data, sample = made
    recipe = RECIPES["ak4"]
    jets = Jets.load(recipe, "train", data)
    preprocess = write_preprocess(recipe, {"pf": jets.pf.values, "sv": jets.sv.values}, tmp_path)
    (chunk,) = Chain(AK4_CHS.consumes).chunks(sample.file(data))
    of_event = chunk.products["JetCHS"]
    wanted = (flat(of_event, "pt") > 15) & (np.abs(flat(of_event, "eta")) < 2.5)
    sent = Inputs.of(preprocess).tensors(chunk.products, AK4_CHS, wanted)
    for group in preprocess.groups:
        found = scaled(group, jets, recipe, np.flatnonzero(jets["chs"] == 1))
        expected = sent[group.name]
        assert isinstance(expected, Ragged)
        assert np.array_equal(found.counts, expected.counts)
        # Features are kept in sixteen bits: half a part in a thousand, before scaling.
        mine, theirs = (np.asarray(x.content, np.float32) for x in (found, expected))
        scale = np.abs(theirs) + np.abs(group.median * group.norm_factor)
        assert (np.abs(mine - theirs) <= 6e-4 * scale + 1e-4).all()
