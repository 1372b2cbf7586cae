"""CMS's ParticleNet for AK4 jets, from a repository that SONICMINI_CMS_MODELS names.

The repository is cms-data/RecoBTag-Combined, folder ``models``. Six ragged inputs of two lengths.
"""

import asyncio
import os
from pathlib import Path

import numpy as np
import pytest

from sonicmini.event import Ragged
from sonicmini.inference.batching import Batching
from sonicmini.inference.onnx import OnnxClient
from sonicmini.inference.repository import ModelRepository
from sonicmini.inference.route import Direct
from sonicmini.inference.service import InferenceService, ServiceOptions

FOLDER = os.environ.get("SONICMINI_CMS_MODELS", "")
MODEL = "particlenet_AK4"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER, reason="SONICMINI_CMS_MODELS names no model repository"),
]


async def run_here(function):
    return function()


def jets(objects):
    rng = np.random.default_rng(8)
    pf = rng.integers(1, 51, objects)
    sv = rng.integers(0, 6, objects)
    return {
        f"{kind}_{what}": Ragged(
            np.ones((counts.sum(), 1), np.float32)
            if what == "mask"
            else rng.normal(size=(counts.sum(), width)).astype(np.float32),
            counts,
            axis=1,
        )
        for kind, counts, features in (("pf", pf, 20), ("sv", sv, 11))
        for what, width in (("points", 2), ("features", features), ("mask", 1))
    }


def scores(inputs, batching):
    specs = ModelRepository(Path(FOLDER)).specs([MODEL])
    backend = Direct("here", OnnxClient(specs, run_here))
    service = InferenceService(
        {MODEL: (specs[MODEL], backend)}, run_here, options=ServiceOptions(batching=batching)
    )
    return asyncio.run(service.infer(MODEL, inputs))["softmax"]


def test_scores_do_not_depend_on_buckets_or_requests():
    inputs = jets(150)
    fixed = scores(inputs, Batching(buckets=(50,)))
    assert fixed.shape == (150, 8)
    np.testing.assert_allclose(fixed.sum(1), 1, rtol=1e-5)
    assert fixed.std(0).max() > 0.01  # the jets do differ
    for batching in (Batching(), Batching(max_rows=1), Batching(max_rows=7, buckets=())):
        np.testing.assert_allclose(scores(inputs, batching), fixed, atol=1e-5)
