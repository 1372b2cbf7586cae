from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import torch

from sonicmini.event import Ragged
from sonicmini.modules.columns import flat
from sonicmini.modules.networks.particlenet.candidates import candidate_features
from sonicmini.modules.networks.particlenet.jets import AK4_CHS
from sonicmini.modules.networks.particlenet.vertices import vertex_features
from tests.training.particlenet.feature_files import write_files
from training.chain import Chain
from training.particlenet.dataset import MIRRORED, JetDataset, padded, scaled
from training.particlenet.fit import datasets
from training.particlenet.jets import Jets, Rows
from training.particlenet.recipes import RECIPES

AK4, MD = RECIPES["ak4"], RECIPES["ak8_md"]
SAMPLE = Path(__file__).parents[3] / "sample_data" / "ttbar.root"
REVERSED = {"phi", "charge", "pdgId", "dxy", "y", "dTrkPhi", "covDxyDsz", "covXY", "covYZ"}
"""Columns of our products that change their sign in the mirror of the plane of x and z."""


@pytest.fixture(scope="module", params=[AK4, MD], ids=["ak4", "ak8_md"])
def both(request, tmp_path_factory) -> tuple[JetDataset, JetDataset]:
    data = tmp_path_factory.mktemp("data")
    write_files(request.param.family, data)
    return datasets(request.param, data, data / "network")


def test_validation_has_each_jet_once(both):
    _, validation = both
    batches = list(validation.batches(0, 64, 1))
    assert sum(batch.size for batch in batches) == len(validation) == len(validation.jets)
    weights = np.sort(torch.cat([batch.weight for batch in batches]).numpy())
    assert weights == pytest.approx(np.sort(validation.importance), rel=1e-6)


