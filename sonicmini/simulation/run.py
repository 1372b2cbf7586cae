"""From a process name to an AOD-like file: generator, pileup, detector, output."""

import math
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import awkward as ak
import numpy as np

from sonicmini.errors import ConfigError
from sonicmini.event import Chunk
from sonicmini.io.root_sink import OutputOptions, RootSink
from sonicmini.io.schema import AOD, FORMAT_NAME, FORMAT_VERSION
from sonicmini.io.tree_writer import Algorithm
from sonicmini.simulation.generator import Generator, pythia_module, pythia_version
from sonicmini.simulation.genrecord import generator_products
from sonicmini.simulation.library import EVENTS as LIBRARY_EVENTS
from sonicmini.simulation.library import PileupLibrary, pileup_library
from sonicmini.simulation.overlay import overlay_pileup
from sonicmini.simulation.pool import ordered_map
from sonicmini.simulation.processes import find_process
from sonicmini.simulation.progress import Progress, no_progress
from sonicmini.simulation.seeds import event_seeds

BLOCK_EVENTS: Final = 100
"""Events simulated together, and the baskets of the file; the content does not depend on it."""

MAX_PILEUP: Final = 300.0
EVENTS_PER_LUMINOSITY_BLOCK: Final = 1000
COMPRESSION_LEVELS: Final[dict[Algorithm, int]] = {"ZSTD": 5}


@dataclass(frozen=True)
class SimulationOptions:
    """A sample to be simulated.

    Attributes:
        process: a name in ``processes.PROCESSES``.
        events: number of hard collisions.
        pileup: mean number of collisions laid over each.
        seed: the same seed gives the same events; the first ones of a larger sample are those of a
            smaller one.
        output: the file.
        workers: processes; the content does not depend on it.
        overwrite: replace an existing file, when the new one is whole.
        compression: of the file.
        compression_level: of the algorithm; None is one that costs little beside the simulation.
        library_events: how many different collisions pileup is drawn from. Each size is a library
            of its own in the cache.
    """

    process: str
    events: int
    pileup: float
    seed: int
    output: Path
    workers: int = 1
    overwrite: bool = False
    compression: Algorithm = "ZSTD"
    compression_level: int | None = None
    library_events: int = LIBRARY_EVENTS


@dataclass(frozen=True)
class Block:
    """Events of a sample that are simulated together."""

    process: str
    pileup: float
    seed: int
    library_events: int
    events: range


def simulate(options: SimulationOptions, progress: Progress = no_progress) -> None:
    """Simulates a sample and writes it as an AOD-like file.

    With more than one worker, a script that calls this needs ``if __name__ == "__main__":``, as for
    all processes that Python starts afresh.

    Raises:
        ConfigError: options that cannot be run, all in one message; Pythia is not installed.
        OutputError: the file cannot be written.
    """
    check_options(options)
    pythia_module()
    written = OutputOptions(
        compression=options.compression,
        level=options.compression_level or COMPRESSION_LEVELS.get(options.compression),
        overwrite=options.overwrite,
        basket_events=BLOCK_EVENTS,
    )
    file_format = (FORMAT_NAME, FORMAT_VERSION)
    with RootSink(options.output, AOD.values(), file_format=file_format, options=written) as sink:
        library = None
        if options.pileup > 0.0:
            library = pileup_library(options.workers, progress, events=options.library_events)
        blocks = sample_blocks(options)
        with (
            closing(ordered_map(simulate_block, blocks, options.workers)) as results,
            progress(f"simulating {options.process}", options.events) as advance,
        ):
            for block, products in zip(blocks, results, strict=True):
                sink.write(
                    Chunk(str(options.output), block.events.start, block.events.stop, products)
                )
                advance(len(block.events))
        sink.finish(provenance(options, library))


def check_options(options: SimulationOptions) -> None:
    """Refuses what cannot be simulated.

    Raises:
        ConfigError: lists all faults.
    """
    faults = []
    try:
        find_process(options.process)
    except ConfigError as error:
        faults.append(str(error))
    if options.events < 0:
        faults.append(f"the number of events is {options.events}; it cannot be negative")
    if not (math.isfinite(options.pileup) and 0.0 <= options.pileup <= MAX_PILEUP):
        faults.append(f"pileup is {options.pileup:g}; possible are 0 to {MAX_PILEUP:g} collisions")
    if options.seed < 0:
        faults.append(f"the seed is {options.seed}; it cannot be negative")
    if options.library_events < 1:
        faults.append(f"a library of {options.library_events} collisions is none to draw from")
    if options.workers < 1:
        faults.append(f"there are {options.workers} workers; at least one is needed")
    if faults:
        raise ConfigError("\n".join(faults))


def sample_blocks(options: SimulationOptions) -> list[Block]:
    """The blocks of a sample, in order."""
    starts = range(0, options.events, BLOCK_EVENTS)
    return [
        Block(
            options.process,
            options.pileup,
            options.seed,
            options.library_events,
            range(start, min(start + BLOCK_EVENTS, options.events)),
        )
        for start in starts
    ]


def simulate_block(block: Block) -> dict[str, ak.Array]:
    """All products of the AOD-like format for a block of events."""
    from sonicmini.simulation.detector import reconstruct  # noqa: PLC0415 (compiles)

    seeds = event_seeds(block.seed, block.events)
    record = _generator(block.process).generate(seeds.generator)
    library = _library(block.library_events) if block.pileup > 0.0 else None
    batch, products = overlay_pileup(record, library, block.pileup, seeds)
    vertex = products.pop("vertex")
    products |= generator_products(record) | reconstruct(batch) | _event_numbers(block.events)
    for axis in vertex.fields:
        products["Generator"] = ak.with_field(products["Generator"], vertex[axis], axis)
    return products


def provenance(options: SimulationOptions, library: PileupLibrary | None) -> Mapping[str, Any]:
    """How the sample was made, for the file's metadata."""
    process = find_process(options.process)
    packages = ("sonicmini", "numpy", "numba", "awkward", "uproot")
    return {
        "process": process.name,
        "title": process.title,
        "events": options.events,
        "seed": options.seed,
        "pileup": options.pileup,
        "generator": {"name": "Pythia", "settings": list(process.all_settings)},
        "pileupLibrary": None
        if library is None
        else {"events": library.size, "sha256": library.sha256},
        "versions": {"pythia8mc": pythia_version()}
        | {package: version(package) for package in packages},
    }


@lru_cache(maxsize=1)
def _generator(process: str) -> Generator:
    # Initialised once per process for all its blocks.
    return Generator(find_process(process))


@lru_cache(maxsize=1)
def _library(events: int) -> PileupLibrary:
    return pileup_library(events=events)


def _event_numbers(events: range) -> dict[str, ak.Array]:
    numbers = np.arange(events.start, events.stop)
    return {
        "run": ak.Array(np.ones(len(numbers), dtype=np.uint32)),
        "luminosityBlock": ak.Array((numbers // EVENTS_PER_LUMINOSITY_BLOCK + 1).astype(np.uint32)),
        "event": ak.Array((numbers + 1).astype(np.uint64)),
    }
