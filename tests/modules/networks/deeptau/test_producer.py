"""DeepTau from products to columns, through batching and onnxruntime, with a network by hand."""

import asyncio
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from sonicmini.errors import ModelError, ModuleError
from sonicmini.event import Products
from sonicmini.inference.batching import Batching
from sonicmini.inference.mock import MockClient
from sonicmini.inference.onnx import OnnxClient
from sonicmini.inference.repository import ModelRepository
from sonicmini.inference.route import Direct
from sonicmini.inference.service import InferenceService, RequestRecord, ServiceOptions
from sonicmini.io.columns import flatten, stored_product
from sonicmini.io.miniaod import MINIAOD
from sonicmini.modules.networks.deeptau import scaling, scores
from sonicmini.modules.networks.deeptau.producer import DeepTau
from sonicmini.resources import bundled
from sonicmini.testing import run_module
from tests.modules.networks.deeptau.events import sample_events

MODEL = bundled("models") / "deeptau_2018v2p5"
OUTPUT = "main_output/Softmax"
POINTS = {name: {"Loose": 0.1, "Medium": 0.5, "Tight": 0.8} for name in ("VSe", "VSmu", "VSjet")}
DIMS = {"input_tau": [43]} | {
    f"input_{grid}_{name}": [cells, cells, width]
    for grid, cells in (("inner", 11), ("outer", 21))
    for name, width in (("egamma", 86), ("muon", 64), ("hadrons", 38))
}


