"""From simulated files to tau candidates, by our own chain and DeepTau.acquire."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sonicmini.event import Chunk, Products
from sonicmini.modules.columns import events_of, flat, offsets_of
from sonicmini.modules.networks.deeptau.producer import DeepTau
from sonicmini.simulation.pool import ordered_map
from training.chain import Chain
from training.datasets import files as files_of
from training.deeptau.candidates import Candidates
from training.deeptau.labels import labels
from training.progress import Pace
from training.samples import Sample, Split

MODEL: Final = "deeptau_2018v2p5"
REPOSITORY: Final = Path(__file__).parents[2] / "models"

_TRUTH: Final = ("TauGenMatch", "GenVisTau")
_EVENTS_OF_A_FILE: Final = 10_000
"""More than any has: events of different files have different numbers."""


def files(split: Split) -> list[Sample]:
    """The files of a split: jets of top quarks and QCD, taus and leptons of resonances."""
    return files_of(("standard", "taus", "more_taus"), split)


def feature_file(sample: Sample, data: Path) -> Path:
    """Where the candidates of a file are kept."""
    return data / "features" / "deeptau" / f"{sample.name}.npz"


def make_features(chosen: Sequence[Sample], data: Path, workers: int) -> None:
    """Runs the chain on simulated files whose candidates are not there yet, showing progress."""
    missing = [one for one in chosen if not feature_file(one, data).is_file()]
    print(f"candidates of {len(chosen) - len(missing)} of {len(chosen)} files are there")
    (data / "features" / "deeptau").mkdir(parents=True, exist_ok=True)
    pace = Pace("candidates")
    for name, size in ordered_map(_make, [(one, data) for one in missing], workers):
        pace.show(name, size)


def present(split: Split, data: Path) -> list[Sample]:
    """The files of a split whose candidates are there."""
    return [one for one in files(split) if feature_file(one, data).is_file()]


def load(chosen: Iterable[Sample], data: Path) -> Candidates:
    """The candidates of several files."""
    return Candidates.concatenate([Candidates.load(feature_file(one, data)) for one in chosen])


def extract(file: Path, sample: Sample) -> Candidates:
    """The candidates of a file of events."""
    module = DeepTau().configured(REPOSITORY / MODEL)
    chain = Chain({*module.consumes, *_TRUTH, "SlimmedTau"})
    return Candidates.concatenate(
        [_of_chunk(module, chunk, sample) for chunk in chain.chunks(file)]
    )


def _make(task: tuple[Sample, Path]) -> tuple[str, int]:
    sample, data = task
    candidates = extract(sample.file(data), sample)
    candidates.save(feature_file(sample, data))
    return sample.name, len(candidates)


def _of_chunk(module: DeepTau, chunk: Chunk, sample: Sample) -> Candidates:
    products = chunk.products
    taus = products["SlimmedTau"]
    event = chunk.start + events_of(offsets_of(taus))
    names = ("pt", "eta", "decayMode", "idCombinedIso", "rawIso")
    columns: dict[str, Any] = {name: flat(taus, name, None) for name in names}
    columns["label"] = labels(products["TauGenMatch"])
    columns["event"] = sample.seed * _EVENTS_OF_A_FILE + event
    columns["pileup"] = np.full(len(event), sample.pileup)
    columns["genPt"] = _generated_pt(products)
    inputs = {name: products[name] for name in module.consumes}
    return Candidates.from_tensors(module.acquire(inputs), columns)


def _generated_pt(products: Products) -> NDArray[np.float64]:
    """Of the visible tau to which each candidate is matched, 0 if there is none, GeV."""
    matches, visible = products["TauGenMatch"], products["GenVisTau"]
    index = flat(matches, "genVisTauIdx", np.int64)
    place = index + offsets_of(visible)[events_of(offsets_of(matches))]
    return np.append(flat(visible, "pt"), 0.0)[np.where(index < 0, -1, place)]
