"""Small ROOT files of chosen content."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from sonicmini.io.metadata import Metadata

PROVENANCE = {
    "modules": {
        "jets": {"consumes": ["PFCand"], "produces": ["Jet"], "network": False},
        "tagger": {"consumes": ["Jet"], "produces": ["Tag"], "network": True},
        "chooser": {"consumes": ["Tag", "Jet"], "produces": ["Best"], "network": False},
    },
    "models": {"tagger": {"version": 1, "sha256": "aa"}},
}


def content(events: int = 6, seed: int = 1) -> dict[str, Any]:
    """Branches of some events: jets, a score of each, and the best jet of each event."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 4, events)
    counts[:1] = 2
    total = int(counts.sum())

    def jagged(values):
        return ak.unflatten(values, counts)

    return {
        "run": np.ones(events, np.uint32),
        "luminosityBlock": np.full(events, 7, np.uint32),
        "event": np.arange(100, 100 + events, dtype=np.uint64),
        "Jet": ak.zip(
            {
                "pt": jagged(rng.uniform(20, 90, total).astype(np.float32)),
                "phi": jagged(rng.uniform(-3, 3, total).astype(np.float32)),
                "n": jagged(rng.integers(-5, 5, total).astype(np.int16)),
                "good": jagged(rng.integers(0, 2, total).astype(bool)),
            }
        ),
        "Tag": ak.zip({"score": jagged(rng.uniform(0, 1, total).astype(np.float32))}),
        "Best_pt": rng.uniform(20, 90, events).astype(np.float32),
        "Best_phi": rng.uniform(-3, 3, events).astype(np.float32),
        "Best_index": np.zeros(events, np.int32),
    }


def write(path: Path, branches: dict[str, Any], provenance: Any = None, baskets: int = 1) -> str:
    """A file with this content in a number of baskets, and perhaps with its provenance."""
    with uproot.recreate(path) as file:
        tree = file.mktree("Events", {name: _type(array) for name, array in branches.items()})
        events = len(branches["event"])
        edges = np.linspace(0, events, baskets + 1).astype(int).tolist()
        for start, stop in pairwise(edges):
            tree.extend({name: array[start:stop] for name, array in branches.items()})
        if provenance is not None:
            metadata = Metadata("toy", 1, provenance).to_branches()
            types = {name: "string" if name != "formatVersion" else np.int32 for name in metadata}
            file.mktree("Runs", types).extend(metadata)
    return str(path)


def _type(array: Any) -> Any:
    return array.dtype if isinstance(array, np.ndarray) else array.type.content


def changed(
    branches: dict[str, Any], name: str, place: tuple[int, ...], value: Any
) -> dict[str, Any]:
    """The same content with one value of a branch set; place is event, and index if jagged."""
    prefix, _, field = name.partition("_")
    if name in branches:
        copy = branches[name].copy()
        copy[place] = value
        return branches | {name: copy}
    record = branches[prefix]
    counts = ak.num(record[field])
    flat = ak.to_numpy(ak.flatten(record[field])).copy()
    flat[int(ak.sum(counts[: place[0]])) + place[1]] = value
    fields = {key: record[key] for key in record.fields} | {field: ak.unflatten(flat, counts)}
    return branches | {prefix: ak.zip(fields)}
