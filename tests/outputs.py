"""Workflows and runs of them, comparing outputs of runs, and networks that answer otherwise."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import onnx
import uproot
from onnx import numpy_helper

from sonicmini.config import Overrides, load
from sonicmini.io.miniaod import MINIAOD
from sonicmini.io.schema import Branch
from sonicmini.job import run_job
from sonicmini.module import SonicProducer
from sonicmini.plugins import instantiate, resolve
from sonicmini.report import Report
from sonicmini.resources import bundled
from tests.model_folders import one_version

CONFIG = bundled("configs") / "miniaod.yaml"
"""All modules and networks."""
WORKFLOW = Path(__file__).parent / "workflows" / "deepmet.yaml"
"""One network and what it needs, for tests of what is between modules and servers."""
MODEL = "deepmet/1"
"""That network."""


def read_events(path: Path) -> dict[str, ak.Array]:
    """All branches."""
    with uproot.open(path) as file:
        return dict(file["Events"].arrays(how=dict))


def run_sample(
    output: Path, *assignments: str, workflow: Path = CONFIG, **overrides: Any
) -> tuple[dict[str, ak.Array], Report, dict[str, Any]]:
    """Runs a workflow on ten events in chunks of three: events, report, provenance."""
    given = Overrides(
        inputs=[bundled("sample_data") / "ttbar_10.root"],
        output=output,
        overwrite=True,
        chunk_size=3,
        assignments=assignments,
        **overrides,
    )
    report = run_job(load(workflow, given))
    with uproot.open(output) as file:
        provenance = json.loads(file["Runs/provenance"].array()[0])
    return read_events(output), report, provenance


def networks(workflow: Path) -> dict[str, SonicProducer]:
    """The networks of a workflow by their labels."""
    entries = load(workflow).modules
    modules = {
        label: instantiate(resolve(one.type), one.parameters) for label, one in entries.items()
    }
    return {label: one for label, one in modules.items() if isinstance(one, SonicProducer)}


@cache
def scores() -> dict[str, Branch]:
    """The branches of real numbers that the networks of the bundled workflow fill."""
    tables = [MINIAOD[name] for one in networks(CONFIG).values() for name in one.produces]
    return {
        table.branch_name(branch): branch
        for table in tables
        for branch in table.branches
        if branch.dtype == "float32"
    }


def assert_same_physics(
    found: dict[str, Any], expected: dict[str, Any], tolerance: float = 1e-4
) -> None:
    """Scores within a tolerance, everything else exactly.

    The tolerance is relative, and absolute in GeV, radian or score. Sums in another order may end
    on the other side of a step of the precision that the file keeps.
    """
    assert list(found) == list(expected)
    for name, values in expected.items():
        if name in scores():
            assert_close(found[name], values, tolerance, scores()[name])
        else:
            assert ak.array_equal(found[name], values, equal_nan=True), name


def assert_close(found: ak.Array, expected: ak.Array, tolerance: float, branch: Branch) -> None:
    """Within a tolerance, and one step of the branch's precision; a full turn is no difference."""
    there, here = (ak.to_numpy(ak.ravel(array)).astype(np.float64) for array in (found, expected))
    difference = there - here
    if branch.unit == "rad":
        difference = (difference + np.pi) % (2 * np.pi) - np.pi
    step = 0 if branch.bits is None else 2.0**-branch.bits
    limit = tolerance + (tolerance + step) * np.abs(here)
    assert (np.abs(difference) <= limit).all(), f"{branch.name}: {difference} beyond {limit}"


def altered_models(folder: Path, factor: float = 1.5) -> Path:
    """A repository whose DeepMET has one matrix of weights that many times as large."""
    path = one_version(folder, "deepmet") / "1" / "model.onnx"
    model = onnx.load(path)
    largest = max(model.graph.initializer, key=lambda one: numpy_helper.to_array(one).size)
    weights = numpy_helper.to_array(largest)
    largest.CopyFrom(numpy_helper.from_array(weights * weights.dtype.type(factor), largest.name))
    onnx.save(model, path)
    return folder
