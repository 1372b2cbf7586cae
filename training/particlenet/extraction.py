"""From simulated events to the features and the truth of their jets, by our own chain.

One file of jets for each file of events and each family of jets; what is there is not made again.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sonicmini.event import Chunk
from sonicmini.modules.columns import Bools, events_of, flat, offsets_of
from sonicmini.modules.networks.particlenet.candidates import candidate_features
from sonicmini.modules.networks.particlenet.jets import AK4_CHS, JetKind
from sonicmini.modules.networks.particlenet.vertices import vertex_features
from sonicmini.simulation.pool import ordered_map
from training.chain import Chain
from training.particlenet.recipes import FAMILIES, SMALL, Family
from training.particlenet.truth import LARGE_PRODUCTS, Columns, large_truth, small_truth
from training.progress import Pace
from training.samples import Sample

LARGEST: Final = 65504.0
"""Of the numbers of 16 bits in which features are kept."""

EVENTS: Final = 1000
"""More than a file has: a hard event is its file's seed times this, plus its place in the file."""


class _Task(NamedTuple):
    sample: Sample
    families: tuple[str, ...]
    data: Path


def feature_file(family: Family, sample: Sample, data: Path) -> Path:
    """Where the jets of a file of events are kept."""
    return data / "features" / family.name / f"{sample.name}.npz"


def make_features(chosen: Sequence[Sample], data: Path, workers: int) -> None:
    """Makes the jets of files of events as far as these are there, showing progress."""
    tasks = [task for sample in chosen if (task := _task(sample, data)).families]
    print(f"jets of {len(chosen) - len(tasks)} of {len(chosen)} samples are there", flush=True)
    for family in FAMILIES:
        (data / "features" / family.name).mkdir(parents=True, exist_ok=True)
    pace = Pace("events")
    for sample in ordered_map(_make, tasks, workers):
        pace.show(sample.name, sample.events)


def extract(sample: Sample, families: Sequence[Family], data: Path) -> dict[str, Columns]:
    """The jets of one file of events, by family."""
    wanted = {name for family in families for name in _products(family)}
    parts: dict[str, list[Columns]] = {family.name: [] for family in families}
    for chunk in Chain(wanted).chunks(sample.file(data)):
        for family in families:
            parts[family.name] += [
                _jets(chunk, sample, family, place) for place in range(len(family.kinds))
            ]
    return {
        name: {key: np.concatenate([part[key] for part in found]) for key in found[0]}
        for name, found in parts.items()
    }


def compact(features: NDArray[np.float32]) -> NDArray[np.float16]:
    """Features as they are kept: 0 where they are not finite, else within 16 bits."""
    finite = np.where(np.isfinite(features), features, np.float32(0))
    return np.clip(finite, -LARGEST, LARGEST).astype(np.float16)


def save(path: Path, columns: Mapping[str, Any]) -> None:
    """Writes columns; the file appears when it is whole."""
    partial = path.with_suffix(".part")
    with partial.open("wb") as file:
        np.savez(file, **columns)
    partial.rename(path)


def _task(sample: Sample, data: Path) -> _Task:
    """What is missing of a file of events; nothing if that is missing itself."""
    exists = sample.file(data).is_file()
    missing = tuple(
        family.name
        for family in FAMILIES
        if exists and family.uses(sample) and not feature_file(family, sample, data).is_file()
    )
    return _Task(sample, missing, data)


def _make(task: _Task) -> Sample:
    families = [family for family in FAMILIES if family.name in task.families]
    for name, columns in extract(task.sample, families, task.data).items():
        (family,) = (one for one in families if one.name == name)
        path = feature_file(family, task.sample, task.data)
        save(path, columns)
    return task.sample


def _products(family: Family) -> set[str]:
    """What the jets of a family are made of."""
    found = {name for kind, match in family.kinds for name in (*kind.consumes, match)}
    return {*found, "Generator", *(() if family is SMALL else LARGE_PRODUCTS)}


def _jets(chunk: Chunk, sample: Sample, family: Family, place: int) -> Columns:
    """The jets of one kind that are used."""
    kind, match = family.kinds[place]
    products = chunk.products
    jets = products[kind.jets]
    if family is SMALL:
        columns = small_truth(products[match])
        columns["chs"] = np.full(len(columns["label"]), kind is AK4_CHS, np.uint8)
    else:
        columns = large_truth(products, sample.process)
    event = events_of(offsets_of(jets))
    columns |= {name: flat(jets, name, np.float32) for name in ("pt", "eta", "phi", "mass")}
    columns["event"] = sample.seed * EVENTS + chunk.start + event
    columns["pileup"] = np.full(len(event), sample.pileup, np.int16)
    columns["weight"] = np.asarray(products["Generator"].weight, np.float32)[event]
    features = _features(chunk, kind, family)
    used = (columns["pt"] > family.min_pt) & (np.abs(columns["eta"]) < family.max_eta)
    used &= features["pf_counts"] > 0
    labels = [values for name, values in columns.items() if name.startswith("label")]
    used &= np.any([values >= 0 for values in labels], axis=0)
    columns = {name: values[used] for name, values in columns.items()}
    return columns | _only(features, used)


def _features(chunk: Chunk, kind: JetKind, family: Family) -> Columns:
    longest = family.pf_length[1], family.sv_length[1]
    pf, pf_counts = candidate_features(chunk.products, kind, family.pf, max_length=longest[0])
    sv, sv_counts = vertex_features(chunk.products, kind, family.sv, max_length=longest[1])
    return {
        "pf": compact(pf),
        "pf_counts": pf_counts.astype(np.int64),
        "sv": compact(sv),
        "sv_counts": sv_counts.astype(np.int64),
    }


def _only(features: Columns, used: Bools) -> Columns:
    result: Columns = {}
    for name in ("pf", "sv"):
        counts = features[f"{name}_counts"]
        result[name] = features[name][np.repeat(used, counts)]
        result[f"{name}_counts"] = counts[used]
    return result
