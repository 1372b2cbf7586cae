"""A model repository is read as Triton would, and refused where Triton would refuse it."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from sonicmini.errors import ModelError
from sonicmini.inference.repository import (
    ModelRepository,
    ModelSpec,
    TensorSpec,
    check_signature,
)

FLOAT = np.dtype(np.float32)


def _edit(repository: Path, model: str, old: str, new: str) -> None:
    path = repository / model / "config.pbtxt"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _append(repository: Path, model: str, text: str) -> None:
    path = repository / model / "config.pbtxt"
    path.write_text(path.read_text() + text)


def test_spec_states_what_config_pbtxt_states(repository):
    spec = ModelRepository(repository).spec("jetsum")
    assert (spec.name, spec.version, str(spec)) == ("jetsum", 1, "jetsum/1")
    assert spec.max_batch_size == 16
    assert spec.preferred_batch_size == (8,)
    assert spec.inputs == (
        TensorSpec("pf", FLOAT, (2, -1)),
        TensorSpec("pf_mask", FLOAT, (1, -1)),
        TensorSpec("sv", FLOAT, (3, -1)),
    )
    assert spec.outputs == (TensorSpec("score", FLOAT, (2,)),)
    assert spec.sha256 == hashlib.sha256(spec.path.read_bytes()).hexdigest()


def test_names_are_those_with_a_config(repository):
    (repository / "notes").mkdir()
    assert ModelRepository(repository).names() == ("jetsum", "metsum")


def test_first_folder_that_has_a_model_counts(repository, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(repository / "metsum", other / "metsum")
    _edit(other, "metsum", "max_batch_size: 4", "max_batch_size: 3")
    (other / "jetsum").mkdir()  # no model: it has no config.pbtxt
    models = ModelRepository([other, repository])
    assert models.names() == ("jetsum", "metsum")
    assert models.spec("metsum").folder == other / "metsum"
    assert models.spec("metsum").max_batch_size == 3
    assert models.versions("jetsum") == (1,)
    assert models.spec("jetsum").folder == repository / "jetsum"
    assert ModelRepository([repository, other]).spec("metsum").max_batch_size == 4
    with pytest.raises(ModelError, match=f"{other}, {repository}; did you mean metsum"):
        models.spec("metsun")


def test_name_alone_means_the_highest_version(repository):
    for version in ("2", "10", "old"):
        shutil.copytree(repository / "metsum" / "1", repository / "metsum" / version)
    models = ModelRepository(repository)
    assert models.spec("metsum").version == 10
    assert models.versions("metsum") == (10,)


@pytest.mark.parametrize(
    ("policy", "served"),
    [
        ("all {}", (1, 2, 10)),
        ("latest { num_versions: 2 }", (2, 10)),
        ("specific { versions: [ 1, 2 ] }", (1, 2)),
    ],
)
def test_version_policy_decides_what_is_served(repository, policy, served):
    for version in ("2", "10"):
        shutil.copytree(repository / "metsum" / "1", repository / "metsum" / version)
    _append(repository, "metsum", f"version_policy {{ {policy} }}")
    models = ModelRepository(repository)
    assert models.versions("metsum") == served
    assert models.spec(f"metsum/{served[0]}").version == served[0]
    assert models.spec("metsum").version == served[-1]


def test_version_that_is_not_served_is_refused(repository):
    with pytest.raises(ModelError, match=r"version 7 is not served.*versions 1"):
        ModelRepository(repository).spec("metsum/7")


def test_other_file_name_is_honoured(repository):
    folder = repository / "metsum" / "1"
    (folder / "model.onnx").rename(folder / "net.onnx")
    _append(repository, "metsum", 'default_model_filename: "net.onnx"')
    assert ModelRepository(repository).spec("metsum").path == folder / "net.onnx"


def test_missing_folder():
    with pytest.raises(ModelError, match="nowhere is not a folder"):
        ModelRepository(Path("nowhere"))
    with pytest.raises(ModelError, match="nowhere, away is not a folder"):
        ModelRepository([Path("nowhere"), Path(), Path("away")])


def test_unknown_model_gets_the_nearest_names(repository):
    with pytest.raises(ModelError, match=r"metsun is not in .*did you mean metsum\?"):
        ModelRepository(repository).spec("metsun")
    with pytest.raises(ModelError, match="it has jetsum, metsum"):
        ModelRepository(repository).spec("qqqqqqqq")


def test_folder_without_config(repository):
    (repository / "notes").mkdir()
    with pytest.raises(ModelError, match=r"has no config\.pbtxt"):
        ModelRepository(repository).spec("notes")


def test_checksum_is_verified(repository):
    md5 = hashlib.md5(
        (repository / "metsum/1/model.onnx").read_bytes(), usedforsecurity=False
    ).hexdigest()
    stanza = (
        'model_repository_agents { agents [ { name: "checksum"'
        f' parameters {{ key: "MD5:1/model.onnx" value: "{md5}" }} }} ] }}'
    )
    _append(repository, "metsum", stanza)
    ModelRepository(repository).spec("metsum")
    _edit(repository, "metsum", md5, "0" * 32)
    with pytest.raises(ModelError, match=f"has MD5 {md5}, config.pbtxt says 000"):
        ModelRepository(repository).spec("metsum")


def test_parse_error_has_its_place(repository):
    _edit(repository, "metsum", "max_batch_size", "max_bach_size")
    with pytest.raises(ModelError, match=r"config\.pbtxt is unreadable: 4:1 .*max_bach_size"):
        ModelRepository(repository).spec("metsum")


def test_all_faults_come_in_one_message(repository):
    _edit(repository, "metsum", '"metsum"', '"other"')
    _edit(repository, "metsum", '"onnxruntime"', '"tensorflow"')
    _edit(repository, "metsum", "max_batch_size: 4", "max_batch_size: 0")
    _edit(repository, "metsum", "TYPE_FP32 dims: [ 6, 1 ]", "TYPE_STRING dims: [ 0, 1 ]")
    (repository / "metsum/1/model.onnx").unlink()
    with pytest.raises(ModelError) as raised:
        ModelRepository(repository).spec("metsum")
    for part in (
        "'other'",
        "'tensorflow'",
        "max_batch_size is below 1",
        "id has TYPE_STRING",
        "id has dims [0, 1]",
        "model.onnx is missing",
    ):
        assert part in str(raised.value)


def test_faults_of_several_models_come_in_one_message(repository):
    models = ModelRepository(repository)
    assert set(models.specs(["jetsum", "metsum/1"])) == {"jetsum", "metsum/1"}
    with pytest.raises(ModelError, match=r"(?s)nix is not in.*metsum/3"):
        models.specs(["nix", "jetsum", "metsum/3"])


def test_lengths_come_from_preprocess_json(repository):
    (repository / "jetsum" / "preprocess.json").write_text(
        '{"output_names": ["a"], "pf": {"min_length": 8, "max_length": 50}, "sv": {}}'
    )
    pf, mask, sv = ModelRepository(repository).spec("jetsum").inputs
    assert (pf.min_length, pf.max_length) == (8, 50)
    assert (mask.min_length, mask.max_length) == (sv.min_length, sv.max_length) == (0, None)


@pytest.mark.parametrize("text", ["{", "[]", '{"pf": {"min_length": "x"}}'])
def test_unreadable_preprocess_json(repository, text):
    (repository / "jetsum" / "preprocess.json").write_text(text)
    with pytest.raises(ModelError, match=r"preprocess\.json is unreadable"):
        ModelRepository(repository).spec("jetsum")


class TestSignature:
    spec = ModelSpec(
        name="net",
        version=1,
        path=Path("net.onnx"),
        inputs=(TensorSpec("a", FLOAT, (4, 8)), TensorSpec("b", FLOAT, (2, -1))),
        outputs=(TensorSpec("y", FLOAT, (3,)),),
        max_batch_size=8,
        preferred_batch_size=(),
        sha256="",
    )

    def _check(self, inputs, outputs):
        check_signature(self.spec, (inputs, outputs), "the file")

    def test_variable_dimension_may_be_narrowed_and_outputs_left_out(self):
        self._check(
            [TensorSpec("b", FLOAT, (-1, 2, -1)), TensorSpec("a", FLOAT, (-1, -1, 8))],
            [TensorSpec("y", FLOAT, (-1, 3)), TensorSpec("z", FLOAT, (-1, 7))],
        )

    def test_every_difference_is_named(self):
        with pytest.raises(ModelError) as raised:
            self._check(
                [
                    TensorSpec("a", np.dtype(np.float64), (-1, 4, 8)),
                    TensorSpec("b", FLOAT, (-1, 2, 5)),
                    TensorSpec("c", FLOAT, (-1, 2)),
                ],
                [TensorSpec("x", FLOAT, (-1, 3))],
            )
        for part in ("a float32[4, 8] has type float64", "b float32[2, -1] has dims [2, 5]"):
            assert part in str(raised.value)
        assert "input c float32[-1, 2] is not in config.pbtxt" in str(raised.value)
        assert "output y float32[3] is not there, it has x" in str(raised.value)

    def test_network_for_one_row_only_is_refused(self):
        with pytest.raises(ModelError, match="no batch dimension"):
            self._check(
                [TensorSpec("a", FLOAT, (1, 4, 8)), TensorSpec("b", FLOAT, (-1, 2, -1))],
                [TensorSpec("y", FLOAT, (-1, 3))],
            )
