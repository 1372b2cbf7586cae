import hashlib
from dataclasses import replace

import numpy as np
import pytest
from google.protobuf import text_format
from onnx import TensorProto
from tritonclient.grpc import model_config_pb2

from sonicmini.errors import ModelError
from sonicmini.inference.modelconfig import ModelConfig, TensorConfig, read_config
from sonicmini.inference.repository import ModelRepository
from tests.training.tiny_network import write_doubling
from training.repository import NETWORK, Serving, write_config

SERVING = Serving(max_batch_size=9, preferred_batch_size=(2, 4))


def md5(path):
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def test_package_reads_what_is_written(tmp_path):
    folder = tmp_path / "doubling"
    write_doubling(folder / NETWORK, 3, "length")
    write_config(folder, SERVING)
    assert read_config(folder / "config.pbtxt") == ModelConfig(
        name="doubling",
        platform="onnxruntime_onnx",
        backend="",
        default_model_filename="",
        max_batch_size=9,
        preferred_batch_size=(2, 4),
        inputs=(TensorConfig("x", np.dtype(np.float32), (3, -1)),),
        outputs=(TensorConfig("twice", np.dtype(np.float32), (3, -1)),),
        specific_versions=(),
        latest_versions=1,
        checksums={"MD5:1/model.onnx": md5(folder / NETWORK)},
        faults=(),
    )
    assert [path.name for path in folder.iterdir() if path.is_file()] == ["config.pbtxt"]


@pytest.mark.parametrize(
    ("elements", "dtype"), [(TensorProto.INT64, np.int64), (TensorProto.DOUBLE, np.float64)]
)
def test_types_are_those_of_the_network(elements, dtype, tmp_path):
    write_doubling(tmp_path / "doubling" / NETWORK, 2, elements=elements)
    write_config(tmp_path / "doubling", SERVING)
    spec = ModelRepository(tmp_path).spec("doubling")
    assert [tensor.dtype for tensor in (*spec.inputs, *spec.outputs)] == [dtype, dtype]


def test_labels_of_outputs_have_a_file(tmp_path):
    folder = tmp_path / "doubling"
    write_doubling(folder / NETWORK, 2)
    write_config(folder, replace(SERVING, labels=("even", "odd"), label_filename="parities.txt"))
    config = read_config(folder / "config.pbtxt")
    assert [one.label_filename for one in config.inputs + config.outputs] == ["", "parities.txt"]
    assert (folder / "parities.txt").read_text(encoding="utf-8") == "even\nodd\n"


def test_all_versions_are_served_with_their_checksums(tmp_path):
    folder = tmp_path / "doubling"
    paths = {version: folder / str(version) / "model.onnx" for version in (2, 10)}
    for path in paths.values():
        write_doubling(path, 2)
    paths[10].write_bytes(paths[10].read_bytes() + bytes([0x12, 1, ord("a")]))  # a producer
    write_config(folder, SERVING)
    assert ModelRepository(tmp_path).versions("doubling") == (2, 10)
    assert ModelRepository(tmp_path).spec("doubling/2").path == paths[2]
    sums = read_config(folder / "config.pbtxt").checksums
    assert sums == {f"MD5:{version}/model.onnx": md5(path) for version, path in paths.items()}
    assert len(set(sums.values())) == 2


@pytest.mark.parametrize("version", [1, 2])
def test_a_changed_network_is_noticed(version, tmp_path):
    folder = tmp_path / "doubling"
    for one in (1, 2):
        write_doubling(folder / str(one) / "model.onnx", 2)
    write_config(folder, SERVING)
    path = folder / str(version) / "model.onnx"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ModelError, match=rf"{version}/model.onnx has MD5"):
        ModelRepository(tmp_path).spec("doubling")


def test_optimisation_is_the_servers_unless_a_level_is_given(tmp_path):
    folder = tmp_path / "doubling"
    write_doubling(folder / NETWORK, 2)
    levels = []
    for level in (None, -1):
        write_config(folder, replace(SERVING, graph_level=level))
        text = (folder / "config.pbtxt").read_text(encoding="utf-8")
        config = text_format.Parse(text, model_config_pb2.ModelConfig())
        has_level = config.HasField("optimization")
        levels.append(config.optimization.graph.level if has_level else None)
    assert levels == [None, -1]


def test_versions_with_other_tensors_are_refused(tmp_path):
    folder = tmp_path / "doubling"
    for version in (1, 2):
        write_doubling(folder / str(version) / "model.onnx", version)
    with pytest.raises(ValueError, match="doubling has no network, or versions with different"):
        write_config(folder, SERVING)


def test_nothing_is_said_of_no_network(tmp_path):
    with pytest.raises(ValueError, match="has no network"):
        write_config(tmp_path, SERVING)
    assert list(tmp_path.iterdir()) == []
