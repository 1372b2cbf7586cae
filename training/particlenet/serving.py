"""What a server is told of an exported network: ``config.pbtxt`` and the labels, as CMS's."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from training.particlenet.export import shapes
from training.particlenet.options import Interface

LABELS: Final = "particlenet_labels.txt"
NETWORK: Final = "1/model.onnx"


@dataclass(frozen=True)
class _Batches:
    """Largest number of jets of a request, and the number that a server waits for."""

    most: int
    preferred: int


_BATCHES: Final = {
    "particlenet_AK4": _Batches(500, 200),
    "particlenet": _Batches(160, 80),
    "particlenet_AK8_MD-2prong": _Batches(160, 128),
    "particlenet_AK8_MassRegression": _Batches(200, 200),
}
"""CMS's numbers, by the names of the networks in the model repository."""


def write_config(interface: Interface, folder: Path) -> None:
    """Writes ``config.pbtxt`` with the network's MD5 checksum, and the labels of its classes.

    Args:
        interface: of the network.
        folder: of the model in the repository, with the exported network; its name is the model's.
    """
    if interface.labels:
        lines = "".join(f"{label}\n" for label in interface.labels)
        (folder / LABELS).write_text(lines, encoding="utf-8")
    (folder / "config.pbtxt").write_text(_config(interface, folder), encoding="utf-8")


def _config(interface: Interface, folder: Path) -> str:
    inputs, outputs = shapes(interface)
    batches = _BATCHES[folder.name]
    # A server checks that the file is whole; nothing is kept secret by it.
    checksum = hashlib.md5((folder / NETWORK).read_bytes(), usedforsecurity=False).hexdigest()
    return f"""name: "{folder.name}"
platform: "onnxruntime_onnx"
max_batch_size: {batches.most}
input [{", ".join(_tensor(*one) for one in inputs.items())}]
output [{", ".join(_tensor(*one, labels=interface.labels) for one in outputs.items())}]
dynamic_batching {{
  preferred_batch_size: [{batches.preferred}]
}}
optimization {{
  graph {{
    level: -1
  }}
}}
model_repository_agents {{
  agents [{{
    name: "checksum"
    parameters {{
      key: "MD5:{NETWORK}"
      value: "{checksum}"
    }}
  }}]
}}
"""


def _tensor(name: str, shape: list[str | int], labels: tuple[str, ...] = ()) -> str:
    """A tensor without its batch dimension; variable ones are -1."""
    dims = ", ".join(str(dim) if isinstance(dim, int) else "-1" for dim in shape[1:])
    file = f'\n  label_filename: "{LABELS}"' if labels else ""
    return f"""{{
  name: "{name}"
  data_type: TYPE_FP32
  dims: [{dims}]{file}
}}"""
