"""The library of inelastic collisions from which pileup is drawn, made once and cached."""

import hashlib
import os
import zipfile
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sonicmini.errors import OutputError
from sonicmini.io.partial_file import PartialFile, output_errors
from sonicmini.simulation.generator import EventRecord, Generator, pythia_version
from sonicmini.simulation.kernel import Ints, Records
from sonicmini.simulation.pool import ordered_map
from sonicmini.simulation.processes import MINBIAS
from sonicmini.simulation.progress import Progress, no_progress
from sonicmini.simulation.seeds import event_seeds

VERSION: Final = 1
"""Of the library's format; change it with anything that changes its content."""

EVENTS: Final = 20_000
SEED: Final = 20_260
PT_MIN: Final = 0.15
ETA_MAX: Final = 5.3

_BLOCK: Final = 500
_NEUTRINOS: Final = (12, 14, 16)

PARTICLE = np.dtype(
    [
        ("pdgId", np.int32),
        ("charge", np.int8),
        *((name, np.float32) for name in ("px", "py", "pz", "mass", "vx", "vy", "vz")),
    ]
)


@dataclass(frozen=True)
class PileupLibrary:
    """Stable particles of inelastic collisions that can reach the detector.

    Attributes:
        offsets: int64, shape ``(events + 1,)``.
        particles: of type :data:`PARTICLE`; GeV, and cm relative to the collision.
    """

    offsets: Ints
    particles: Records

    @property
    def size(self) -> int:
        """Number of collisions."""
        return len(self.offsets) - 1

    @cached_property
    def sha256(self) -> str:
        """Digest of the content."""
        digest = hashlib.sha256(self.offsets.tobytes())
        digest.update(self.particles.tobytes())
        return digest.hexdigest()


def pileup_library(
    workers: int = 1, progress: Progress = no_progress, *, events: int = EVENTS
) -> PileupLibrary:
    """Loads the library from the user's cache, or makes it if it is not there or damaged.

    Args:
        workers: processes that make it.
        progress: shows how far its making is.
        events: its size; the default is what samples are made with.

    Raises:
        ConfigError: Pythia is not installed.
        OutputError: the cache cannot be written.
    """
    path = library_path(events)
    library = _read(path)
    if library is None:
        library = make_library(events, workers, progress)
        write_library(library, path)
    return library


def library_path(events: int = EVENTS) -> Path:
    """Where the library is cached; the name contains a digest of the recipe."""
    recipe = repr((VERSION, MINBIAS.all_settings, pythia_version(), events, SEED, PT_MIN, ETA_MAX))
    key = hashlib.sha256(recipe.encode()).hexdigest()[:16]
    return cache_folder() / f"minbias_{events}_{key}.npz"


def cache_folder() -> Path:
    """The package's folder in the user's cache, by the XDG base directory specification."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(root) if Path(root).is_absolute() else Path.home() / ".cache") / "sonicmini"


def make_library(events: int, workers: int = 1, progress: Progress = no_progress) -> PileupLibrary:
    """Generates the library; the content depends on the number of events alone.

    Raises:
        ConfigError: Pythia is not installed.
    """
    blocks = [range(start, min(start + _BLOCK, events)) for start in range(0, events, _BLOCK)]
    sizes, particles = [], []
    with (
        closing(ordered_map(_library_block, blocks, workers)) as results,
        progress("making the pileup library, once", events) as advance,
    ):
        for block_sizes, block_particles in results:
            sizes.append(block_sizes)
            particles.append(block_particles)
            advance(len(block_sizes))
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int64)
    return PileupLibrary(offsets, np.concatenate(particles))


def _library_block(events: range) -> tuple[Ints, Records]:
    record = _minbias_generator().generate(event_seeds(SEED, events).generator)
    visible = _visible(record)
    particles = np.empty(np.count_nonzero(visible), dtype=PARTICLE)
    for name in PARTICLE.fields or ():
        particles[name] = getattr(record, "id" if name == "pdgId" else name)[visible]
    counts = np.add.reduceat(visible, record.offsets[:-1], dtype=np.int64)
    return counts, particles


@lru_cache(maxsize=1)
def _minbias_generator() -> Generator:
    # Seconds of initialisation, once per process.
    return Generator(MINBIAS)


def _visible(record: EventRecord) -> NDArray[np.bool_]:
    """Final particles that are no neutrinos and inside the detector's acceptance."""
    pt = np.hypot(record.px, record.py)
    inside = (pt > PT_MIN) & (np.abs(record.pz) < np.sinh(ETA_MAX) * pt)
    visible: NDArray[np.bool_] = (record.status > 0) & inside
    return visible & ~np.isin(np.abs(record.id), _NEUTRINOS)


def _read(path: Path) -> PileupLibrary | None:
    """The library, or None if there is no file or its content is not what was written."""
    try:
        with path.open("rb") as file, np.load(file) as content:
            library = PileupLibrary(content["offsets"], content["particles"])
            return library if str(content["sha256"]) == library.sha256 else None
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None


def write_library(library: PileupLibrary, path: Path) -> None:
    """Caches a library; the file appears when it is whole.

    Raises:
        OutputError: the cache cannot be written.
    """
    try:
        with output_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        file = PartialFile(path, overwrite=True)
        try:
            with output_errors(path):
                np.savez(
                    file.handle,
                    offsets=library.offsets,
                    particles=library.particles,
                    sha256=np.array(library.sha256),
                )
        except BaseException:
            file.discard()
            raise
        file.publish()
    except OutputError as error:
        raise OutputError(f"{error}; XDG_CACHE_HOME can name another folder") from error
