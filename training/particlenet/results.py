"""The results of a network as tables and pictures of its card."""

from collections.abc import Sequence

import numpy as np

from training.particlenet.evaluate import CUTS, EFFICIENCY, Mass, Report, Sculpting, Separation
from training.particlenet.metrics import Value


def results(report: Report) -> str:
    """Markdown: what was measured on jets that were never seen, with statistical errors."""
    return "\n\n".join(
        [
            (
                "On events at a mean pileup of 35 that neither training nor validation has seen."
                " Errors are statistical, one standard deviation."
            ),
            *(_separations(report) if report.separations else []),
            *(_sculptings(report.sculptings) if report.sculptings else []),
            *(_masses(report.masses) if report.masses else []),
        ]
    )


def _separations(report: Report) -> list[str]:
    parts = [
        (
            "AUC: area under the curve of signal against background efficiency, with the error for"
            " jets of the same event (Obuchowski, Biometrics 53 (1997) 567). Rejection: one over"
            f" the background efficiency at {100 * EFFICIENCY:.0f} %"
            " signal efficiency. The network's discriminators are the probability of the signal's"
            " classes over that of the signal's and the background's."
        ),
        _separation_table(report.separations),
        "![background against signal efficiency](roc.png)\n![discriminators](scores.png)",
    ]
    if report.bins:
        titles = dict.fromkeys(one.title for one in report.bins)
        parts.append("AUC in bins of the first sample of each:")
        parts += [_bin_table([one for one in report.bins if one.title == t]) for t in titles]
    return parts


def _separation_table(found: Sequence[Separation]) -> str:
    lines = (
        f"| {one.title}; {_cell(one.where)} | {one.signal} | {one.background} | {one.name} "
        f"| {one.area} | {one.rejection.value:.1f} ± {one.rejection.error:.1f} | {_target(one)} |"
        for one in found
    )
    head = "| jets | signal | background | discriminator | AUC | rejection | target |"
    return "\n".join([head, "|---|---|---|---|---|---|---|", *lines])


def _bin_table(found: Sequence[Separation]) -> str:
    """A line for each bin, a column for each discriminator."""
    names = dict.fromkeys(one.name for one in found)
    lines = [
        f"| {found[0].title} | signal | background | {' | '.join(names)} |",
        "|" + "---|" * (3 + len(names)),
    ]
    for where in dict.fromkeys(one.where for one in found):
        mine = {one.name: one for one in found if one.where == where}
        one = mine[next(iter(names))]
        areas = " | ".join(str(mine[name].area) for name in names)
        lines.append(f"| {_cell(where)} | {one.signal} | {one.background} | {areas} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    """Text for a cell of a table."""
    return text.replace("|", "\\|")


def _target(one: Separation) -> str:
    if one.target is None:
        return ""
    reached = "reached" if one.area.value >= one.target else "missed"
    return f"{one.target:.2f}: {reached}"


def _sculptings(found: Sequence[Sculpting]) -> list[str]:
    heads = " | ".join(f"{100 * cut:.0f} % pass" for cut in CUTS)
    lines = [f"| network | QCD jets | {heads} |", "|" + "---|" * (2 + len(CUTS))]
    for one in found:
        cells = " | ".join(str(one.divergences[cut]) for cut in CUTS)
        lines.append(f"| `{one.name}` | {one.jets} | {cells} |")
    ours, plain = (one.divergences for one in found)
    ratios = ", ".join(f"{_ratio(ours[cut], plain[cut])} at {100 * cut:.0f} %" for cut in CUTS)
    return [
        (
            "Sculpting of the mass: Jensen-Shannon divergence (bits, 0 to 1) between the soft-drop"
            " mass spectra of QCD jets that pass a cut and that fail it, less what chance alone"
            " makes; jets above 200 GeV of pT."
        ),
        "\n".join(lines),
        f"Ratio of this network to the general one (target: at most 0.5): {ratios}.",
        "![soft-drop mass of QCD jets that pass](sculpting.png)",
    ]


def _ratio(first: Value, second: Value) -> str:
    if second.value < 2 * second.error:
        return "not measurable"
    ratio = first.value / second.value
    return str(Value(ratio, float(np.hypot(first.error, ratio * second.error)) / second.value))


def _masses(found: Sequence[Mass]) -> list[str]:
    lines = [
        "| jets | number | mass | median | mode | resolution | below soft drop |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in found:
        gain = ""
        if one.name != "soft drop":
            gain = f"{100 * one.improvement.value:.1f} ± {100 * one.improvement.error:.1f} %"
        lines.append(
            f"| {one.where} | {one.jets} | {one.name} | {one.response} | {one.mode:.3f} "
            f"| {one.resolution} | {gain} |"
        )
    return [
        (
            "Mass over true mass of jets above 200 GeV of pT: median, most frequent value, and half"
            " the width of the central 68.3 % over the median (target: at least 15 % below that of"
            " the soft-drop mass for the resonances)."
        ),
        "\n".join(lines),
        "![mass over true mass, and its resolution](mass.png)",
    ]
