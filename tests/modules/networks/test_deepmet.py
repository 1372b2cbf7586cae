"""DeepMET's inputs candidate by candidate, and the way from tensors to a missing momentum."""

import asyncio
import math
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from sonicmini.errors import ModuleError
from sonicmini.inference.mock import MockClient
from sonicmini.inference.onnx import OnnxClient
from sonicmini.inference.repository import ModelRepository
from sonicmini.inference.route import Direct
from sonicmini.inference.service import InferenceService
from sonicmini.modules.networks.deepmet import DeepMET, DeepMETResponse
from sonicmini.testing import run_module

IDS = [-211, -13, -11, 0, 1, 2, 11, 13, 22, 130, 211]
CHARGES = [-1, 1, 1, 0, 0, 0, -1, -1, 0, 0, 1]
CONFIG = Path(__file__).parents[3] / "models" / "deepmet" / "config.pbtxt"


def candidates(counts, seed=1) -> ak.Array:
    rng = np.random.default_rng(seed)
    total = int(np.sum(counts))
    kind = rng.integers(0, len(IDS), total)
    flat = {
        "pt": rng.exponential(3, total).astype(np.float32),
        "eta": rng.uniform(-5, 5, total).astype(np.float32),
        "phi": rng.uniform(-math.pi, math.pi, total).astype(np.float32),
        "mass": rng.choice([0, 0.1396], total).astype(np.float32),
        "dxy": rng.normal(0, 0.1, total).astype(np.float32),
        "dz": rng.normal(0, 4, total).astype(np.float32),
        "puppiWeight": rng.uniform(0, 1, total).astype(np.float32),
        "pdgId": np.array(IDS, np.int16)[kind],
        "charge": np.array(CHARGES, np.int8)[kind],
        "fromPV": rng.integers(0, 4, total).astype(np.uint8),
    }
    return ak.unflatten(ak.zip(flat), counts)


def reference_rows(event) -> list[dict[str, list[float]]]:
    """What CMS's producer writes for each candidate of an event, one value after the other."""

    def scale(value):
        scaled = value / 50
        return 0.0 if math.isnan(scaled) or abs(scaled) > 1e6 else scaled

    return [
        {
            "input": [
                cand["dxy"],
                cand["dz"],
                cand["eta"],
                cand["mass"],
                scale(cand["pt"]),
                cand["puppiWeight"],
                scale(cand["pt"] * math.cos(cand["phi"])),
                scale(cand["pt"] * math.sin(cand["phi"])),
            ],
            "input_cat0": [float({-1: 0, 0: 1, 1: 2}[cand["charge"]])],
            "input_cat1": [float(IDS.index(cand["pdgId"]))],
            "input_cat2": [float(cand["fromPV"])],
        }
        for cand in event.to_list()
    ]


def acquired(module: DeepMET, cands: ak.Array) -> dict[str, Any]:
    return dict(module.acquire({"PackedPFCand": cands}))


def test_every_candidate_gets_the_inputs_of_cms():
    cands = candidates([5, 0, 40, 1])
    tensors = acquired(DeepMET(), cands)
    assert list(tensors) == ["input", "input_cat0", "input_cat1", "input_cat2"]
    expected = [row for event in cands for row in reference_rows(event)]
    for name, tensor in tensors.items():
        assert tensor.axis == 0
        assert tensor.content.dtype == np.float32
        assert tensor.counts.tolist() == [5, 0, 40, 1]
        rows = [row[name] for row in expected]
        np.testing.assert_allclose(tensor.content, rows, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("pt", [math.nan, math.inf, 1e10])
def test_outliers_enter_as_zero_only_where_momenta_are_scaled(pt):
    cands = candidates([2])
    cands["pt"] = ak.Array([[pt, 10.0]])
    rows = acquired(DeepMET(), cands)["input"].content
    assert rows[0, [4, 6, 7]].tolist() == [0, 0, 0]
    assert rows[0, 2] == ak.flatten(cands.eta)[0]
    assert rows[1, 4] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("field", "values", "named"),
    [
        ("pdgId", [[321, 211, -2112]], "pdgId -2112, 321; its network knows -211, -13"),
        ("charge", [[0, 2, 1]], "charge 2; "),
        ("fromPV", [[4, 0, 1]], "fromPV 4; "),
    ],
)
def test_unknown_categories_are_named(field, values, named):
    cands = candidates([3])
    cands[field] = ak.Array(values)
    with pytest.raises(ModuleError, match=named):
        acquired(DeepMET(), cands)


