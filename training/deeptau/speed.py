"""What it saves that the nets of cells see occupied cells only."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from sonicmini.event import Sparse
from training.deeptau.candidates import Candidates
from training.deeptau.export import export
from training.deeptau.layout import BLOCKS, GRIDS, input_name
from training.deeptau.network import DeepTauNetwork

REQUEST: Final = 4
"""Taus of a request: as many as the package puts into one."""

_REQUESTS: Final = 30


@dataclass(frozen=True)
class Speed:
    """CPU time of onnxruntime for a tau on one core, in seconds.

    Attributes:
        occupied: of the network as it is exported.
        every: of the same network that evaluates every cell.
    """

    occupied: float
    every: float


def measure_speed(network: DeepTauNetwork, candidates: Candidates) -> Speed:
    """Times both networks on the same requests, one after the other; the median counts."""
    with tempfile.TemporaryDirectory() as folder:
        sessions = []
        for every_cell in (False, True):
            path = Path(folder) / f"{every_cell}.onnx"
            export(network, path, every_cell=every_cell)
            sessions.append(_session(path))
    found: list[list[float]] = [[], []]
    for start in range(0, _REQUESTS * REQUEST, REQUEST):
        inputs = dense(candidates, np.arange(start, start + REQUEST) % len(candidates))
        for session, times in zip(sessions, found, strict=True):
            session.run(None, inputs)
            started = time.process_time()
            session.run(None, inputs)
            times.append((time.process_time() - started) / REQUEST)
    return Speed(*(float(np.median(times)) for times in found))


def dense(candidates: Candidates, indices: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
    """Some of the candidates as they are sent to a server."""
    tensors = candidates.tensors(indices)
    found = {"input_tau": candidates.tau[indices]}
    for grid, size in GRIDS.items():
        for block, width in BLOCKS.items():
            cells = tensors[input_name(grid, block)]
            if isinstance(cells, Sparse):
                whole = np.zeros((len(indices), size, size, width), np.float32)
                owner = np.repeat(np.arange(len(indices)), cells.counts)
                whole[(owner, *cells.position.T)] = cells.content
                found[input_name(grid, block)] = whole
    return found


def _session(path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
