"""``python -m corrections.derive STEP --data FOLDER``: a step of the derivation, or all of them.

A step goes on where it was left. ``met`` prints the terms of missing momenta, which are parameters
of the modules, not of the files.
"""

import argparse
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from corrections import pages, plots
from corrections.closure import closure_table
from corrections.fit import GEN_PT_MIN, cross_corrected, fit
from corrections.matched import load_matched, make_matched
from corrections.met import fit_terms, residuals
from corrections.recipe import samples
from corrections.schema import write_corrections
from corrections.simulated import make_samples, sample_file

FOLDER: Final = Path(__file__).parent
DOCS: Final = FOLDER.parent / "docs"
FILES: Final = {
    "jet_jerc.json.gz": ("AK4PFchs", "AK4PFPuppi"),
    "fatJet_jerc.json.gz": ("AK8PFPuppi",),
}
MET_BLOCKS: Final = 14


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the step that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m corrections.derive", description=__doc__)
    parser.add_argument("step", choices=[*STEPS, "all"])
    parser.add_argument("--data", type=Path, required=True, help="folder for samples and jets")
    given = parser.parse_args(arguments)
    given.data.mkdir(parents=True, exist_ok=True)
    for name, step in STEPS.items():
        if given.step in (name, "all"):
            step(given.data)


def simulate(data: Path) -> None:
    """Simulates the samples that are missing."""
    make_samples([*samples("dijets"), *samples("top")], data)


def match(data: Path) -> None:
    """Reconstructs and matches the jets of the samples."""
    make_matched(samples("dijets"), data)


def derive(data: Path) -> None:
    """Writes the files that come with the package, and the table and pictures of the closure."""
    description = (
        "Jet energy corrections of sonicmini's simulated detector, derived from simulated dijet"
        f" events by python -m corrections.derive, sonicmini {version('sonicmini')}."
        " Not for CMS's data or simulation."
    )
    tables = []
    for file, names in FILES.items():
        derived = []
        for name in names:
            pairs, sample = load_matched(samples("dijets"), data, name)
            used = pairs.gen_pt >= GEN_PT_MIN[name]
            pairs, sample = pairs.where(used), sample[used]
            pt = cross_corrected(name, pairs, sample)
            derived.append(fit(name, pairs, pt))
            tables.append((name, closure_table(pairs, pt, GEN_PT_MIN[name])))
            plots.closure(name, pairs, pt, DOCS / "jet-corrections" / f"{name}.png")
        write_corrections(derived, FOLDER / file, description)
        print(f"{file}: {(FOLDER / file).stat().st_size} bytes", flush=True)
    pages.write_part(DOCS / "jet-corrections.md", "closure", pages.closure_tables(tables))


def met(data: Path) -> None:
    """Fits the terms of missing momenta and measures missing momenta in top quark pairs."""
    files = [sample_file(sample, data) for sample in samples("dijets")[:MET_BLOCKS]]
    terms = {name: fit_terms(found) for name, (_, found) in residuals(files).items()}
    for name, (a, b) in terms.items():
        print(f"{name}: unclustered_terms = ({a:.2f}, {b:.3f})", flush=True)
    top = residuals([sample_file(sample, data) for sample in samples("top")])
    pages.write_part(DOCS / "met.md", "resolution", pages.met_table(terms, top))


STEPS: Final[dict[str, Callable[[Path], None]]] = {
    "simulate": simulate,
    "match": match,
    "derive": derive,
    "met": met,
}
"""In their order."""

if __name__ == "__main__":
    main()
