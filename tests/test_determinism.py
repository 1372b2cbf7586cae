"""Same input, same configuration: the same output, however the work is cut and spread."""

import awkward as ak
import numpy as np
import pytest
import uproot

from sonicmini.config import Overrides, load
from sonicmini.job import run_job
from sonicmini.resources import bundled

CONFIG = bundled("configs") / "miniaod.yaml"
SAMPLE = bundled("sample_data") / "ttbar_10.root"
SCORES = ("DeepMETResolutionTune",)
SCORE_TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("determinism")

    def run_with(**settings):
        output = folder / ("_".join(map(str, settings.values())) + ".root")
        overrides = Overrides(inputs=[SAMPLE, SAMPLE], output=output, overwrite=True, **settings)
        run_job(load(CONFIG, overrides))
        with uproot.open(output) as file:
            return file["Events"].arrays(how=dict)

    return run_with


@pytest.fixture(scope="module")
def reference(run):
    return run(chunk_size=100, streams=1, threads=1)


@pytest.mark.parametrize(
    ("chunk_size", "streams", "threads"), [(100, 4, 2), (1, 3, 2), (3, 8, 3), (7, 2, 1)]
)
def test_output_does_not_depend_on_chunks_streams_and_threads(
    run, reference, chunk_size, streams, threads
):
    other = run(chunk_size=chunk_size, streams=streams, threads=threads)
    assert list(other) == list(reference)
    for name, expected in reference.items():
        if name.startswith(SCORES):
            difference = ak.to_numpy(other[name]) - ak.to_numpy(expected)
            if name.endswith("phi"):
                difference = (difference + np.pi) % (2 * np.pi) - np.pi
            np.testing.assert_allclose(difference, 0, atol=SCORE_TOLERANCE * 100)
        else:
            assert ak.array_equal(other[name], expected, equal_nan=True), name
