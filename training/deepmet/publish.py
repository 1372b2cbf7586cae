"""Exported networks in the model repository: their configuration, and what they answer."""

import asyncio
import copy
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from sonicmini.event import Ragged
from sonicmini.inference.onnx import OnnxClient
from sonicmini.inference.repository import ModelRepository
from sonicmini.inference.route import Direct
from sonicmini.inference.service import InferenceService
from sonicmini.modules.networks.deepmet import SCALE
from training.deepmet.features import Features
from training.deepmet.network import DeepMETNetwork
from training.deepmet.train import predict

T = TypeVar("T")

_AGENT: Final = """\
model_repository_agents {{
  agents {{
    name: "checksum"
{}  }}
}}
"""
_CHECKSUM: Final = """\
    parameters {{
      key: "MD5:{}/model.onnx"
      value: "{}"
    }}
"""


def write_config(folder: Path) -> None:
    """Writes config.pbtxt with the checksums of the versions that are there, as CMS's."""
    config = (Path(__file__).parent / "config.pbtxt").read_text(encoding="utf-8")
    sums = [
        _CHECKSUM.format(path.parent.name, hashlib.md5(path.read_bytes()).hexdigest())  # noqa: S324
        for path in sorted(folder.glob("*/model.onnx"))
    ]
    (folder / "config.pbtxt").write_text(config + _AGENT.format("".join(sums)), encoding="utf-8")


def verify(network: DeepMETNetwork, repository: Path, model: str, features: Features) -> float:
    """Largest difference of an exported network from torch, relative to 1 + the answer's size.

    torch computes with double precision, so that the difference is the exported network's error.
    """
    exact = copy.deepcopy(network).double()
    expected = predict(exact, features, dtype=torch.float64) / SCALE
    found = infer(repository, model, features)
    return float(np.max(np.abs(found - expected) / (1 + np.abs(expected))))


def infer(repository: Path, model: str, features: Features) -> NDArray[np.float32]:
    """Answers of an exported network, over 50 GeV, through the package's own service."""

    async def run_here(function: Callable[[], T]) -> T:
        return function()

    specs = ModelRepository(repository).specs([model])
    client = OnnxClient(specs, run_here)
    service = InferenceService({model: (specs[model], Direct("here", client))}, run_here)
    category = features.category.astype(np.int64)
    columns = (category // 44, category // 4 % 11, category % 4)
    inputs = {"input": Ragged(features.content, features.counts)} | {
        f"input_cat{index}": Ragged(column[:, np.newaxis], features.counts)
        for index, column in enumerate(columns)
    }
    answer = asyncio.run(service.infer(model, inputs))["output/BiasAdd"]
    return np.asarray(answer, np.float32)
