import json

import numpy as np
import pytest

from sonicmini.modules.networks.particlenet.inputs import KNOWN, Inputs
from sonicmini.modules.networks.particlenet.preprocess import Preprocess
from training.particlenet.recipes import PF, RECIPES, SV
from training.particlenet.scaling import scales, write_preprocess


def random_rows(names, count=4_000):
    rng = np.random.default_rng(3)
    rows = (3 + 2 * rng.normal(size=(count, len(names)))).astype(np.float16)
    if "pfcand_quality" in names:
        rows[:, names.index("pfcand_quality")] = np.where(np.arange(count) % 2, 5, 0)
    return rows


def test_scaled_features_have_width_one_around_zero():
    rows = random_rows(PF)
    median, norm = scales(PF, rows)["pfcand_pt_log_nopuppi"]
    values = (rows[:, 0].astype(float) - median) * norm
    assert np.median(values) == pytest.approx(0, abs=0.01)
    low, high = np.quantile(values, (0.1587, 0.8413))
    assert (high - low) / 2 == pytest.approx(1, abs=0.01)


def test_what_tracks_alone_have_is_measured_on_them():
    rows = random_rows(PF)
    place = PF.index("pfcand_dz")
    rows[::2, place] = 0  # candidates without a track
    median, _ = scales(PF, rows)["pfcand_dz"]
    assert median == pytest.approx(3, abs=0.15)


def test_constant_features_do_not_divide_by_zero():
    rows = random_rows(PF)
    assert scales(PF, rows)["pfcand_quality"] == (5, 0.2)
    rows[:, PF.index("pfcand_VTX_ass")] = 0
    assert scales(PF, rows)["pfcand_VTX_ass"] == (0, 1)


@pytest.mark.parametrize("name", ["pfcand_etarel", "pfcand_charge", "pfcand_btagPParRatio"])
def test_some_features_are_left_as_they_are(name):
    assert scales(PF, random_rows(PF))[name] == (0, 1)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.network)
def test_production_reads_what_is_written(recipe, tmp_path):
    rows = {"pf": random_rows(recipe.pf), "sv": random_rows(SV)}
    written = write_preprocess(recipe, rows, tmp_path)
    read = Preprocess.read(tmp_path, KNOWN)
    assert read.labels == written.labels
    assert [group.name for group in read.groups] == [
        *("pf_points", "pf_features", "pf_mask"),
        *("sv_points", "sv_features", "sv_mask"),
    ]
    assert read.group("pf_features").features == recipe.pf
    assert len(Inputs.of(read).parts) == 2
    if not recipe.is_regression:
        assert [label.removeprefix("label_") for label in read.labels] == list(recipe.classes)


def test_format_is_that_of_cms(tmp_path):
    recipe = RECIPES["ak4"]
    write_preprocess(recipe, {"pf": random_rows(PF), "sv": random_rows(SV)}, tmp_path)
    content = json.loads((tmp_path / "preprocess.json").read_text())
    assert content["output_names"][:2] == ["label_b", "label_bb"]
    group = content["pf_features"]
    assert (group["min_length"], group["max_length"]) == (8, 50)
    assert group["var_names"] == list(PF)
    keys = ["median", "norm_factor", "replace_inf_value", "lower_bound", "upper_bound", "pad"]
    assert list(group["var_infos"]["pfcand_dz"]) == keys
    assert group["var_infos"]["pfcand_dz"]["upper_bound"] == 5
    assert group["var_infos"]["pfcand_charge"]["upper_bound"] == 1e32
    assert content["pf_mask"]["var_names"] == ["pfcand_mask"]
