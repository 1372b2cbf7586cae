"""Tables of the pages in docs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from corrections.closure import Cell
from corrections.met import Residuals

_MET_COLUMNS: Final = (
    *(
        "",
        "a (GeV)",
        "b (sqrt(GeV))",
        "raw: response, width (GeV)",
        "type 1: response, width (GeV)",
    ),
    *("median chi2 (1.39)", "chi2 > 9.2 (1 %)"),
)


def write_part(page: Path, name: str, text: str) -> None:
    """Puts text between the marks ``<!-- name -->`` and ``<!-- end of name -->`` of a page."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def closure_tables(parts: Sequence[tuple[str, Sequence[Cell]]]) -> str:
    """A table for each kind of jets: rows of abs(eta), columns of generated pT."""
    return "\n\n".join(_closure_table(name, cells) for name, cells in parts)


def _closure_table(name: str, cells: Sequence[Cell]) -> str:
    columns = list(dict.fromkeys(cell.pt for cell in cells))
    lines = [
        f"| {name}, abs(eta) | " + " | ".join(f"{a:g}-{b:g} GeV" for a, b in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for eta in dict.fromkeys(cell.eta for cell in cells):
        row = [_closure(cell) for cell in cells if cell.eta == eta]
        lines.append(f"| {eta[0]:g}-{eta[1]:g} | " + " | ".join(row) + " |")
    return "\n".join(lines)


def _closure(cell: Cell) -> str:
    if cell.found is None:
        return ""
    return f"{cell.found.value:.3f} ± {cell.found.error:.3f}"


def met_table(
    terms: Mapping[str, tuple[float, float]], found: Mapping[str, tuple[Residuals, Residuals]]
) -> str:
    """Terms of the resolution, and what missing momenta are worth, one row for each kind.

    Args:
        terms: a (GeV) and b (sqrt(GeV)).
        found: residuals of the raw and of the calibrated missing momentum.
    """
    lines = [f"| {' | '.join(_MET_COLUMNS)} |", "|---" * len(_MET_COLUMNS) + "|"]
    for name, (raw, calibrated) in found.items():
        a, b = terms[name]
        chi2 = calibrated.chi2(terms[name])[0]
        lines.append(
            f"| {name} | {a:.2f} | {b:.3f} | {_quality(raw)} | {_quality(calibrated)} "
            f"| {np.median(chi2):.2f} | {100 * np.mean(chi2 > 9.21):.1f} % |"
        )
    return "\n".join(lines)


def _quality(found: Residuals) -> str:
    return f"{found.response():.3f}, {found.width():.1f}"
