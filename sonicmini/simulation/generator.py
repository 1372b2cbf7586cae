"""Collisions from Pythia 8: each event is a function of its own seed and of nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from sonicmini.errors import ConfigError, SonicminiError
from sonicmini.simulation.processes import Process

MAX_SEED = 900_000_000
"""Largest seed of Pythia's random numbers; the smallest is 1."""

CM_PER_MM = 0.1

_ATTEMPTS = 100
_INTEGERS = ("id", "status", "mother1", "mother2", "daughter1", "daughter2")


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
        module = pythia_module()
        self._pythia = module.Pythia("", False)  # noqa: FBT003
        for setting in process.all_settings:
            if not self._pythia.readString(setting):
                raise SonicminiError(f"Pythia refuses the setting {setting!r} of {process.name}")
        self._hooks = _event_hooks(module, self._pythia)
        self._pythia.setUserHooksPtr(self._hooks)
        if not self._pythia.init():
            raise SonicminiError(f"Pythia cannot be initialised for {process.name}")
        self._charges: dict[int, int] = {}

    def generate(self, seeds: Sequence[int]) -> EventRecord:
        """Generates one event for each seed, which lie in 1 to :data:`MAX_SEED`."""
        self._hooks.expect(seeds)
        batch, ends = self._pythia.nextBatch(len(seeds)), self._hooks.ends
        if not len(seeds) == len(batch) == len(ends):
            # An event failed and another took its seed: one by one, each keeps its own.
            events = [self._event(seed) for seed in seeds]
            batch, ends = ak.concatenate([one for one, _ in events]), [end for _, end in events]
        columns = _columns(batch.layout)
        codes, weights = zip(*ends, strict=True)
        return EventRecord(
            charge=self._charge_of(columns["id"]),
            processId=np.array(codes, dtype=np.int32),
            weight=np.array(weights, dtype=np.float64),
            **columns,
        )

    def _event(self, seed: int) -> tuple[ak.Array, tuple[int, float]]:
        self._hooks.expect([seed])
        for _ in range(_ATTEMPTS):
            batch = self._pythia.nextBatch(1)
            if len(batch) == 1:
                return batch, self._hooks.ends[-1]
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


def _event_hooks(module: Any, pythia: Any) -> Any:  # noqa: ANN401
    """What Pythia calls before each event, to set its seed, and after it, to note what it was.

    ``nextBatch`` knows nothing of seeds and does not return the process. When there are no seeds
    left, random numbers go on as they are.
    """

    class EventHooks(module.UserHooks):  # type: ignore[misc]
        ends: list[tuple[int, float]]

        def expect(self, seeds: Sequence[int]) -> None:
            self._seeds = iter(seeds)
            self.ends = []

        def onBeginEvent(self) -> None:  # noqa: N802 (Pythia's name)
            for seed in self._seeds:
                pythia.rndm.init(int(seed))
                break

        def onEndEvent(self, _status: object) -> None:  # noqa: N802
            info = pythia.infoPython()
            self.ends.append((info.code(), info.weight()))

    hooks = EventHooks()
    hooks.expect([])
    return hooks


def _columns(layout: Any) -> dict[str, NDArray[Any]]:  # noqa: ANN401
    """Columns of nextBatch's events; reads the layout since array operations would cost more."""
    particles, info = layout.content("prt").content, layout.content("info")
    columns: dict[str, NDArray[Any]] = {
        name: ak.to_numpy(particles.content(name)) for name in _INTEGERS
    }
    columns["offsets"] = np.asarray(layout.content("prt").offsets.data, dtype=np.int64)
    momentum, vertex = particles.content("p"), particles.content("vProd")
    for axis in "xyz":
        columns[f"p{axis}"] = ak.to_numpy(momentum.content(f"p{axis}"))
        # Particles made at the collision may have no entry among the vertices.
        position = ak.fill_none(ak.Array(vertex)[f"p{axis}"], 0.0)
        columns[f"v{axis}"] = CM_PER_MM * ak.to_numpy(position)
    columns["energy"] = ak.to_numpy(momentum.content("e"))
    columns["mass"] = ak.to_numpy(particles.content("m"))
    for name, square in (("binvar", "pT2Hat"), ("scalePDF", "Q2Fac")):
        columns[name] = np.sqrt(np.maximum(ak.to_numpy(info.content(square)), 0.0))
    return columns
