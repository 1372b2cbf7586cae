"""Local inference by onnxruntime, the only file that imports it."""

import contextlib
import functools
import json
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from sonicmini.errors import InferenceError, ModelError
from sonicmini.event import Array, Tensors
from sonicmini.inference.client import Runner
from sonicmini.inference.complexity import NodeRun, Shape
from sonicmini.inference.repository import ModelSpec, Signature, TensorSpec, check_signature

_ERRORS = (
    ort_errors.EPFail,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.ModelLoaded,
    ort_errors.ModelRequiresCompilation,
    ort_errors.NoModel,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
    RuntimeError,
    ValueError,
)

_DTYPES = {
    "tensor(bool)": np.bool_,
    "tensor(float16)": np.float16,
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    **{f"tensor({np.dtype(kind)})": kind for kind in (np.int8, np.int16, np.int32, np.int64)},
    **{f"tensor({np.dtype(kind)})": kind for kind in (np.uint8, np.uint16, np.uint32, np.uint64)},
}


class OnnxClient:
    """Evaluates models of a repository in this process, one core a call.

    Several calls may run at a time; onnxruntime releases the interpreter.
    """

    def __init__(self, specs: Mapping[str, ModelSpec], run: Runner) -> None:
        """Remembers the models, by the names under which they will be asked for."""
        self._specs = dict(specs)
        self._run = run
        self._sessions: dict[str, ort.InferenceSession] = {}
        self._loading = threading.Lock()

    def load(self) -> None:
        """Loads all models now instead of each at its first use.

        Raises:
            ModelError: if a network is unreadable or differs from its config.pbtxt; lists the
                faults of all of them.
        """
        faults = []
        for model in self._specs:
            try:
                self._session(model)
            except ModelError as error:
                faults.append(str(error))
        if faults:
            raise ModelError("\n".join(faults))

    async def infer(self, model: str, inputs: Tensors) -> Tensors:
        """Evaluates a model on dense inputs.

        Raises:
            InferenceError: if onnxruntime refuses the inputs or fails.
        """
        return await self._run(lambda: self._evaluate(model, inputs))

    def _evaluate(self, model: str, inputs: Tensors) -> dict[str, Array]:
        session = self._session(model)
        names = [output.name for output in self._specs[model].outputs]
        try:
            return dict(zip(names, session.run(names, dict(inputs)), strict=True))
        except _ERRORS as error:
            raise InferenceError(f"model {self._specs[model]} in onnxruntime: {error}") from error

    def _session(self, model: str) -> ort.InferenceSession:
        with self._loading:
            if model not in self._sessions:
                if model not in self._specs:
                    known = ", ".join(self._specs)
                    raise ModelError(f"model {model} is not among the job's models: {known}")
                self._sessions[model] = _open(self._specs[model], _options())
            return self._sessions[model]


def profile(spec: ModelSpec, inputs: Tensors) -> list[NodeRun]:
    """Runs a network once, as its file has it, and tells what its nodes did.

    Raises:
        ModelError: if the network is unreadable or differs from its config.pbtxt.
        InferenceError: if onnxruntime refuses the inputs or fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        options = _options()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        # Weights that are packed beforehand are not among the inputs of their node.
        options.add_session_config_entry("session.disable_prepacking", "1")
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = _open(spec, options)
        try:
            session.run(None, dict(inputs))
        except _ERRORS as error:
            raise InferenceError(f"model {spec} in onnxruntime: {error}") from error
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    return [_node_run(event["args"]) for event in events if event.get("cat") == "Node"]


def _node_run(arguments: Mapping[str, Any]) -> NodeRun:
    inputs, outputs = (
        tuple(shape for tensor in arguments[key] for shape in _shapes(tensor))
        for key in ("input_type_shape", "output_type_shape")
    )
    return NodeRun(arguments["op_name"], inputs, outputs)


def _shapes(tensor: Mapping[str, list[int]]) -> list[Shape]:
    """Of a tensor as the profile has it, ``{"float": [2, 8]}``."""
    return [tuple(shape) for shape in tensor.values()]


def _options() -> ort.SessionOptions:
    """Chosen by measurement: ``benchmarks/onnx_settings.py``.

    All graph optimisations, one thread a call (a second one burns as much CPU time again and gains
    little), an arena, without which each call gets its memory from the system and takes up to half
    as long again. Bound outputs and flushed denormals gain nothing.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # Shapes change from call to call: planned memory would be kept for each of them.
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    _share_arena()
    options.add_session_config_entry("session.use_env_allocators", "1")
    return options


@functools.cache
def _share_arena() -> None:
    """One arena for all networks of this process: each of its own would keep its largest need."""
    kind, place = ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, ort.OrtMemType.DEFAULT
    with contextlib.suppress(*_ERRORS):  # the process has registered one already
        ort.create_and_register_allocator(ort.OrtMemoryInfo("Cpu", kind, 0, place), None)


def _open(spec: ModelSpec, options: ort.SessionOptions) -> ort.InferenceSession:
    try:
        session = ort.InferenceSession(spec.path, options, providers=["CPUExecutionProvider"])
    except _ERRORS as error:
        raise ModelError(f"model {spec}: {spec.path} is unreadable: {error}") from error
    check_signature(spec, _signature(session), str(spec.path))
    return session


def _signature(session: ort.InferenceSession) -> Signature:
    return (
        [_tensor(node) for node in session.get_inputs()],
        [_tensor(node) for node in session.get_outputs()],
    )


def _tensor(node: ort.NodeArg) -> TensorSpec:
    dims = tuple(dim if isinstance(dim, int) else -1 for dim in node.shape)
    return TensorSpec(node.name, np.dtype(_DTYPES.get(node.type, np.object_)), dims)
