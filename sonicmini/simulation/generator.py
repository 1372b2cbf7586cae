"""Collisions from Pythia 8: each event is a function of its own seed and of nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sonicmini.errors import ConfigError, SonicminiError
from sonicmini.simulation.processes import Process

MAX_SEED = 900_000_000
"""Largest seed of Pythia's random numbers; the smallest is 1."""

CM_PER_MM = 0.1

_ATTEMPTS = 100
_INTEGERS = ("id", "status", "mother1", "mother2", "daughter1", "daughter2")
_FLOATS = ("px", "py", "pz", "energy", "mass", "vx", "vy", "vz")


@dataclass(frozen=True)
class EventRecord:
    """Pythia's complete event records, flat, with one offset per event.

    Attributes:
        offsets: int64, shape ``(events + 1,)``.
        id, status, mother1, mother2, daughter1, daughter2: int32 as Pythia gives them; mothers and
            daughters count from the start of their event, 0 means none.
        px, py, pz, energy, mass: float64, GeV.
        vx, vy, vz: production vertex relative to the collision, float64, cm.
        charge: int8.
        weight, binvar, scalePDF: float64, one per event; the latter two in GeV.
        processId: int32, one per event.
    """

    offsets: NDArray[np.int64]
    id: NDArray[np.int32]
    status: NDArray[np.int32]
    mother1: NDArray[np.int32]
    mother2: NDArray[np.int32]
    daughter1: NDArray[np.int32]
    daughter2: NDArray[np.int32]
    px: NDArray[np.float64]
    py: NDArray[np.float64]
    pz: NDArray[np.float64]
    energy: NDArray[np.float64]
    mass: NDArray[np.float64]
    vx: NDArray[np.float64]
    vy: NDArray[np.float64]
    vz: NDArray[np.float64]
    charge: NDArray[np.int8]
    weight: NDArray[np.float64]
    binvar: NDArray[np.float64]
    scalePDF: NDArray[np.float64]
    processId: NDArray[np.int32]

    @property
    def size(self) -> int:
        """Number of events."""
        return len(self.offsets) - 1


class Generator:
    """Pythia, initialised for one process.

    The initialisation uses a fixed seed, and Pythia keeps nothing from one event for the next but
    the state of its random numbers, which every event sets anew. Events can therefore be generated
    in any order and by any number of processes.

    Raises:
        ConfigError: Pythia is not installed.
        SonicminiError: Pythia refuses the settings.
    """

    def __init__(self, process: Process) -> None:
        self._pythia = pythia_module().Pythia("", False)  # noqa: FBT003
        for setting in process.all_settings:
            if not self._pythia.readString(setting):
                raise SonicminiError(f"Pythia refuses the setting {setting!r} of {process.name}")
        if not self._pythia.init():
            raise SonicminiError(f"Pythia cannot be initialised for {process.name}")
        self._charges: dict[int, int] = {}

    def generate(self, seeds: Sequence[int]) -> EventRecord:
        """Generates one event for each seed, which lie in 1 to :data:`MAX_SEED`."""
        events = [self._event(seed) for seed in seeds]
        sizes = [len(event["id"]) for event in events]
        columns = {
            name: np.concatenate([event[name] for event in events])
            for name in (*_INTEGERS, *_FLOATS)
        }
        per_event = {
            name: np.array([event[name] for event in events])
            for name in ("weight", "binvar", "scalePDF")
        }
        return EventRecord(
            offsets=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            charge=self._charge_of(columns["id"]),
            processId=np.array([event["processId"] for event in events], dtype=np.int32),
            **columns,
            **per_event,
        )

    def _event(self, seed: int) -> dict[str, Any]:
        self._pythia.rndm.init(int(seed))
        for _ in range(_ATTEMPTS):
            batch = self._pythia.nextBatch(1)
            if len(batch) == 1:
                return _columns(batch.layout) | {"processId": self._pythia.infoPython().code()}
        raise SonicminiError(f"Pythia failed {_ATTEMPTS} times in a row from the seed {seed}")

    def charge(self, pdg_id: int) -> int:
        """Electric charge of a particle; 0 for quarks and other parts of hadrons."""
        if pdg_id not in self._charges:
            self._charges[pdg_id] = int(self._pythia.particleData.charge(pdg_id))
        return self._charges[pdg_id]

    def _charge_of(self, ids: NDArray[np.int32]) -> NDArray[np.int8]:
        unique, inverse = np.unique(ids, return_inverse=True)
        charges = np.array([self.charge(pdg_id) for pdg_id in unique.tolist()], dtype=np.int8)
        return charges[inverse]


def pythia_module() -> Any:  # noqa: ANN401
    """Imports Pythia.

    Raises:
        ConfigError: it is not installed; says how to.
    """
    try:
        import pythia8mc  # noqa: PLC0415 (optional)
    except ImportError as error:
        raise ConfigError(
            "simulation needs Pythia 8, which is not installed: pip install 'sonicmini[sim]'"
        ) from error
    return pythia8mc


def pythia_version() -> str:
    """Version of the installed Pythia package.

    Raises:
        ConfigError: it is not installed; says how to.
    """
    from importlib.metadata import version  # noqa: PLC0415

    return version(pythia_module().__name__)


def _columns(layout: Any) -> dict[str, Any]:  # noqa: ANN401
    """One event of nextBatch; layouts are read directly since array operations would cost more."""
    particles = layout.content("prt").content
    info = layout.content("info")
    columns: dict[str, Any] = {name: particles.content(name).data for name in _INTEGERS}
    momentum, vertex = particles.content("p"), particles.content("vProd")
    # Particles made at the collision have no entry among the vertices.
    index = vertex.index.data
    displaced = index >= 0
    for axis in "xyz":
        columns[f"p{axis}"] = momentum.content(f"p{axis}").data
        position = np.zeros(len(index))
        position[displaced] = CM_PER_MM * vertex.content.content(f"p{axis}").data[index[displaced]]
        columns[f"v{axis}"] = position
    columns["energy"] = momentum.content("e").data
    columns["mass"] = particles.content("m").data
    columns["weight"] = float(info.content("weights").content.data[0])
    columns["binvar"] = float(max(0.0, info.content("pT2Hat").data[0])) ** 0.5
    columns["scalePDF"] = float(max(0.0, info.content("Q2Fac").data[0])) ** 0.5
    return columns
