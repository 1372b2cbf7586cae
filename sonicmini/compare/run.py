"""The ``compare`` command: runs both sides, compares what they wrote, prints what was found."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sonicmini.compare.as_json import to_json
from sonicmini.compare.files import FileComparison, compare_files
from sonicmini.compare.network import network_products, steps_of
from sonicmini.compare.plot import check_picture, draw
from sonicmini.compare.sides import CompareOptions, Side, refuse_other_inputs, sides
from sonicmini.compare.timing import TimingComparison, compare_reports
from sonicmini.compare.view import render_comparison, verdict_line
from sonicmini.compare.worker import run_apart
from sonicmini.config import JobConfig
from sonicmini.console import output
from sonicmini.errors import ConfigError, OutputError
from sonicmini.graph import build_graph
from sonicmini.io.partial_file import PartialFile, output_errors
from sonicmini.io.schema import AOD
from sonicmini.plugins import instantiate, resolve

DIFFERENT = 7
"""Exit code of outputs that differ."""

_OUTPUTS = ("A.root", "B.root")
_RESULT = "comparison.json"


@dataclass(frozen=True)
class Comparison:
    """What the command found.

    Attributes:
        names: what the two sides are called.
        timing: of the runs; None if two files were compared.
        reports: of the runs of A and of B, in their JSON form; empty if there were none.
    """

    names: tuple[str, str]
    files: FileComparison
    timing: TimingComparison | None = None
    reports: Sequence[Sequence[dict[str, Any]]] = ()

    @property
    def agrees(self) -> bool:
        """Whether the physics is the same."""
        return self.files.verdict != "differ"

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON form."""
        return to_json(self.files, self.timing, self.names, self.reports)


def compare_and_print(
    first: str, second: str, config: Path | None, options: CompareOptions
) -> bool:
    """Compares two sides, prints what was found, and tells whether the physics agrees.

    Args:
        first: ``local`` or ``remote``, a workflow (.yaml) or a ROOT file.
        second: the other side, of the same kind.
        config: the workflow of ``local`` and ``remote``; None is the bundled one.
        options: of the command line.

    Raises:
        ConfigError: sides of two kinds, options that mean nothing, workflows with other inputs.
        OutputError: something is to be kept where it cannot be.
        SonicminiError: whatever a run or a file ended with.
    """
    comparison = compare(first, second, config, options)
    console = output()
    if options.as_json:
        console.print_json(_dumped(comparison))
    else:
        view = render_comparison(comparison.files, comparison.timing, comparison.names)
        console.print(view)
    return comparison.agrees


def compare(first: str, second: str, config: Path | None, options: CompareOptions) -> Comparison:
    """The same as :func:`compare_and_print`, without printing."""
    kind, both = sides(first, second, config, options)
    names = (both[0].name, both[1].name)
    if kind == "file":
        return Comparison(names, compare_files(first, second, tolerance=options.tolerance))
    if options.picture is not None:
        check_picture(options.picture)
    with _folder(options.keep) as folder:
        outputs = [folder / name for name in _OUTPUTS]
        configs = [side.load(output, options) for side, output in zip(both, outputs, strict=True)]
        refuse_other_inputs(both, configs)
        products = frozenset[str]().union(
            *(_network_products(side, config) for side, config in zip(both, configs, strict=True))
        )
        reports = _run_in_turns(configs, options.repetitions)
        files = compare_files(*map(str, outputs), tolerance=options.tolerance, products=products)
        comparison = Comparison(names, files, compare_reports(*reports), reports)
        _write(comparison, options)
    return comparison


def _network_products(side: Side, config: JobConfig) -> frozenset[str]:
    """What follows from a network; finds most faults of a workflow before the first run."""
    try:
        modules = {
            label: instantiate(resolve(entry.type), entry.parameters)
            for label, entry in config.modules.items()
        }
        build_graph(modules, AOD)
    except ConfigError as error:
        error.add_note(f"in {side.path}")
        raise
    return network_products(steps_of(modules.values()))


def _run_in_turns(
    configs: Sequence[JobConfig], repetitions: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Reports of A and of B; the outputs that stay are those of the first runs."""
    reports: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
    for turn in range(repetitions):
        for name, config, found in zip("AB", configs, reports, strict=True):
            path = _again(config.output.file) if turn else config.output.file
            output = config.output.model_copy(update={"file": path, "overwrite": turn > 0})
            count = f" {turn + 1}/{repetitions}" if repetitions > 1 else ""
            found.append(run_apart(config.model_copy(update={"output": output}), name + count))
    return reports


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Where the outputs go; what is not to be kept is removed afterwards, after a fault all."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="sonicmini-compare-") as scratch:
            yield Path(scratch)
        return
    kept = [keep / name for name in (*_OUTPUTS, _RESULT)]
    taken = [path.name for path in kept if path.exists()]
    if taken:
        raise OutputError(f"--keep {keep}: has {', '.join(taken)} already; name another folder")
    with output_errors(keep):
        keep.mkdir(parents=True, exist_ok=True)
    try:
        yield keep.absolute()
    except BaseException:
        for path in kept:
            path.unlink(missing_ok=True)
        raise
    finally:
        for name in _OUTPUTS:
            _again(keep / name).unlink(missing_ok=True)


def _again(output: Path) -> Path:
    """Where the later runs write."""
    return output.with_name(f".{output.stem}.again.root")


def _write(comparison: Comparison, options: CompareOptions) -> None:
    if options.keep is not None:
        result = PartialFile(options.keep / _RESULT)
        try:
            with output_errors(result.path):
                result.handle.write(f"{_dumped(comparison)}\n".encode())
            result.publish()
        finally:
            result.discard()
    if options.picture is not None and comparison.timing is not None:
        draw(comparison.timing, options.picture, comparison.names, verdict_line(comparison.files))


def _dumped(comparison: Comparison) -> str:
    return json.dumps(comparison.to_dict(), indent=2, allow_nan=False)
