# ruff: noqa: INP001 (a script, no package)
"""Makes the bundled samples and their manifest again.

    python sample_data/make.py [--workers K] [--folder FOLDER]

The events are the same each time with the same versions; the files differ in the time stamps and
identifiers that ROOT puts into them, hence the checksums too.
"""

import argparse
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uproot  # noqa: TID251 (looks at what was written as anyone would)

from sonicmini.progress import progress_bar
from sonicmini.simulation.run import SimulationOptions, simulate

PILEUP = 35
COMPRESSION_LEVEL = 19
"""Slow to write, as fast to read as any: the files are kept for ever."""


@dataclass(frozen=True)
class Sample:
    """A file to be made."""

    name: str
    process: str
    events: int
    seed: int

    @property
    def command(self) -> str:
        """What makes the same events on the command line."""
        numbers = f"--events {self.events} --pileup {PILEUP} --seed {self.seed}"
        level = f"--compression-level {COMPRESSION_LEVEL}"
        return f"sonicmini simulate {self.process} {numbers} {level} -o {self.name}"


SAMPLES = (
    # The first ten events of ttbar.root, small enough for the wheel.
    Sample("ttbar_10.root", "ttbar", 10, seed=1),
    Sample("ttbar.root", "ttbar", 300, seed=1),
    Sample("zprime_tt.root", "zprime_tt", 100, seed=2),
    Sample("ztautau.root", "ztautau", 100, seed=3),
)


def make(sample: Sample, folder: Path, workers: int) -> dict[str, Any]:
    """Simulates a sample; returns its entry in the manifest."""
    options = SimulationOptions(
        process=sample.process,
        events=sample.events,
        pileup=PILEUP,
        seed=sample.seed,
        output=folder / sample.name,
        workers=workers,
        overwrite=True,
        compression_level=COMPRESSION_LEVEL,
    )
    simulate(options, progress_bar)
    return describe(sample, options.output)


def describe(sample: Sample, path: Path) -> dict[str, Any]:
    """The manifest's entry of a file, with what the file says of itself."""
    with uproot.open(path) as file:
        provenance = json.loads(file["Runs"]["provenance"].array(library="np")[0])
        events = file["Events"].num_entries
    return {
        "file": sample.name,
        "command": sample.command,
        "title": provenance["title"],
        "events": events,
        "pileup": provenance["pileup"],
        "seed": provenance["seed"],
        "versions": provenance["versions"],
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def main() -> None:
    """Makes all samples, then the manifest."""
    parser = argparse.ArgumentParser(description="Make the bundled samples again.")
    parser.add_argument("--workers", type=int, default=1, help="processes to use")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent, help="where to")
    arguments = parser.parse_args()
    entries = [make(sample, arguments.folder, arguments.workers) for sample in SAMPLES]
    manifest = json.dumps({"samples": entries}, indent=2) + "\n"
    (arguments.folder / "manifest.json").write_text(manifest, encoding="utf-8")


if __name__ == "__main__":
    main()
