import numpy as np
import pytest
import torch

from sonicmini.event import Ragged
from tests.training.particlenet.feature_files import write_files
from training.particlenet.dataset import JetDataset, padded
from training.particlenet.fit import datasets
from training.particlenet.jets import Jets, Rows
from training.particlenet.recipes import RECIPES

AK4, MD = RECIPES["ak4"], RECIPES["ak8_md"]


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
