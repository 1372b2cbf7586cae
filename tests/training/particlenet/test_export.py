from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.training.particlenet.synthetic import (
    INTERFACE,
    MASS,
    SIZES,
    lengthened,
    random_jets,
    random_network,
)
from training.particlenet.export import export, infer, open_session, verify
from training.particlenet.options import Interface

TOLD = replace(INTERFACE, told_as=(("c", "uds"),))


@pytest.mark.parametrize("interface", [INTERFACE, MASS, TOLD])
@pytest.mark.parametrize("layers", [1, 3])
def test_onnxruntime_answers_as_torch(interface: Interface, layers: int, tmp_path: Path) -> None:
    network = random_network(interface, replace(SIZES, edge_layers=layers))
    export(network, tmp_path / "model.onnx")
    batches = [random_jets(100, longest=longest, seed=longest) for longest in (2, 4, 12)]
    assert verify(network, tmp_path / "model.onnx", batches).max() < 1e-5


def test_padding_does_not_matter(tmp_path: Path) -> None:
    export(random_network(), tmp_path / "model.onnx")
    session, jets = open_session(tmp_path / "model.onnx"), random_jets(50)
    found = infer(session, lengthened(jets, 8, 2))
    np.testing.assert_allclose(found, infer(session, jets), rtol=0, atol=1e-6)


def test_no_jets_are_no_error(tmp_path: Path) -> None:
    export(random_network(), tmp_path / "model.onnx")
    session = open_session(tmp_path / "model.onnx")
    inputs = {name: values[:0].numpy() for name, values in random_jets(2).inputs().items()}
    assert session.run(None, inputs)[0].shape == (0, 3)


def test_it_is_old_enough_for_servers_and_has_cms_tensors(tmp_path: Path) -> None:
    export(random_network(), tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    assert model.ir_version == 8
    assert [(one.domain, one.version) for one in model.opset_import] == [("", 17)]
    shapes = {
        value.name: [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {
        "pf_points": ["batch", 2, "pf_length"],
        "pf_features": ["batch", 3, "pf_length"],
        "pf_mask": ["batch", 1, "pf_length"],
        "sv_points": ["batch", 2, "sv_length"],
        "sv_features": ["batch", 2, "sv_length"],
        "sv_mask": ["batch", 1, "sv_length"],
        "softmax": ["batch", 3],
    }