def test_training_has_as_many_jets_as_it_says(both):
    training, _ = both
    sizes = [batch.size for batch in training.batches(0, 64, 1)]
    assert sum(sizes) == len(training)
    assert len(sizes) == -(-len(training) // 64)


def test_epochs_differ_and_are_repeatable(both):
    training, _ = both
    first, again, other = (
        torch.cat([batch.pf_features.sum((1, 2)) for batch in training.batches(epoch, 64, 1)])
        for epoch in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_batch_is_what_a_slow_reading_of_the_file_gives(both):
    training, _ = both
    jets, recipe = training.jets, training.recipe
    chosen = np.array([5, 0, 17, 5])
    batch = training.batch(chosen, training.importance)
    assert batch.label.tolist() == jets.label[chosen].tolist()
    for kind, names in (("pf", recipe.pf), ("sv", recipe.sv)):
        rows: Rows = getattr(jets, kind)
        table = getattr(batch, f"{kind}_features").numpy()
        mask = getattr(batch, f"{kind}_mask").numpy()
        points = getattr(batch, f"{kind}_points").numpy()
        group = training.preprocess.group(f"{kind}_features")
        starts = np.cumsum(rows.counts) - rows.counts
        assert table.shape[2] >= group.min_length
        for place, jet in enumerate(chosen):
            count = rows.counts[jet]
            raw = rows.values[starts[jet] : starts[jet] + count].astype(np.float32)
            expected = np.clip((raw - group.median) * group.norm_factor, group.lower, group.upper)
            assert table[place, :, :count] == pytest.approx(expected.T)
            assert not table[place, :, count:].any()
            assert mask[place, 0].tolist() == [1] * count + [0] * (table.shape[2] - count)
            prefix = "pfcand" if kind == "pf" else "sv"
            for axis, name in enumerate(("etarel", "phirel")):
                column = raw[:, names.index(f"{prefix}_{name}")]
                assert points[place, axis, :count] == pytest.approx(column)


def test_jets_of_a_batch_are_of_about_equal_length(both):
    training, _ = both
    filled = total = 0.0
    for batch in training.batches(0, 32, 1):
        filled += float(batch.pf_mask.sum())
        total += batch.pf_mask.numel()
    # All lengths from 1 to 20 are there, and the least length is 8 or 16.
    at_random = np.maximum(training.jets.pf.counts, 0).mean() / 20
    assert filled / total > at_random + 0.05


def test_networks_of_a_family_see_their_features_only(tmp_path):
    write_files(MD.family, tmp_path)
    all_of_them = Jets.load(RECIPES["ak8"], "test", tmp_path)
    fewer = Jets.load(MD, "test", tmp_path, RECIPES["ak8"].label)
    columns = [RECIPES["ak8"].pf.index(name) for name in MD.pf]
    assert np.array_equal(fewer.pf.values, all_of_them.pf.values[:, columns])
    assert np.array_equal(fewer.label, all_of_them.label)
    assert (Jets.load(MD, "test", tmp_path).label < len(MD.classes)).all()


def test_some_jets_keep_their_rows(tmp_path):
    write_files(AK4.family, tmp_path)
    jets = Jets.load(AK4, "test", tmp_path)
    part = jets.only(np.arange(len(jets)) % 3 == 1)
    assert np.array_equal(part.pf.of(np.array([2])), jets.pf.of(np.array([7])))
    assert np.array_equal(part["pt"], jets["pt"][1::3])
    assert part.of_processes("qcd").sum() + part.of_processes("ttbar").sum() == len(part)
    assert len(jets.sample(10)) == 10
    assert jets.sample(10_000) is jets


def test_missing_jets_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no train jets of ak4"):
        Jets.load(AK4, "train", tmp_path)


def test_padding_by_hand():
    rows = Ragged(np.array([[1, 2], [3, 4], [5, 6]], np.float32), np.array([2, 0, 1]), axis=1)
    assert padded(rows, 1).tolist() == [[[1, 3], [2, 4]], [[0, 0], [0, 0]], [[5, 0], [6, 0]]]
    assert padded(rows, 3).shape == (3, 2, 3)
    nothing = Ragged(np.zeros((0, 2), np.float32), np.zeros(0, np.int64), axis=1)
    assert padded(nothing, 4).shape == (0, 2, 4)


def test_mirrored_jets_are_those_of_mirrored_events():
    (chunk, *_) = Chain(AK4_CHS.consumes).chunks(SAMPLE)
    products = {name: chunk.products[name] for name in AK4_CHS.consumes}
    in_mirror = {}
    for name, array in products.items():
        columns = {field: array[field] for field in array.fields}
        signs = {field: -1 if field in REVERSED - {_unsigned(name)} else 1 for field in columns}
        in_mirror[name] = ak.zip({field: columns[field] * signs[field] for field in columns})
    for features, names, longest in (
        (candidate_features, AK4.pf, 50),
        (vertex_features, AK4.sv, 5),
    ):
        rows, counts = features(products, AK4_CHS, names, max_length=longest)
        expected, same = features(in_mirror, AK4_CHS, names, max_length=longest)
        assert counts.sum() > 50
        assert np.array_equal(counts, same)
        factors = np.where([name in MIRRORED for name in names], -1, 1)
        assert expected == pytest.approx(rows * factors, rel=1e-3, abs=1e-3)
    assert len(flat(products["JetCHS"], "pt")) > 500


def _unsigned(product):
    """Of a secondary vertex ``dxy`` is a distance."""
    return "dxy" if product == "SV" else ""


def test_some_jets_of_a_batch_are_mirrored(both):
    training, _ = both
    chosen = np.arange(30)
    is_mirrored = chosen % 3 == 0
    for group in training.preprocess.groups:
        arguments = (group, training.jets, training.recipe, chosen)
        plain, found = scaled(*arguments).content, scaled(*arguments, is_mirrored).content
        names = [name.removesuffix("_mask") for name in group.features]
        changed = np.repeat(is_mirrored, scaled(*arguments).counts)
        assert np.array_equal(found[~changed], plain[~changed])
        kept = [name not in MIRRORED for name in names]
        assert np.array_equal(found[:, kept], plain[:, kept])
        for place in np.flatnonzero(np.logical_not(kept)):
            if group.median[place] == 0:
                assert np.array_equal(found[changed, place], -plain[changed, place])


def test_validation_is_not_mirrored(both):
    _, validation = both
    first, again = (
        torch.cat([batch.pf_points.sum((1, 2)) for batch in validation.batches(epoch, 64, 1)])
        for epoch in (0, 1)
    )
    assert first.sort().values.tolist() == pytest.approx(again.sort().values.tolist(), abs=1e-5)
