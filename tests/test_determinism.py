"""Same input, same configuration: the same output, however the work is cut and spread."""

import pytest

from sonicmini.config import Overrides, load
from sonicmini.job import run_job
from sonicmini.resources import bundled
from tests.outputs import CONFIG, assert_same_physics, read_events, scores

SAMPLE = bundled("sample_data") / "ttbar_10.root"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("determinism")

    def run_with(**settings):
        output = folder / ("_".join(map(str, settings.values())) + ".root")
        overrides = Overrides(inputs=[SAMPLE, SAMPLE], output=output, overwrite=True, **settings)
        run_job(load(CONFIG, overrides))
        return read_events(output)

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
    assert scores().keys() <= reference.keys()
    assert_same_physics(other, reference, tolerance=1e-5)
