from pathlib import Path

import pytest

from sonicmini.errors import ModelError
from sonicmini.inference.repository import ModelRepository
from tests.training.particlenet.synthetic import INTERFACE, MASS, random_network
from training.particlenet.export import export
from training.particlenet.options import Interface
from training.particlenet.serving import LABELS, write_config


@pytest.mark.parametrize(
    ("name", "interface", "output"),
    [
        ("particlenet_AK4", INTERFACE, "softmax float32[3]"),
        ("particlenet_AK8_MassRegression", MASS, "output float32[1]"),
    ],
)
def test_the_repository_reads_what_is_written(
    name: str, interface: Interface, output: str, tmp_path: Path
) -> None:
    export(random_network(interface), tmp_path / name / "1" / "model.onnx")
    write_config(interface, tmp_path / name)
    spec = ModelRepository(tmp_path).spec(name)
    assert [str(tensor) for tensor in spec.inputs] == [
        "pf_points float32[2, -1]",
        "pf_features float32[3, -1]",
        "pf_mask float32[1, -1]",
        "sv_points float32[2, -1]",
        "sv_features float32[2, -1]",
        "sv_mask float32[1, -1]",
    ]
    assert [str(tensor) for tensor in spec.outputs] == [output]
    labels = tmp_path / name / LABELS
    assert labels.is_file() == bool(interface.labels)
    if interface.labels:
        assert labels.read_text(encoding="utf-8").split() == list(interface.labels)


def test_a_damaged_network_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "particlenet" / "1" / "model.onnx"
    export(random_network(), path)
    write_config(INTERFACE, tmp_path / "particlenet")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelError, match="MD5"):
        ModelRepository(tmp_path).spec("particlenet")
