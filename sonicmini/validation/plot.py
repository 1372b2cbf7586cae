"""Pictures of distributions: the file and the reference above, their ratio below."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sonicmini.errors import ConfigError, OutputError
from sonicmini.io.partial_file import PartialFile, output_errors
from sonicmini.validation.measure import Measurement
from sonicmini.validation.quantity import Distribution
from sonicmini.validation.reference import Entry, Reference
from sonicmini.validation.sums import Floats, Sums
from sonicmini.validation.verdict import Finding, Verdict

_COLUMNS = 4


def check_folder(folder: Path) -> None:
    """Finds out before the work whether pictures can be drawn there.

    Raises:
        ConfigError: matplotlib or mplhep is missing.
        OutputError: the folder cannot be made or is not writable.
    """
    _libraries()
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise OutputError(f"--pictures {folder}: the folder is not writable")


def draw(measurement: Measurement, reference: Reference, verdict: Verdict, folder: Path) -> None:
    """Draws one page for each collection, ``COLLECTION.png``.

    Args:
        measurement: of the file.
        reference: with the same quantities.
        verdict: of both.
        folder: which is there already.

    Raises:
        OutputError: a picture cannot be written.
    """
    pages: dict[str, list[Finding]] = {}
    for finding in verdict.findings:
        if isinstance(finding.quantity, Distribution) and finding.deviation is not None:
            pages.setdefault(finding.quantity.name.partition("_")[0], []).append(finding)
    for collection, findings in pages.items():
        path = folder / f"{collection}.png"
        picture = PartialFile(path, overwrite=True)
        try:
            with output_errors(path):
                _page(findings, measurement, reference).savefig(picture.handle, format="png")
            picture.publish()
        finally:
            picture.discard()


def _libraries() -> tuple[Any, Any]:
    try:
        import mplhep  # noqa: PLC0415 - optional, and slow to import
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError("--pictures needs mplhep: pip install 'sonicmini[plot]'") from error
    return Figure, mplhep


def _page(findings: list[Finding], measurement: Measurement, reference: Reference) -> Any:  # noqa: ANN401
    figure_class, mplhep = _libraries()
    rows = -(-len(findings) // _COLUMNS)
    columns = min(_COLUMNS, len(findings))
    figure = figure_class(figsize=(4.2 * columns, 3.8 * rows), layout="constrained")
    for part, finding in zip(_parts(figure, rows, columns), findings, strict=False):
        name = finding.quantity.name
        _panel(part, mplhep, finding, (measurement.sums[name], reference.entries[name]))
    return figure


def _parts(figure: Any, rows: int, columns: int) -> Iterator[Any]:  # noqa: ANN401
    yield from figure.subfigures(rows, columns, squeeze=False).flat


def _panel(part: Any, mplhep: Any, finding: Finding, both: tuple[Sums, Entry]) -> None:  # noqa: ANN401
    edges = np.asarray(both[1].edges)
    above, below = part.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    (ours, error), (theirs, their_error) = _rates(both[0]), _rates(both[1].sums)
    mplhep.histplot(theirs, edges, yerr=their_error, ax=above, label="reference", color="grey")
    mplhep.histplot(
        ours, edges, yerr=error, ax=above, label="file", histtype="errorbar", color="black", ms=4
    )
    colour = "black" if finding.status == "agrees" else "red"
    above.set_title(finding.quantity.title, fontsize=9, color=colour, parse_math=False)
    above.set_ylabel("entries per event", fontsize=8)
    above.legend(fontsize=7)
    with np.errstate(divide="ignore", invalid="ignore"):
        below.errorbar(
            (edges[1:] + edges[:-1]) / 2, ours / theirs, error / theirs, fmt="k.", markersize=4
        )
    below.axhline(1.0, color="grey", linewidth=0.8)
    below.set_ylim(0.5, 1.5)
    below.set_ylabel("ratio", fontsize=8)


def _rates(sums: Sums) -> tuple[Floats, Floats]:
    """Entries per event and their errors, without underflow and overflow."""
    errors = np.sqrt(np.maximum(np.diag(sums.covariance), 0.0))
    return sums.mean[1:-1], errors[1:-1]
