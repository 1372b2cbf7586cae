"""The model's folder in the repository: what a server reads, and asking the exported network."""

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from sonicmini.inference.onnx import OnnxClient
from sonicmini.inference.repository import ModelRepository
from sonicmini.inference.route import Direct
from sonicmini.inference.service import InferenceService
from training.deeptau.candidates import Candidates
from training.deeptau.dataset import MODEL
from training.deeptau.layout import BLOCKS, CLASSES, GRIDS, OUTPUT, TAU_FEATURES, input_name

T = TypeVar("T")

NETWORK: Final = Path("1") / "model.onnx"
LABELS: Final = "deeptau_labels.txt"

_CONFIG: Final = """\
name: "{name}"
platform: "onnxruntime_onnx"
max_batch_size: 1000
input [
{inputs}
]
output [
  {{
    name: "{output}"
    data_type: TYPE_FP32
    dims: [ {classes} ]
    label_filename: "{labels}"
  }}
]
dynamic_batching {{
  preferred_batch_size: [ 16, 32 ]
}}
model_repository_agents {{
  agents [
    {{
      name: "checksum"
      parameters {{
        key: "MD5:{network}"
        value: "{md5}"
      }}
    }}
  ]
}}
"""

_INPUT: Final = """\
  {{
    name: "{name}"
    data_type: TYPE_FP32
    dims: [ {dims} ]
  }}"""

_AT_A_TIME: Final = 2_000


def describe(folder: Path) -> None:
    """Writes ``config.pbtxt``, with the checksum of the network that is there, and the labels."""
    dims = {"input_tau": [TAU_FEATURES]}
    for grid, size in GRIDS.items():
        dims |= {input_name(grid, block): [size, size, width] for block, width in BLOCKS.items()}
    inputs = (
        _INPUT.format(name=name, dims=", ".join(map(str, sizes))) for name, sizes in dims.items()
    )
    config = _CONFIG.format(
        name=MODEL,
        inputs=",\n".join(inputs),
        output=OUTPUT,
        classes=len(CLASSES),
        labels=LABELS,
        network=NETWORK.as_posix(),
        md5=hashlib.md5((folder / NETWORK).read_bytes(), usedforsecurity=False).hexdigest(),
    )
    (folder / "config.pbtxt").write_text(config, encoding="utf-8")
    (folder / LABELS).write_text("".join(f"{name}\n" for name in CLASSES), encoding="utf-8")


def infer(repository: Path, candidates: Candidates) -> NDArray[np.float32]:
    """Answers of the exported network through the package's own service, shape (candidates, 4)."""

    async def run_here(function: Callable[[], T]) -> T:
        return function()

    specs = ModelRepository(repository).specs([MODEL])
    client = OnnxClient(specs, run_here)
    service = InferenceService({MODEL: (specs[MODEL], Direct("here", client))}, run_here)

    async def answers() -> list[NDArray[np.float32]]:
        found = []
        for start in range(0, len(candidates), _AT_A_TIME):
            indices = np.arange(start, min(start + _AT_A_TIME, len(candidates)))
            outputs = await service.infer(MODEL, candidates.tensors(indices))
            found.append(np.asarray(outputs[OUTPUT], np.float32))
        return found

    return np.concatenate([np.empty((0, len(CLASSES)), np.float32), *asyncio.run(answers())])
