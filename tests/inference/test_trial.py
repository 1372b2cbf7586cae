"""Networks with one fault each are found out by trial inferences; sound ones are not."""

import asyncio

import numpy as np
import pytest

from sonicmini.errors import InferenceError
from sonicmini.inference.mock import MockClient
from sonicmini.inference.onnx import OnnxClient
from sonicmini.inference.repository import ModelRepository, ModelSpec, TensorSpec
from sonicmini.inference.trial import longest, shortest, trial_faults, trial_inputs

FLOAT = np.dtype(np.float32)


def spec_of(**changes):
    entries = {
        "name": "net",
        "version": 1,
        "path": None,
        "inputs": (
            TensorSpec("pf", FLOAT, (2, -1), min_length=3, max_length=9),
            TensorSpec("pf_mask", FLOAT, (1, -1), min_length=3, max_length=9),
            TensorSpec("kind", np.dtype(np.int32), (4,)),
        ),
        "outputs": (TensorSpec("score", FLOAT, (1,)),),
        "max_batch_size": 8,
        "preferred_batch_size": (),
        "sha256": "",
    }
    return ModelSpec(**{**entries, **changes})


def masked_sum(inputs):
    return {"score": (inputs["pf"] * inputs["pf_mask"]).sum((1, 2))[:, np.newaxis]}


def faults(function, spec=None):
    client = MockClient({"net": function})
    return asyncio.run(trial_faults("net", spec or spec_of(), client))


def test_inputs_are_of_the_stated_lengths_and_types():
    spec = spec_of()
    assert shortest(spec) == {"pf": 3, "pf_mask": 3}
    assert longest(spec) == {"pf": 9, "pf_mask": 9}
    full = trial_inputs(spec, "full", longest(spec), rows=2)
    assert {name: array.shape for name, array in full.items()} == {
        "pf": (2, 2, 9),
        "pf_mask": (2, 1, 9),
        "kind": (2, 4),
    }
    assert [full[tensor.name].dtype for tensor in spec.inputs] == [
        tensor.dtype for tensor in spec.inputs
    ]
    assert np.all(full["pf_mask"] == 1)
    assert np.all(full["pf"].astype(float) > 0)
    assert not np.any(full["kind"])  # the first category
    assert not any(array.any() for array in trial_inputs(spec, "empty", shortest(spec)).values())


def test_lengths_that_nothing_limits_are_taken_as_a_hundred():
    spec = spec_of(inputs=(TensorSpec("pf", FLOAT, (2, -1)), TensorSpec("kind", FLOAT, (4,))))
    assert shortest(spec) == {"pf": 1}
    assert longest(spec) == {"pf": 100}


def test_sound_networks(repository):
    assert faults(masked_sum) == []
    assert faults(masked_sum, spec_of(max_batch_size=1)) == []
    specs = ModelRepository(repository).specs(["jetsum", "metsum"])

    async def run_here(function):
        return function()

    client = OnnxClient(specs, run_here)
    for model, spec in specs.items():
        assert asyncio.run(trial_faults(model, spec, client)) == []


def mean(inputs):
    return {"score": inputs["pf"].mean((1, 2))[:, np.newaxis]}


def of_the_batch(inputs):
    score = masked_sum(inputs)["score"]
    return {"score": score / score.sum() if score.sum() else score}


def fails_below_four(inputs):
    if inputs["pf"].shape[2] < 4:
        raise InferenceError("four candidates are needed")
    return masked_sum(inputs)


def infinite_without_candidates(inputs):
    score = masked_sum(inputs)["score"]
    return {"score": np.where(score > 0, score, np.float32(np.inf))}


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (mean, ["the answer depends on the padding: output score differs by 0."]),
        (of_the_batch, ["the answer depends on the other rows of a request: output score differs"]),
        (
            fails_below_four,
            [
                "trial inference of rows of zeros: four candidates are needed",
                "trial inference of the shortest rows: four",
            ],
        ),
        (infinite_without_candidates, ["rows of zeros: output score is not finite"]),
        (lambda inputs: {"score": masked_sum(inputs)["score"][:, 0]}, ["trial inference: "]),
    ],
)
def test_every_fault_is_found(function, expected):
    found = faults(function)
    assert len(found) == len(expected)
    for fault, part in zip(found, expected, strict=True):
        assert part in fault
