"""Files of jets as the extraction writes them, with random features that depend on the class."""

from pathlib import Path

import numpy as np

from training.datasets import SPLITS
from training.particlenet.extraction import feature_file, save
from training.particlenet.labels import AK8, AK8_MD
from training.particlenet.recipes import LARGE, SMALL, Family
from training.particlenet.truth import SUBSTRUCTURE, Columns
from training.samples import Sample

PROCESSES = {
    "ak4": ("ttbar", "qcd"),
    "ak8": ("zprime_tt", "wprime_wz", "graviton_hbb", "graviton_xx", "qcd_boosted"),
}
"""Of which files are written: one a split."""


def write_files(family: Family, data: Path, jets: int = 300) -> list[Sample]:
    """One file for each split and process that the family's networks need."""
    written = []
    for split in SPLITS:
        for process in PROCESSES[family.name]:
            sample = next(s for s in family.samples(split) if s.process.startswith(process))
            path = feature_file(family, sample, data)
            path.parent.mkdir(parents=True, exist_ok=True)
            save(path, random_columns(family, process, jets, sample.seed))
            written.append(sample)
    return written


def random_columns(family: Family, process: str, jets: int, seed: int) -> Columns:
    """Columns of random jets of a process."""
    rng = np.random.default_rng(seed)
    columns = _truth(family, process, jets, rng)
    label = np.maximum(columns["label"], columns.get("label_md", columns["label"]))
    columns |= {
        "pt": rng.uniform(210 if family is LARGE else 16, 900, jets).astype(np.float32),
        "eta": rng.uniform(-2.3, 2.3, jets).astype(np.float32),
        "event": 1000 * seed + np.arange(jets),
    }
    for kind, names in (("pf", family.pf), ("sv", family.sv)):
        longest = 20 if kind == "pf" else 3
        counts = rng.integers(kind == "pf", longest + 1, jets)
        shift = np.repeat(label, counts)[:, np.newaxis] / 10
        values = rng.normal(size=(counts.sum(), len(names))) + shift
        columns[f"{kind}_counts"] = counts
        columns[kind] = values.astype(np.float16)
    columns["pf"][:, family.pf.index("pfcand_quality")] = 5
    return columns


def _truth(family: Family, process: str, jets: int, rng: np.random.Generator) -> Columns:
    if family is SMALL:
        return {
            "label": rng.integers(0, 8, jets).astype(np.int16),
            "target": np.zeros(jets, np.float32),
            "chs": rng.integers(0, 2, jets).astype(np.uint8),
        }
    label = np.full(jets, -1, np.int16)
    label_md = np.full(jets, -1, np.int16)
    if process == "graviton_xx":
        label_md = rng.integers(0, 3, jets).astype(np.int16)
    elif process == "qcd_boosted":
        label_md = rng.integers(3, 8, jets).astype(np.int16)
        label = np.array([AK8.index(AK8_MD[place]) for place in label_md], np.int16)
    else:
        label = rng.integers(0, 15, jets).astype(np.int16)
    return {
        "label": label,
        "label_md": label_md,
        "label_mass": np.zeros(jets, np.int16),
        "target": rng.uniform(10, 240, jets).astype(np.float32),
        **{name: rng.uniform(0.1, 200, jets).astype(np.float32) for name in SUBSTRUCTURE},
    }
