"""Products as flat columns and back."""

import os
import subprocess
import sys
from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from sonicmini.modules.columns import (
    events_of,
    flat,
    jagged,
    kernel,
    momenta,
    offsets_of,
    single,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def collection():
    """Three events of a larger collection, in another order: neither packed nor from 0."""
    pt = [[9.0], [1.0, 2.0], [], [3.0], [8.0, 8.0]]
    return ak.zip({"pt": pt, "charge": ak.values_astype(ak.Array(pt), np.int16)})[[3, 2, 1]]


def test_columns_of_a_selection(collection):
    offsets = offsets_of(collection)
    assert offsets.tolist() == [0, 1, 1, 3]
    assert events_of(offsets).tolist() == [0, 2, 2]
    assert flat(collection, "pt").tolist() == [3.0, 1.0, 2.0]
    assert flat(collection, "charge").dtype == np.float64
    assert flat(collection, "charge", None).dtype == np.int16


@pytest.mark.parametrize("cut", [slice(0, 4), slice(1, 3), slice(2, 2), slice(4, None, -2)])
def test_columns_of_a_part_of_a_plain_collection(cut):
    values = np.arange(6.0)
    plain = jagged(np.array([0, 2, 2, 5, 6]), {"x": values, "y": values[::-1]})[cut]
    assert offsets_of(plain).tolist() == [0, *np.cumsum(ak.num(plain))]
    assert flat(plain, "x").tolist() == ak.flatten(plain.x).to_list()
    assert flat(plain, "y").tolist() == ak.flatten(plain.y).to_list()


def test_there_and_back(collection):
    columns = {name: flat(collection, name, None) for name in collection.fields}
    again = jagged(offsets_of(collection), columns)
    assert again.to_list() == collection.to_list()
    assert again.type == collection.type


def test_nothing_keeps_fields_and_types(collection):
    empty = jagged(np.zeros(1, dtype=np.int64), {"pt": np.zeros(0, dtype=np.float32)})
    assert str(empty.type) == "0 * var * {pt: float32}"
    assert offsets_of(collection[:0]).tolist() == [0]
    assert flat(collection[:0], "pt").shape == (0,)


def test_records():
    record = single({"pt": np.array([1.0, 2.0]), "phi": np.array([0.0, 3.0])})
    assert record.to_list() == [{"pt": 1.0, "phi": 0.0}, {"pt": 2.0, "phi": 3.0}]


def test_momenta_have_their_mass():
    one = ak.Array([[{"pt": 3.0, "eta": 0.7, "phi": -2.0, "mass": 1.5}]])
    px, py, pz, energy = momenta(one)[0]
    assert np.hypot(px, py) == pytest.approx(3.0)
    assert np.arctan2(py, px) == pytest.approx(-2.0)
    assert np.arcsinh(pz / 3.0) == pytest.approx(0.7)
    assert energy**2 - px**2 - py**2 - pz**2 == pytest.approx(1.5**2)


def test_kernels_divide_as_numpy_does():
    @kernel
    def ratio(values):
        return values[0] / values[1]

    assert ratio(np.array([1.0, 0.0])) == np.inf


KERNELS = """\
import logging

logging.basicConfig(level=logging.INFO)

from sonicmini.modules.columns import kernel

@kernel
def one(x):
    return x + 1

@kernel
def two(x):
    return one(x) + 1

assert (two(1.0), one(2)) == (3.0, 3)
"""


def test_the_first_run_says_that_it_compiles(tmp_path):
    path = tmp_path / "kernels.py"
    path.write_text(KERNELS, encoding="utf-8")
    runs = [
        subprocess.run(
            [sys.executable, str(path)],
            env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        for _ in range(2)
    ]
    assert [run.stderr.count("compiling the kernels") for run in runs] == [1, 0]
