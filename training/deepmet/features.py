"""From simulated files to what the network sees, by our own chain and DeepMET.acquire."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, cast

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from sonicmini.event import Chunk, Ragged
from sonicmini.modules.networks.deepmet import DeepMET
from sonicmini.simulation.pool import ordered_map
from training.chain import Chain
from training.progress import Pace
from training.samples import Sample

WANTED: Final = ("PackedPFCand", "GenMET", "RawMET", "RawPuppiMET")

CATEGORIES = (3, 11, 4)
"""Numbers of charges, pdgIds and values of fromPV that the network knows."""


@dataclass(frozen=True)
class Features:
    """Events as they are stored: about 17 bytes a candidate.

    Attributes:
        content: DeepMET's ``input``, float16, shape (candidates, 8).
        category: its three categories as one number below 132, uint8.
        counts: candidates of each event.
        gen_met, pf_met, puppi_met: x and y of missing momenta, GeV, shape (events, 2).
        pileup: mean number of collisions of each event's sample.
    """

    content: NDArray[np.float16]
    category: NDArray[np.uint8]
    counts: NDArray[np.int64]
    gen_met: NDArray[np.float32]
    pf_met: NDArray[np.float32]
    puppi_met: NDArray[np.float32]
    pileup: NDArray[np.int16]

    @property
    def size(self) -> int:
        """Number of events."""
        return len(self.counts)

    def save(self, path: Path) -> None:
        """Writes the file; it appears when it is whole."""
        partial = path.with_suffix(".part")
        with partial.open("wb") as file:
            np.savez(file, **{item.name: getattr(self, item.name) for item in fields(self)})
        partial.rename(path)

    @classmethod
    def load(cls, path: Path) -> "Features":
        """Reads a file that :meth:`save` wrote."""
        with np.load(path) as arrays:
            return cls(**{item.name: arrays[item.name] for item in fields(cls)})

    @classmethod
    def concatenate(cls, parts: Iterable["Features"]) -> "Features":
        """All events of all parts."""
        whole = list(parts)
        return cls(
            **{
                item.name: np.concatenate([getattr(part, item.name) for part in whole])
                for item in fields(cls)
            }
        )

    def events(self, indices: NDArray[np.int64]) -> "Features":
        """Some of the events, in the given order."""
        stops = np.cumsum(self.counts)
        rows = np.concatenate([np.arange(stops[i] - self.counts[i], stops[i]) for i in indices])
        return Features(
            content=self.content[rows],
            category=self.category[rows],
            **{
                item.name: getattr(self, item.name)[indices]
                for item in fields(self)
                if item.name not in ("content", "category")
            },
        )


def feature_file(sample: Sample, data: Path) -> Path:
    """Where the features of a file are kept."""
    return data / "features" / "deepmet" / f"{sample.name}.npz"


def make_features(chosen: Sequence[Sample], data: Path, workers: int) -> None:
    """Runs the chain on simulated files whose features are not there yet, showing progress."""
    missing = [one for one in chosen if not feature_file(one, data).is_file()]
    print(f"features of {len(chosen) - len(missing)} of {len(chosen)} files are there", flush=True)
    (data / "features" / "deepmet").mkdir(parents=True, exist_ok=True)
    pace = Pace("events")
    for name, events in ordered_map(_make, [(one, data) for one in missing], workers):
        pace.show(name, events)


def load(chosen: Iterable[Sample], data: Path) -> Features:
    """The features of several files."""
    return Features.concatenate(Features.load(feature_file(one, data)) for one in chosen)


def extract(file: Path, pileup: int) -> Features:
    """Runs the chain on a file of events."""
    return Features.concatenate(_of_chunk(chunk, pileup) for chunk in Chain(WANTED).chunks(file))


def _make(task: tuple[Sample, Path]) -> tuple[str, int]:
    sample, data = task
    features = extract(sample.file(data), sample.pileup)
    features.save(feature_file(sample, data))
    return sample.name, features.size


def _of_chunk(chunk: Chunk, pileup: int) -> Features:
    tensors = {
        name: cast("Ragged", tensor) for name, tensor in DeepMET().acquire(chunk.products).items()
    }
    category = np.zeros(len(tensors["input"].content), np.uint8)
    for index, size in enumerate(CATEGORIES):
        values = tensors[f"input_cat{index}"].content[:, 0].astype(np.uint8)
        category = category * np.uint8(size) + values
    return Features(
        content=tensors["input"].content.astype(np.float16),
        category=category,
        counts=tensors["input"].counts,
        gen_met=_components(chunk.products["GenMET"]),
        pf_met=_components(chunk.products["RawMET"]),
        puppi_met=_components(chunk.products["RawPuppiMET"]),
        pileup=np.full(chunk.size, pileup, np.int16),
    )


def _components(met: ak.Array) -> NDArray[np.float32]:
    pt, phi = ak.to_numpy(met.pt), ak.to_numpy(met.phi)
    return np.stack([pt * np.cos(phi), pt * np.sin(phi)], axis=1).astype(np.float32)
