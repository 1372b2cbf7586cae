"""The model card, rendered from what was measured."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from sonicmini.inference.repository import ModelSpec
from training.deepmet.evaluate import Measured, Report
from training.deepmet.metrics import Resolution
from training.deepmet.tunes import TUNES
from training.sample_table import sample_table
from training.samples import Sample

COMMAND: Final = "python -m training.deepmet all --data FOLDER"
LEAST_SIZE: Final = 10
"""Mean true momentum in GeV below which a response means nothing."""


def render(
    report: Report,
    used: Sequence[Sample],
    specs: Mapping[str, ModelSpec],
    histories: Mapping[str, str],
) -> str:
    """Returns the card as Markdown.

    Args:
        report: measured on the test samples.
        used: all files of training, validation and test.
        specs: of the exported network of each tune.
        histories: what the training of the candidates' weights and of each tune printed.
    """
    template = (Path(__file__).parent / "card.md").read_text(encoding="utf-8")
    target = next(row for row in report.samples if (row.process, row.pileup) == ("ttbar", 35))
    return template.format(
        events=target.events,
        **{f"gain_{name}": _gain(target, f"DeepMET {name}") for name in TUNES},
        **{f"response_{name}": _response(target, f"DeepMET {name}") for name in TUNES},
        **{f"edges_{name}": ", ".join(map(str, tune.edges)) for name, tune in TUNES.items()},
        **{f"history_{name}": text.strip() for name, text in histories.items()},
        **{f"sha256_{name}": spec.sha256 for name, spec in specs.items()},
        size=f"{max(spec.path.stat().st_size for spec in specs.values()) / 1000:.0f} kB",
        table=_table(report.samples),
        bins="\n\n".join(_bins(*key, found) for key, found in report.bins.items()),
        command=COMMAND,
        recipe=sample_table(used),
    )


def _gain(row: Measured, name: str) -> str:
    value, error = row.gains[name]
    return f"{100 * value:.1f} ± {100 * error:.1f} %"


def _response(row: Measured, name: str) -> str:
    one = row.resolutions[name]
    if row.size < LEAST_SIZE:
        return ""
    return f"{one.response:.3f} ± {one.response_error:.3f}"


def _table(rows: Sequence[Measured]) -> str:
    lines = [
        "| sample | pileup | events | MET | rms (GeV) | core (GeV) | response | rms below PUPPI |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        for name, one in row.resolutions.items():
            gain = _gain(row, name) if name in row.gains else ""
            lines.append(
                f"| {row.process} | {row.pileup} | {row.events} | {name} "
                f"| {one.rms:.2f} ± {one.rms_error:.2f} | {one.core:.2f} ± {one.core_error:.2f} "
                f"| {_response(row, name)} | {gain} |"
            )
    return "\n".join(lines)


def _bins(process: str, pileup: int, found: Mapping[str, Measured]) -> str:
    """Response and corrected resolution in bins of the true momentum."""

    def response(one: Resolution) -> str:
        return f"{one.response:.3f} ± {one.response_error:.3f}"

    def corrected(one: Resolution) -> str:
        return f"{one.corrected:.1f} ± {one.corrected_error:.1f}"

    return "\n\n".join(
        f"{process}, pileup {pileup}, {title}:\n\n{_bin_table(found, show)}"
        for title, show in (("response", response), ("rms / response (GeV)", corrected))
    )


def _bin_table(found: Mapping[str, Measured], show: Callable[[Resolution], str]) -> str:
    names = next(iter(found.values())).resolutions
    lines = [
        f"| generator MET (GeV) | events | {' | '.join(names)} |",
        "|" + "---|" * (2 + len(names)),
    ]
    for label, row in found.items():
        cells = " | ".join(show(one) for one in row.resolutions.values())
        lines.append(f"| {label} | {row.events} | {cells} |")
    return "\n".join(lines)
