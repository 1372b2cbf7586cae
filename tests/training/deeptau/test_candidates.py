"""What is stored of a candidate is what DeepTau.acquire gave."""

from dataclasses import replace

import numpy as np
import pytest

from sonicmini.event import Sparse
from tests.training.deeptau.synthetic import (
    dense,
    synthetic,
    synthetic_columns,
    synthetic_tensors,
)
from training.deeptau.candidates import COLUMNS, Candidates
from training.deeptau.layout import BLOCKS, GRIDS, input_name
from training.deeptau.speed import dense as dense_of

TAUS = 17


@pytest.fixture
def tensors():
    return synthetic_tensors(TAUS)


@pytest.fixture
def candidates(tensors):
    return Candidates.from_tensors(tensors, synthetic_columns(TAUS))


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def test_tensors_come_back(candidates, tensors):
    assert_equal(dense(candidates.tensors(np.arange(TAUS))), dense(tensors))


def test_any_order_and_choice(candidates, tensors):
    chosen = np.array([5, 0, 16, 5, 3])
    expected = {name: array[chosen] for name, array in dense(tensors).items()}
    assert_equal(dense(candidates.tensors(chosen)), expected)
    assert len(candidates.tensors(chosen[:0])["input_outer_muon"]) == 0


def test_batch_has_the_same_cells(candidates, tensors):
    chosen = np.array([2, 9, 1])
    batch, whole = candidates.batch(chosen), dense(tensors)
    for grid, size in GRIDS.items():
        for block, width in BLOCKS.items():
            image = np.zeros((3 * size * size, width), np.float32)
            image[batch.grids[grid].place] = batch.grids[grid].blocks[block]
            expected = whole[input_name(grid, block)][chosen]
            np.testing.assert_array_equal(image.reshape(expected.shape), expected)


def test_file_and_concatenation(candidates, tmp_path):
    other = synthetic(4, seed=9)
    for place, part in enumerate((candidates, other)):
        part.save(tmp_path / f"{place}.npz")
    both = Candidates.concatenate([Candidates.load(tmp_path / f"{place}.npz") for place in (0, 1)])
    assert len(both) == TAUS + 4
    tail = np.arange(TAUS, TAUS + 4)
    assert_equal(dense(both.tensors(tail)), dense(other.tensors(np.arange(4))))
    for name in COLUMNS:
        np.testing.assert_array_equal(both.columns[name][tail], other.columns[name])


def test_odd_numbers_are_stored_finite(tensors):
    tensors["input_inner_hadrons"].content[0, 5:8] = np.nan, np.inf, 1e9
    candidates = Candidates.from_tensors(tensors, synthetic_columns(TAUS))
    sparse = candidates.tensors(np.arange(TAUS))["input_inner_hadrons"]
    assert isinstance(sparse, Sparse)
    assert sparse.content[0, 5:8].tolist() == [0, 0, 65504]


@pytest.mark.parametrize("fault", ["cells", "shared"])
def test_blocks_that_disagree_are_refused(tensors, fault):
    sparse = tensors["input_outer_muon"]
    position, content = sparse.position.copy(), sparse.content.copy()
    if fault == "cells":
        position[0] = 20 - position[0]
    else:
        content[-1, 1] += 1
    tensors["input_outer_muon"] = replace(sparse, position=position, content=content)
    with pytest.raises(ValueError, match="muon"):
        Candidates.from_tensors(tensors, synthetic_columns(TAUS))


def test_dense_rows_are_those_that_are_sent(candidates, tensors):
    chosen = np.array([3, 0, 11])
    expected = {name: array[chosen] for name, array in dense(tensors).items()}
    assert_equal(dense_of(candidates, chosen), expected)
