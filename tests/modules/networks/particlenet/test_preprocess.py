"""preprocess.json: what it says, how values are scaled, and every way in which it may be wrong."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.errors import ModelError
from sonicmini.modules.networks.particlenet.inputs import KNOWN
from sonicmini.modules.networks.particlenet.preprocess import Group, Preprocess
from tests.modules.networks.particlenet.tiny_networks import GROUPS, PF, content

LABELS = ("label_b", "label_c")


def read(folder, made):
    (folder / "preprocess.json").write_text(json.dumps(made))
    return Preprocess.read(folder, KNOWN)


def test_groups_are_as_they_stand_in_the_file(tmp_path):
    made = content(LABELS)
    made["pf_features"]["var_infos"]["pfcand_charge"] |= {"median": 3, "lower_bound": -1e32}
    del made["pf_features"]["var_infos"]["pfcand_charge"]["pad"]
    found = read(tmp_path, made)
    assert found.labels == LABELS
    assert {group.name: group.features for group in found.groups} == GROUPS
    group = found.group("pf_features")
    assert (group.min_length, group.max_length) == (4, 8)
    np.testing.assert_allclose(group.median, [0, 0.2, 0.4, 3], rtol=1e-6)
    np.testing.assert_allclose(group.norm_factor, [0.5, 1.5, 2.5, 3.5], rtol=1e-6)
    np.testing.assert_allclose(group.lower, [-5, -5, -5, -1e32], rtol=1e-6)
    np.testing.assert_allclose(group.upper, [5, 5, 5, 5], rtol=1e-6)


def test_one_length_stands_for_both(tmp_path):
    made = content(LABELS)
    for length in ("min_length", "max_length"):
        del made["sv_mask"][length]
    made["sv_mask"]["var_length"] = 9
    group = read(tmp_path, made).group("sv_mask")
    assert (group.min_length, group.max_length) == (9, 9)


def scaled(value, median, factor, bounds):
    """CMSSW's center_norm_pad of one number."""
    if not math.isfinite(value) or abs(value) > np.float32(1e32):
        value = 0.25
    return min(max((value - median) * factor, bounds[0]), bounds[1])


def group(median, factor, bounds):
    arrays = {"median": median, "norm_factor": factor, "replacement": 0.25}
    arrays |= {"lower": bounds[0], "upper": bounds[1]}
    return Group(
        name="pf",
        features=("x",),
        min_length=1,
        max_length=9,
        **{name: np.array([value], np.float32) for name, value in arrays.items()},
    )


@given(
    st.lists(st.floats(width=32), max_size=20),
    st.floats(-10, 10, width=32),
    st.floats(0, 100, width=32),
    st.sampled_from([(-5, 5), (-1e32, 1e32), (0, 1)]),
)
def test_values_are_scaled_one_by_one(values, median, factor, bounds):
    raw = np.array(values, np.float32)[:, np.newaxis]
    found = group(median, factor, bounds).transform(raw.copy())
    assert found.dtype == np.float32
    expected = [scaled(value, median, factor, bounds) for value in values]
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-4, atol=1e-4)


def test_groups_scale_by_name(tmp_path):
    found = read(tmp_path, content(LABELS))
    raw = np.array([[1, 2, 3, 4]], np.float32)
    expected = [[0.5, 1.8 * 1.5, 5, 5]]
    np.testing.assert_allclose(found.transform("pf_features", raw), expected, rtol=1e-6)


def change(made, path, value):
    *outer, last = path.split(".")
    for key in outer:
        made = made[key]
    if value is None:
        del made[last]
    else:
        made[last] = value


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("input_names", None, "input_names is no list of names"),
        ("input_names", ["pf_mask", 3], "input_names is no list of names"),
        ("output_names", [], "output_names is no list of names"),
        ("output_names", ["label_b", "label_b"], "output_names has a name twice"),
        ("sv_mask", None, "input sv_mask has no group"),
        ("sv_mask", [], "input sv_mask has no group"),
        ("sv_mask", {}, "sv_mask.var_names is no list of names"),
        ("sv_mask.var_names", ["sv_masc"], "sv_mask: feature 'sv_masc' is unknown; did you mean"),
        ("sv_mask.var_infos", None, "sv_mask.var_infos is no object"),
        ("sv_mask.var_infos", {}, "sv_mask.sv_mask has no numbers in var_infos"),
        ("sv_mask.var_infos.sv_mask.median", None, "sv_mask.sv_mask.median is missing"),
        ("sv_mask.var_infos.sv_mask.lower_bound", None, "sv_mask.lower_bound is missing"),
        ("sv_mask.var_infos.sv_mask.norm_factor", "2", "sv_mask.norm_factor is no number"),
        ("sv_mask.var_infos.sv_mask.median", math.nan, "sv_mask.median is no number"),
        ("sv_mask.var_infos.sv_mask.median", 10**400, "sv_mask.median is no number"),
        ("sv_mask.var_infos.sv_mask.upper_bound", -1e33, "lower_bound is above upper_bound"),
        ("sv_mask.var_infos.sv_mask.pad", 1, "sv_mask.sv_mask.pad is 1: only 0 is possible"),
        ("sv_mask.min_length", 0, "sv_mask: min_length and max_length are not positive integers"),
        ("sv_mask.max_length", None, "min_length and max_length are not positive integers"),
        ("sv_mask.min_length", 40, "sv_mask: min_length 40 is above max_length 3"),
    ],
)
def test_a_fault_is_named(tmp_path, path, value, fault):
    made = content(LABELS)
    change(made, path, value)
    with pytest.raises(ModelError) as caught:
        read(tmp_path, made)
    assert fault in str(caught.value)
    assert str(tmp_path / "preprocess.json") in str(caught.value)


def test_all_faults_are_listed_at_once(tmp_path):
    made = content(LABELS)
    made["pf_features"]["var_names"] = ["pfcand_dxysigg", *PF]
    del made["sv_mask"], made["sv_points"]["max_length"]
    with pytest.raises(ModelError) as caught:
        read(tmp_path, made)
    lines = str(caught.value).splitlines()
    assert len(lines) == 5
    for part in ("did you mean pfcand_dxysig?", "has no numbers", "no group", "positive integers"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [(None, "No such file"), ("{", "is no JSON"), ("[]", "the file is no object")],
)
def test_an_unreadable_file_is_named(tmp_path, text, fault):
    if text is not None:
        (tmp_path / "preprocess.json").write_text(text)
    with pytest.raises(ModelError, match=fault):
        Preprocess.read(tmp_path, KNOWN)