def network() -> bytes:
    """Softmax of the sums of four inputs: of the tau, and of three grids."""
    summed = ("input_tau", "input_inner_egamma", "input_outer_hadrons", "input_outer_muon")
    nodes = []
    for name in summed:
        axes = numpy_helper.from_array(np.arange(1, len(DIMS[name]) + 1), f"{name}_axes")
        nodes.append(helper.make_node("Constant", [], [f"{name}_axes"], value=axes))
        nodes.append(
            helper.make_node("ReduceSum", [name, f"{name}_axes"], [f"{name}_sum"], keepdims=0)
        )
        nodes.append(helper.make_node("Unsqueeze", [f"{name}_sum", "one"], [f"{name}_column"]))
    columns = [f"{name}_column" for name in summed]
    nodes.append(helper.make_node("Concat", columns, ["sums"], axis=1))
    nodes.append(helper.make_node("Mul", ["sums", "scale"], ["logits"]))
    nodes.append(helper.make_node("Softmax", ["logits"], [OUTPUT], axis=1))
    constants = [
        numpy_helper.from_array(np.array([1]), "one"),
        numpy_helper.from_array(np.array(0.01, np.float32), "scale"),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *dims])
        for name, dims in DIMS.items()
    ]
    outputs = [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", 4])]
    graph = helper.make_graph(nodes, "deeptau", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


def repository(folder: Path) -> Path:
    """A repository in CMS's layout, with the model's name of the bundled one."""
    model = folder / "deeptau_2018v2p5"
    (model / "1").mkdir(parents=True)
    (model / "1" / "model.onnx").write_bytes(network())
    inputs = ",\n".join(
        f'{{ name: "{name}" data_type: TYPE_FP32 dims: {dims} }}' for name, dims in DIMS.items()
    )
    (model / "config.pbtxt").write_text(
        f'platform: "onnxruntime_onnx"\nmax_batch_size: 1000\ninput [ {inputs} ]\n'
        f'output [ {{ name: "{OUTPUT}" data_type: TYPE_FP32 dims: [ 4 ] }} ]\n'
    )
    (model / scores.FILE).write_text(json.dumps(POINTS))
    return model


def test_taus_get_the_answers_of_their_network_whatever_the_requests(tmp_path):
    module = DeepTau().configured(repository(tmp_path))
    products = sample_events()
    specs = ModelRepository(tmp_path).specs([module.model])
    spec = specs[module.model]
    tensors: Any = module.acquire(products)

    async def run_here(function):
        return function()

    client = OnnxClient(specs, run_here)
    client.load()
    found = []
    for max_bytes in (2_000_000, 1, 10**9):
        records: list[RequestRecord] = []
        service = InferenceService(
            {module.model: (spec, Direct("here", client))},
            run_here,
            options=ServiceOptions(batching=Batching(max_bytes=max_bytes)),
            on_request=records.append,
        )
        outputs = asyncio.run(service.infer(module.model, tensors))
        found.append(module.produce(products, outputs)["TauDeepTau"])
        # 4 bytes of 43 numbers and of 188 in each of 11 * 11 and 21 * 21 cells.
        assert [record.bytes_in for record in records] == [
            4 * (43 + 562 * 188) * record.rows for record in records
        ]
        assert max(record.rows for record in records) == {2_000_000: 4, 1: 1}.get(
            max_bytes, len(tensors["input_tau"])
        )
    for other in found[1:]:
        for name in other.fields:
            assert ak.all(np.abs(other[name] - found[0][name]) < 1e-5)
    summed = ("input_tau", "input_inner_egamma", "input_outer_hadrons", "input_outer_muon")
    sums = np.stack([_sums(tensors[name]) for name in summed], axis=1)
    odds = np.exp(0.01 * (sums[:, 2] - sums[:, 3]))
    scores_found: Any = ak.flatten(found[0].rawDeepTau2018v2p5VSjet).to_numpy()
    np.testing.assert_allclose(scores_found, odds / (1 + odds), rtol=1e-3)
    points = ak.flatten(found[0].idDeepTau2018v2p5VSjet).to_numpy()
    assert points.tolist() == [sum(s > p for p in (0.1, 0.5, 0.8)) for s in scores_found]


def _sums(tensor):
    if isinstance(tensor, np.ndarray):
        return tensor.sum(axis=1)
    row = np.repeat(np.arange(len(tensor)), tensor.counts)
    return np.bincount(row, tensor.content.sum(axis=1), minlength=len(tensor))


def test_columns_are_parallel_to_the_taus_and_those_of_the_output(tmp_path):
    module = DeepTau().configured(repository(tmp_path))
    products = sample_events()
    count = int(ak.count(products["SlimmedTau"].pt))
    answer = np.random.default_rng(1).dirichlet(np.ones(4), count).astype(np.float32)
    client = MockClient({module.model: lambda _: {OUTPUT: answer}})
    made = run_module(module, products, client)["TauDeepTau"]
    assert ak.num(made).to_list() == ak.num(products["SlimmedTau"]).to_list()
    values: Any = flatten(stored_product(MINIAOD["TauDeepTau"]), made).values
    assert {*values} == {
        f"Tau_{kind}DeepTau2018v2p5{against}"
        for kind in ("id", "raw")
        for against in ("VSe", "VSmu", "VSjet")
    }
    expected = answer[:, 2] / (answer[:, 0] + answer[:, 2])
    np.testing.assert_allclose(values["Tau_rawDeepTau2018v2p5VSe"], expected, rtol=1e-3)


def test_taus_that_fail_a_prediscriminant_are_not_sent(tmp_path):
    module = replace(DeepTau(), prediscriminants=("idDecayModeOldDMs",))
    module = module.configured(repository(tmp_path))
    products = sample_events()
    passes = ak.flatten(products["SlimmedTau"].idDecayModeOldDMs).to_numpy()
    assert 0 < passes.sum() < len(passes)
    answer = np.full((int(passes.sum()), 4), 0.25, np.float32)
    client = MockClient({module.model: lambda _: {OUTPUT: answer}})
    made = run_module(module, products, client)["TauDeepTau"]
    sent: Any = client.calls[0][1]
    assert len(sent["input_tau"]) == len(sent["input_outer_muon"]) == passes.sum()
    found = ak.flatten(made.rawDeepTau2018v2p5VSe).to_numpy()
    assert np.array_equal(found, np.where(passes, 0.5, -1))
    assert ak.all(ak.flatten(made.idDeepTau2018v2p5VSe) == np.where(passes, 1, 0))


def test_an_unknown_prediscriminant_is_named(tmp_path):
    module = replace(DeepTau(), prediscriminants=("isTau", "charge"))
    with pytest.raises(ModuleError, match="SlimmedTau has no column isTau"):
        module.configured(tmp_path).acquire(sample_events())


def test_a_repository_of_cms_has_neither_scaling_nor_working_points(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        module = DeepTau().configured(tmp_path)
    assert "idDeepTau2018v2p5... will be -1" in caplog.text
    bundled_one = DeepTau().configured(MODEL)
    products = sample_events()
    ours: Any = module.acquire(products)
    theirs: Any = bundled_one.acquire(products)
    assert np.array_equal(ours["input_tau"], theirs["input_tau"])
    answer = np.full((len(ours["input_tau"]), 4), 0.25, np.float32)
    made = module.produce(products, {OUTPUT: answer})["TauDeepTau"]
    assert ak.all(made.idDeepTau2018v2p5VSjet == -1)


def test_what_lies_beside_the_network_counts(tmp_path):
    content = json.loads((MODEL / scaling.FILE).read_text())
    content["blocks"]["TauFlat"]["all"]["mean"][0] += 5
    (tmp_path / scaling.FILE).write_text(json.dumps(content))
    products = sample_events()
    ours, usual = (_tau_input(folder, products) for folder in (tmp_path, MODEL))
    assert np.max(ours[:, 0] - usual[:, 0]) == pytest.approx(-0.2)
    assert np.array_equal(ours[:, 1:], usual[:, 1:])
    (tmp_path / scaling.FILE).write_text("{}")
    with pytest.raises(ModelError, match=r"scaling\.json"):
        DeepTau().configured(tmp_path)


def _tau_input(folder: Path, products: Products) -> Any:
    return DeepTau().configured(folder).acquire(products)["input_tau"]


def test_without_its_network_it_says_what_is_missing():
    with pytest.raises(ModuleError, match="call configured"):
        DeepTau().acquire(sample_events())
