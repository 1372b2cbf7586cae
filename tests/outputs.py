"""Comparing outputs of runs, and networks that answer otherwise."""

import json
import shutil
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import onnx
import uproot
from onnx import numpy_helper

from sonicmini.config import Overrides, load
from sonicmini.job import run_job
from sonicmini.report import Report
from sonicmini.resources import bundled


def read_events(path: Path) -> dict[str, ak.Array]:
    """All branches."""
    with uproot.open(path) as file:
        return dict(file["Events"].arrays(how=dict))


def run_sample(
    output: Path, *assignments: str, **overrides: Any
) -> tuple[dict[str, ak.Array], Report, dict[str, Any]]:
    """Runs the bundled workflow on ten events in chunks of three: events, report, provenance."""
    given = Overrides(
        inputs=[bundled("sample_data") / "ttbar_10.root"],
        output=output,
        overwrite=True,
        chunk_size=3,
        assignments=assignments,
        **overrides,
    )
    report = run_job(load(bundled("configs") / "miniaod.yaml", given))
    with uproot.open(output) as file:
        provenance = json.loads(file["Runs/provenance"].array()[0])
    return read_events(output), report, provenance


def assert_same_physics(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Scores within a tolerance, everything else exactly."""
    assert list(found) == list(expected)
    for name, values in expected.items():
        if name.startswith("DeepMET"):
            np.testing.assert_allclose(ak.to_numpy(found[name]), ak.to_numpy(values), rtol=1e-4)
        else:
            assert ak.array_equal(found[name], values, equal_nan=True), name


def altered_models(folder: Path, factor: float = 1.5) -> Path:
    """A repository whose DeepMET has one matrix of weights that many times as large."""
    shutil.copytree(bundled("models") / "deepmet", folder / "deepmet")
    path = folder / "deepmet" / "1" / "model.onnx"
    model = onnx.load(path)
    largest = max(model.graph.initializer, key=lambda one: numpy_helper.to_array(one).size)
    weights = numpy_helper.to_array(largest)
    largest.CopyFrom(numpy_helper.from_array(weights * weights.dtype.type(factor), largest.name))
    onnx.save(model, path)
    return folder
