"""What was simulated, as a table of a model card."""

from collections import Counter
from collections.abc import Iterable, Sequence

from training.datasets import SPLITS
from training.samples import Sample


def sample_table(used: Iterable[Sample]) -> str:
    """Events by pileup, and seeds, of each process of each split, as Markdown."""
    lines = ["| split | process | events by pileup | seeds |", "|---|---|---|---|"]
    whole = list(used)
    for split in SPLITS:
        chosen = [sample for sample in whole if sample.split == split]
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
