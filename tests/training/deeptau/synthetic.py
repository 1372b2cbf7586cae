"""Tau candidates with random features in random cells."""

from typing import Any

import numpy as np

from sonicmini.event import Sparse
from training.deeptau.candidates import Candidates
from training.deeptau.layout import BLOCKS, GLOBAL, GRIDS, SEGMENTS, input_name


def synthetic_tensors(taus, seed=1, cells=(4, 9)):
    """What DeepTau.acquire returns for taus with up to so many cells; some have none."""
    rng = np.random.default_rng(seed)
    tensors: dict[str, Any] = {"input_tau": rng.normal(size=(taus, 43)).astype(np.float32)}
    shared = rng.normal(size=(taus, GLOBAL)).astype(np.float32)
    for (grid, size), most in zip(GRIDS.items(), cells, strict=True):
        counts = rng.integers(0, most + 1, taus)
        owner = np.repeat(np.arange(taus), counts)
        flat = np.concatenate([np.sort(rng.choice(size * size, n, replace=False)) for n in counts])
        position = np.stack(np.divmod(flat.astype(np.int64), size), axis=1)
        content = {block: np.zeros((len(owner), width)) for block, width in BLOCKS.items()}
        for rows in content.values():
            rows[:, :GLOBAL] = shared[owner]
        for block, start, stop in SEGMENTS.values():
            here = rng.random(len(owner)) < 0.4
            content[block][here, start:stop] = rng.normal(size=(here.sum(), stop - start))
        for block, rows in content.items():
            stored = rows.astype(np.float16).astype(np.float32)
            stored[:, :GLOBAL] = shared[owner]
            tensors[input_name(grid, block)] = Sparse(stored, position, counts)
    return tensors


def synthetic_columns(taus, seed=1):
    rng = np.random.default_rng((seed, 2))
    return {
        "label": rng.integers(0, 4, taus),
        "decayMode": rng.choice([0, 1, 2, 10, 11], taus),
        "idCombinedIso": rng.integers(0, 8, taus),
        "pileup": np.full(taus, 35),
        "event": np.arange(taus) // 3,
        "pt": 20 + rng.exponential(20, taus),
        "eta": rng.uniform(-2.3, 2.3, taus),
        "rawIso": rng.exponential(3, taus),
        "genPt": 20 + rng.exponential(20, taus),
    }


def synthetic(taus, seed=1):
    """Candidates whose class shows in what is stored of them."""
    columns, tensors = synthetic_columns(taus, seed), synthetic_tensors(taus, seed)
    tensors["input_tau"][:, :4] += 2 * np.eye(4, dtype=np.float32)[columns["label"]]
    return Candidates.from_tensors(tensors, columns)


def dense(tensors):
    """All cells of all grids, as CMS's network takes them."""
    found = {"input_tau": tensors["input_tau"]}
    for grid, size in GRIDS.items():
        for block, width in BLOCKS.items():
            sparse = tensors[input_name(grid, block)]
            array = np.zeros((len(sparse), size, size, width), np.float32)
            cell = 0
            for tau, count in enumerate(sparse.counts):
                for _ in range(count):
                    eta, phi = sparse.position[cell]
                    array[tau, eta, phi] = sparse.content[cell]
                    cell += 1
            found[input_name(grid, block)] = array
    return found
