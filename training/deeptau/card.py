"""The model card, rendered from what was measured."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sonicmini.inference.repository import ModelSpec
from training.deeptau.evaluate import Measured
from training.deeptau.layout import CLASSES, GRIDS, OUTPUT
from training.deeptau.network import SIZES, SLOPE, DeepTauNetwork, multiply_adds
from training.deeptau.speed import REQUEST, Speed
from training.deeptau.weights import SHARES
from training.sample_table import sample_table
from training.samples import Sample

COMMAND = "python -m training.deeptau all --data FOLDER"


@dataclass(frozen=True)
class Trained:
    """How the network came about.

    Attributes:
        options: of the training.
        epochs: what it printed of each.
        counts: candidates of the training by class.
        occupied: mean number of occupied cells by grid.
        speed: of the exported network.
        used: files of training, validation and test.
    """

    options: Mapping[str, Any]
    epochs: Sequence[Mapping[str, Any]]
    counts: Mapping[str, int]
    occupied: Mapping[str, float]
    speed: Speed
    used: Sequence[Sample]


def render(measured: Measured, trained: Trained, spec: ModelSpec) -> str:
    """Returns the card as Markdown; ``spec`` is that of the exported network."""
    template = (Path(__file__).parent / "card.md").read_text(encoding="utf-8")
    sizes = SIZES[trained.options["sizes"]]
    return template.format(
        taus=sum(counts["tau"] for counts in measured.counts.values()),
        jets=_jets(measured),
        output=OUTPUT,
        classes=", ".join(CLASSES),
        sizes=", ".join(f"{name} {_words(value)}" for name, value in vars(sizes).items()),
        slope=SLOPE,
        **trained.occupied,
        **_multiply_adds(trained),
        request=REQUEST,
        time=f"{1e3 * trained.speed.occupied:.2f}",
        all_time=f"{1e3 * trained.speed.every:.2f}",
        size=f"{spec.path.stat().st_size / 1e6:.2f} MB",
        sha256=spec.sha256,
        counts=_counts(measured),
        bins=_bins(measured),
        points=_points(measured),
        recipe=sample_table(trained.used),
        trained=", ".join(f"{count} {name}" for name, count in trained.counts.items()),
        command=COMMAND,
        shares=", ".join(f"{name} {share:.3g}" for name, share in SHARES.items()),
        history="\n".join(_words(line) for line in (trained.options, *trained.epochs)),
    )


def _words(value: Any) -> str:  # noqa: ANN401 - numbers, lists and entries of the history
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_words(one)}" for key, one in value.items() if one is not None)
    return "-".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _multiply_adds(trained: Trained) -> dict[str, float]:
    every = {name: float(size * size) for name, size in GRIDS.items()}
    found = {}
    for prefix, name in (("", str(trained.options["sizes"])), ("cms_", "cms")):
        network = DeepTauNetwork(SIZES[name])
        found[f"{prefix}macs"] = multiply_adds(network, dict(trained.occupied)) / 1e6
        found[f"{prefix}all_macs"] = multiply_adds(network, every) / 1e6
    return found


def _jets(measured: Measured) -> str:
    return _table(
        ("jets of", "number", "DeepTau", "HPS isolation"),
        ((row.process, row.jets, row.network, row.isolation) for row in measured.jets),
    )


def _counts(measured: Measured) -> str:
    rows = ((name, *counts.values()) for name, counts in measured.counts.items())
    return _table(("process", *CLASSES), rows)


def _bins(measured: Measured) -> str:
    titles = ("", "taus", "jets", "DeepTau: taus", "jets", "HPS isolation: taus", "jets")
    rows = (
        (row.name, row.taus, row.jets, *row.network, *row.isolation)
        for row in measured.bins
        if row.taus and row.jets
    )
    return _table(titles, rows)


def _points(measured: Measured) -> str:
    return _table(
        ("", "working point", "above", "taus", "background"),
        (
            (row.discriminator, row.name, f"{row.threshold:.6f}", row.signal, row.background)
            for row in measured.points
        ),
    )


def _table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
