"""The model card, rendered from what was measured."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sonicmini.inference.repository import ModelSpec
from training.deepmet.evaluate import Measured
from training.deepmet.recipe import Sample

COMMAND = "python -m training.deepmet all --data FOLDER"


def render(rows: Sequence[Measured], used: Sequence[Sample], spec: ModelSpec, history: str) -> str:
    """Returns the card as Markdown.

    Args:
        rows: measured on the test samples.
        used: all samples of training, validation and test.
        spec: of the exported network.
        history: what the training printed: its options, then one line an epoch.
    """
    template = (Path(__file__).parent / "card.md").read_text(encoding="utf-8")
    target = next(row for row in rows if (row.process, row.pileup) == ("ttbar", 35))
    ours = target.resolutions["DeepMET"]
    return template.format(
        gain=f"{100 * target.improvement:.1f} ± {100 * target.improvement_error:.1f} %",
        response=f"{ours.response:.3f} ± {ours.response_error:.3f}",
        events=target.events,
        table=_table(rows),
        sha256=spec.sha256,
        size=f"{spec.path.stat().st_size / 1000:.0f} kB",
        command=COMMAND,
        recipe=_recipe(used),
        history=history.strip(),
    )


def _table(rows: Sequence[Measured]) -> str:
    lines = [
        "| sample | pileup | events | MET | rms (GeV) | core (GeV) | response | rms to PUPPI |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        for name, one in row.resolutions.items():
            gain = (
                f"{-100 * row.improvement:+.1f} ± {100 * row.improvement_error:.1f} %"
                if name == "DeepMET"
                else ""
            )
            lines.append(
                f"| {row.process} | {row.pileup} | {row.events} | {name} "
                f"| {one.rms:.2f} ± {one.rms_error:.2f} | {one.core:.2f} ± {one.core_error:.2f} "
                f"| {one.response:.3f} ± {one.response_error:.3f} | {gain} |"
            )
    return "\n".join(lines)


def _recipe(used: Sequence[Sample]) -> str:
    lines = [
        "| split | process | events by pileup | seeds |",
        "|---|---|---|---|",
    ]
    for split in ("train", "validation", "test"):
        chosen = [sample for sample in used if sample.split == split]
        for process in dict.fromkeys(sample.process for sample in chosen):
            mine = [sample for sample in chosen if sample.process == process]
            lines.append(f"| {split} | {process} | {_by_pileup(mine)} | {_seeds(mine)} |")
    return "\n".join(lines)


def _by_pileup(chosen: Sequence[Sample]) -> str:
    counts: Counter[int] = Counter()
    for sample in chosen:
        counts[sample.pileup] += sample.events
    return ", ".join(f"{pileup}: {count}" for pileup, count in sorted(counts.items()))


def _seeds(chosen: Sequence[Sample]) -> str:
    seeds = sorted(sample.seed for sample in chosen)
    return f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else str(seeds[0])