def test_output_is_the_missing_momentum_in_units_of_50_gev():
    client = MockClient(
        {"deepmet/1": lambda _: {"output/BiasAdd": np.array([[0.6, -0.8], [-2, 0]])}}
    )
    cands = candidates([3, 2])
    met = run_module(DeepMET(), {"PackedPFCand": cands}, client)["DeepMETResolutionTune"]
    assert ak.to_numpy(met.pt).tolist() == pytest.approx([50, 100])
    assert ak.to_numpy(met.phi).tolist() == pytest.approx([math.atan2(-0.8, 0.6), math.pi])


def test_ignored_leptons_are_no_input_and_subtracted():
    cands = candidates([30, 4], seed=3)
    answer = np.array([[0.2, 0.1], [-0.3, 0.4]], np.float32)
    client = MockClient({"deepmet/1": lambda _: {"output/BiasAdd": answer}})
    module = DeepMET(ignore_leptons=True)
    met = run_module(module, {"PackedPFCand": cands}, client)["DeepMETResolutionTune"]
    sent: Any = client.calls[0][1]
    for index, event in enumerate(cands.to_list()):
        leptons = [cand for cand in event if abs(cand["pdgId"]) in (11, 13)]
        assert sent["input"].counts[index] == len(event) - len(leptons)
        x = 50 * answer[index, 0] - sum(cand["pt"] * math.cos(cand["phi"]) for cand in leptons)
        y = 50 * answer[index, 1] - sum(cand["pt"] * math.sin(cand["phi"]) for cand in leptons)
        assert met.pt[index] == pytest.approx(math.hypot(x, y), rel=1e-4)
        assert met.phi[index] == pytest.approx(math.atan2(y, x), abs=1e-4)


def test_the_other_tune_asks_another_version_the_same():
    client = MockClient({"deepmet/2": lambda _: {"output/BiasAdd": np.array([[0.6, 0.8]])}})
    cands = candidates([5])
    products = run_module(DeepMETResponse(), {"PackedPFCand": cands}, client)
    assert ak.to_numpy(products["DeepMETResponseTune"].pt).tolist() == pytest.approx([50])
    sent: Any = client.calls[0][1]
    for name, tensor in acquired(DeepMET(), cands).items():
        np.testing.assert_array_equal(sent[name].content, tensor.content)
        np.testing.assert_array_equal(sent[name].counts, tensor.counts)


def negative_puppi_sum() -> bytes:
    """A network of DeepMET's interface that is worked out by hand: -sum of w (px, py) / 50 GeV."""

    def value(name, *dims):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *dims])

    nodes = [
        helper.make_node("Gather", ["input", "weight_column"], ["weight"], axis=2),
        helper.make_node("Gather", ["input", "momentum_columns"], ["momentum"], axis=2),
        helper.make_node("Mul", ["weight", "momentum"], ["weighted"]),
        helper.make_node("ReduceSum", ["weighted", "rows"], ["sum"], keepdims=0),
        helper.make_node("Neg", ["sum"], ["output/BiasAdd"]),
    ]
    constants = [
        numpy_helper.from_array(np.array(indices), name)
        for name, indices in (("weight_column", [5]), ("momentum_columns", [6, 7]), ("rows", [1]))
    ]
    inputs = [value("input", 4500, 8), *(value(f"input_cat{i}", 4500, 1) for i in range(3))]
    outputs = [value("output/BiasAdd", 2)]
    graph = helper.make_graph(nodes, "deepmet", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


def test_through_batching_and_onnxruntime_with_the_bundled_config(tmp_path):
    folder = tmp_path / "deepmet"
    (folder / "1").mkdir(parents=True)
    config = CONFIG.read_text().partition("model_repository_agents")[0]  # without checksums
    (folder / "config.pbtxt").write_text(config)
    (folder / "1" / "model.onnx").write_bytes(negative_puppi_sum())

    async def run_here(function):
        return function()

    model = DeepMET().model
    specs = ModelRepository(tmp_path).specs([model])
    client = OnnxClient(specs, run_here)
    client.load()
    service = InferenceService({model: (specs[model], Direct("here", client))}, run_here)
    cands = candidates([700, 0, 5000, 12])
    outputs: Any = asyncio.run(service.infer(model, acquired(DeepMET(), cands)))
    kept = cands[:, :4500]  # as CMS: the first in stored order
    for index, function in enumerate((np.cos, np.sin)):
        expected = -ak.sum(kept.puppiWeight * kept.pt * function(kept.phi), axis=1)
        np.testing.assert_allclose(
            50 * outputs["output/BiasAdd"][:, index], ak.to_numpy(expected), rtol=1e-4, atol=1e-2
        )
