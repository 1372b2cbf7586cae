"""The model cards, rendered from what was measured."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from sonicmini.inference.repository import ModelSpec
from sonicmini.modules.networks.particlenet.inputs import KNOWN
from sonicmini.modules.networks.particlenet.preprocess import Preprocess
from training.datasets import SPLITS
from training.particlenet.evaluate import Report
from training.particlenet.importance import groups
from training.particlenet.jets import Jets, present
from training.particlenet.network import multiply_adds
from training.particlenet.options import Interface, Sizes
from training.particlenet.recipes import Recipe
from training.particlenet.results import results
from training.particlenet.words import WORDS
from training.sample_table import sample_table
from training.samples import Split

TEMPLATE: Final = Path(__file__).parent / "card.md"
COLUMNS: Final = {
    "pt": "pT",
    "msoftdrop": "the soft-drop mass",
    "target": "the true mass",
}
_ALIKE: Final = "; those of the signal are then made those of QCD, bin by bin"
_START: Final = re.compile(r"start_from=\w+\('(?:.*/)?(\w+)/best\.pt'\)")
"""The file that a training started from, with the name of its network."""

_CONTENT: Final = {
    "points": "pseudorapidity and azimuth relative to the jet",
    "features": "see below",
    "mask": "1 for what is there",
}


@dataclass(frozen=True, kw_only=True)
class Trained:
    """How the network came about.

    Attributes:
        interface: of the network.
        sizes: of the network.
        history: what the training printed.
        data: folder with its jets.
    """

    interface: Interface
    sizes: Sizes
    history: str
    data: Path


def render(recipe: Recipe, report: Report, trained: Trained, spec: ModelSpec) -> str:
    """Returns the card as Markdown; ``spec`` is that of the exported network."""
    words, sizes = WORDS[recipe.network], trained.sizes
    jets = {split: Jets.load(recipe, split, trained.data) for split in SPLITS}
    lengths = [round(float(rows.counts.mean())) for rows in (jets["test"].pf, jets["test"].sv)]
    used = [sample for split in SPLITS for sample in present(recipe, split, trained.data)]
    pf_length, sv_length = recipe.family.pf_length, recipe.family.sv_length
    return TEMPLATE.read_text(encoding="utf-8").format(
        title=words.title,
        summary=words.summary,
        jets=words.jets,
        truth=words.truth,
        network=words.network,
        limits=words.limits,
        interface=_interface(spec),
        features=_features(spec.folder),
        pf_least=pf_length[0],
        pf_most=pf_length[1],
        sv_least=sv_length[0],
        sv_most=sv_length[1],
        embedding=sizes.embedding,
        widths=", ".join(map(str, sizes.widths)),
        neighbours=sizes.neighbours,
        fusion=sizes.fusion,
        hidden=sizes.hidden,
        macs=multiply_adds(trained.interface, sizes, *lengths) / 1e6,
        pf_mean=lengths[0],
        sv_mean=lengths[1],
        size=f"{spec.path.stat().st_size / 1000:.0f} kB",
        sha256=spec.sha256,
        results=results(report),
        recipe=sample_table(used),
        counts=_counts(recipe, jets),
        command=_commands(recipe),
        number=_jets_an_epoch(trained.history),
        flat=" and of ".join(COLUMNS[name] for name in recipe.flat),
        alike=_ALIKE if recipe.decorrelated else "",
        history=_START.sub(r"start_from=\1", trained.history.strip()),
    )


def _interface(spec: ModelSpec) -> str:
    lines = []
    for tensor in spec.inputs:
        kind, _, what = tensor.name.partition("_")
        objects = "candidates" if kind == "pf" else "secondary vertices"
        shape = " x ".join("n" if dim == -1 else str(dim) for dim in tensor.dims)
        lines.append(f"| `{tensor.name}` | {shape} | {objects}: {_CONTENT[what]} |")
    for tensor in spec.outputs:
        shape = " x ".join(map(str, tensor.dims))
        content = "mass in GeV" if tensor.dims == (1,) else "probabilities of the classes, in order"
        lines.append(f"| `{tensor.name}` | {shape} | {content} |")
    return "\n".join(lines)


def _features(folder: Path) -> str:
    preprocess = Preprocess.read(folder, KNOWN)
    return "\n".join(
        f"| `{name}` | {median:g} | {factor:g} |"
        for group in ("pf_features", "sv_features")
        for name, median, factor in zip(
            preprocess.group(group).features,
            preprocess.group(group).median,
            preprocess.group(group).norm_factor,
            strict=True,
        )
    )


def _counts(recipe: Recipe, jets: Mapping[Split, Jets]) -> str:
    numbers = {
        split: np.bincount(groups(found, recipe), minlength=len(recipe.shares))
        for split, found in jets.items()
    }
    order: Sequence[Split] = ("train", "validation", "test")
    lines = []
    for place, (name, share) in enumerate(recipe.shares.items()):
        cells = " | ".join(str(numbers[split][place]) for split in order)
        lines.append(f"| {name} | {cells} | {100 * share:.0f} % |")
    total = " | ".join(str(numbers[split].sum()) for split in order)
    return "\n".join([*lines, f"| all | {total} | |"])


def _commands(recipe: Recipe) -> str:
    """All that is needed for the network, that from which it starts included."""
    networks = [one for one in (recipe.starts_from, recipe.network) if one is not None]
    lines = (f"python -m training.particlenet {one} all --data FOLDER" for one in networks)
    return "\n    ".join(lines)


def _jets_an_epoch(history: str) -> str:
    """From the history's third line, the first that counts jets."""
    lines = [line for line in history.splitlines() if line.endswith("jets an epoch")]
    return lines[0].split()[0] if lines else "all"
