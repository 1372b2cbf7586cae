"""The tensors that a network gets, group by group."""

import json

import numpy as np
import pytest

from sonicmini.errors import ModelError
from sonicmini.modules.networks.particlenet.candidates import FEATURES, candidate_features
from sonicmini.modules.networks.particlenet.inputs import KNOWN, Inputs
from sonicmini.modules.networks.particlenet.jets import AK4_CHS
from sonicmini.modules.networks.particlenet.preprocess import Preprocess
from sonicmini.modules.networks.particlenet.vertices import vertex_features
from tests.modules.networks.particlenet.jet_events import SIZES, events
from tests.modules.networks.particlenet.tiny_networks import GROUPS, LENGTHS, content, rows_of


def preprocess(folder, made):
    (folder / "preprocess.json").write_text(json.dumps(made))
    return Preprocess.read(folder, KNOWN)


def tensors(folder, groups, wanted=None):
    products = events(*SIZES)
    read = preprocess(folder, content(["label_b"], groups))
    every = np.ones(sum(size[1] for size in SIZES), np.bool_)
    return Inputs.of(read).tensors(products, AK4_CHS, every if wanted is None else wanted)


def test_each_group_has_its_features_scaled(tmp_path):
    found = tensors(tmp_path, GROUPS)
    assert list(found) == list(GROUPS)
    products, read = events(*SIZES), preprocess(tmp_path, content(["label_b"]))
    for name, features in GROUPS.items():
        make = candidate_features if features[0] in FEATURES else vertex_features
        raw, counts = make(products, AK4_CHS, features, max_length=LENGTHS[name[:2]][1])
        assert found[name].axis == 1
        np.testing.assert_array_equal(found[name].counts, counts)
        np.testing.assert_array_equal(found[name].content, read.transform(name, raw))
    assert found["pf_mask"].counts.max() == 8
    assert (found["pf_mask"].content == 1).all()


def test_inputs_may_have_other_names_features_and_order(tmp_path):
    groups = {"sv_0": ("sv_mass",), "pf_1": ("pfcand_puppiw", "pfcand_deltaR")}
    found = tensors(tmp_path, groups)
    assert list(found) == ["sv_0", "pf_1"]
    assert found["pf_1"].content.shape[1] == 2


def test_only_wanted_jets_have_rows(tmp_path):
    every = tensors(tmp_path, GROUPS)
    wanted = np.arange(sum(size[1] for size in SIZES)) % 3 == 0
    some = tensors(tmp_path, GROUPS, wanted)
    for name, tensor in some.items():
        rows = rows_of(every[name].counts)
        expected = [every[name].content[a:b] for (a, b), w in zip(rows, wanted, strict=True) if w]
        np.testing.assert_array_equal(tensor.content, np.concatenate(expected))
        np.testing.assert_array_equal(tensor.counts, every[name].counts[wanted])


def test_groups_that_cannot_be_made_are_named(tmp_path):
    made = content(["label_b"], GROUPS | {"pf_mixed": ("pfcand_mask", "sv_mask")})
    made["pf_mask"]["max_length"] = 20
    with pytest.raises(ModelError) as caught:
        Inputs.of(preprocess(tmp_path, made))
    lengths, mixed = str(caught.value).splitlines()
    assert lengths.startswith("max_length differs between inputs of the same objects:")
    assert lengths.endswith(" pf_points 8, pf_features 8, pf_mask 20")
    assert mixed == "pf_mixed has features of candidates and of vertices"
