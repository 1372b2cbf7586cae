"""Triton's ``onnxruntime`` backend, run by the server's own Python: onnxruntime on the CPU.

Not imported by this package: the server gets a copy of this file, beside Triton's Python backend.
It honours what NVIDIA's backend of the same name honours in a config.pbtxt of ours, so that both
take the same model folders: ``default_model_filename`` and the parameters
``intra_op_thread_count`` and ``inter_op_thread_count``.
"""

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import triton_python_backend_utils as pb_utils  # type: ignore[import-not-found]

# The stub that runs this file was built for numpy 1. With numpy 2 its own conversions give wrong
# values of the right shape; those of DLPack are exact, but unknown to the stub with numpy 1.
_OLD_NUMPY = np.lib.NumpyVersion(np.__version__) < "2.0.0"
if not _OLD_NUMPY:
    # Each tensor handed over by DLPack leaves a harmless complaint of its capsule's destructor.
    sys.unraisablehook = lambda _: None


class TritonPythonModel:
    """One instance of a model, as Triton's Python backend wants it."""

    def initialize(self, args: dict[str, str]) -> None:
        """Loads the network; an exception here is the reason that Triton reports."""
        config = json.loads(args["model_config"])
        file = config.get("default_model_filename") or "model.onnx"
        path = Path(args["model_repository"]) / args["model_version"] / file
        options = ort.SessionOptions()
        options.intra_op_num_threads = _count(config, "intra_op_thread_count")
        options.inter_op_num_threads = _count(config, "inter_op_thread_count")
        # Shapes change from request to request: planned memory would be kept for each of them.
        options.enable_mem_pattern = False
        options.log_severity_level = 3
        self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._outputs = [output["name"] for output in config["output"]]

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answers each request, with an error of its own where one fails."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:  # noqa: ANN401 - the stub's own types
        wanted = set(request.requested_output_names())
        names = [name for name in self._outputs if name in wanted] or self._outputs
        try:
            arrays = self._session.run(names, {t.name(): _array(t) for t in request.inputs()})
        except Exception as error:  # noqa: BLE001 - any failure is the answer to this request only
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(str(error)))
        return pb_utils.InferenceResponse(
            [_tensor(name, array) for name, array in zip(names, arrays, strict=True)]
        )


def _count(config: dict[str, Any], parameter: str) -> int:
    return int(config.get("parameters", {}).get(parameter, {}).get("string_value", 1))


def _array(tensor: Any) -> Any:  # noqa: ANN401 - the stub's own types
    return tensor.as_numpy() if _OLD_NUMPY else np.from_dlpack(tensor)


def _tensor(name: str, array: Any) -> Any:  # noqa: ANN401 - the stub's own types
    if _OLD_NUMPY:
        return pb_utils.Tensor(name, array)
    array = np.require(array, requirements=["C", "W"])
    if not array.size:
        # numpy counts an empty axis as one row in the strides, the stub as none.
        strides = [array.itemsize * math.prod(array.shape[i + 1 :]) for i in range(array.ndim)]
        array = np.lib.stride_tricks.as_strided(array, strides=strides)
    return pb_utils.Tensor.from_dlpack(name, array)
