"""Padding, buckets and requests: what is sent is what was given, whatever the batching."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.errors import InferenceError
from sonicmini.event import Ragged, Sparse
from sonicmini.inference.batching import Batching, Request, check, fill, join, plan, row_count
from sonicmini.inference.repository import ModelSpec, TensorSpec

FLOAT = np.dtype(np.float32)


def make_spec(*inputs: TensorSpec, max_batch_size: int = 16) -> ModelSpec:
    return ModelSpec(
        name="net",
        version=1,
        path=Path("net.onnx"),
        inputs=inputs,
        outputs=(TensorSpec("y", FLOAT, (2,)),),
        max_batch_size=max_batch_size,
        preferred_batch_size=(),
        sha256="",
    )


JETS = make_spec(
    TensorSpec("pf", FLOAT, (2, -1), 8, 50),
    TensorSpec("pf_mask", FLOAT, (1, -1), 8, 50),
    TensorSpec("sv", FLOAT, (3, -1), 1, 5),
)


def ragged(rng: np.random.Generator, counts: np.ndarray, width: int, axis: int) -> Ragged:
    content = rng.normal(size=(counts.sum(), width)).astype(np.float32)
    return Ragged(content, counts.astype(np.int64), axis)


def jets(rng: np.random.Generator, pf_counts, sv_counts) -> dict[str, Ragged]:
    pf_counts, sv_counts = np.asarray(pf_counts), np.asarray(sv_counts)
    return {
        "pf": ragged(rng, pf_counts, 2, 1),
        "pf_mask": Ragged(np.ones((pf_counts.sum(), 1), np.float32), pf_counts, 1),
        "sv": ragged(rng, sv_counts, 3, 1),
    }


@pytest.mark.parametrize(
    ("length", "padded"),
    [(0, 5), (3, 5), (6, 10), (10, 10), (11, 20), (20, 20), (21, 40), (40, 40), (41, 60)],
)
def test_bucket_of_a_length(length, padded):
    tensor = TensorSpec("a", FLOAT, (-1,), min_length=4)
    assert Batching(buckets=(5, 10, 20)).padded_length(length, tensor) == padded


def test_padded_length_keeps_the_models_limits():
    tensor = TensorSpec("a", FLOAT, (2, -1), min_length=8, max_length=50)
    batching = Batching(buckets=(5, 10, 40, 80))
    lengths = [batching.padded_length(length, tensor) for length in (0, 8, 9, 10, 11, 41, 50, 51)]
    assert lengths == [10, 10, 10, 10, 40, 50, 50, 80]


def test_padded_length_beyond_the_last_bucket_and_without_buckets():
    tensor = TensorSpec("a", FLOAT, (2, -1))
    assert Batching(buckets=(10, 20)).padded_length(41, tensor) == 60
    assert [Batching(buckets=()).padded_length(n, tensor) for n in (0, 1, 7)] == [1, 1, 7]


def test_fixed_dimension_is_padded_with_zeros_and_cut():
    spec = make_spec(TensorSpec("cand", FLOAT, (4, 2)))
    content = np.arange(14, dtype=np.float64).reshape(7, 2)
    inputs = {"cand": Ragged(content, np.array([1, 0, 6]))}
    (request,) = plan(spec, inputs, Batching())
    padded = fill(spec, inputs, request)["cand"]
    assert padded.dtype == np.float32
    assert padded[0].tolist() == [[0, 1], [0, 0], [0, 0], [0, 0]]
    assert not padded[1].any()
    assert padded[2].tolist() == content[1:5].tolist()


def test_inputs_of_equal_counts_share_their_length_and_others_do_not():
    inputs = jets(np.random.default_rng(1), [3, 12, 9], [0, 2, 7])
    shapes = {
        tuple(request.rows): (request.shapes["pf"], request.shapes["pf_mask"], request.shapes["sv"])
        for request in plan(JETS, inputs, Batching(buckets=(1, 2, 5, 10, 20)))
    }
    assert shapes == {
        (0,): ((1, 2, 10), (1, 1, 10), (1, 3, 1)),
        (1,): ((1, 2, 20), (1, 1, 20), (1, 3, 2)),
        (2,): ((1, 2, 10), (1, 1, 10), (1, 3, 10)),
    }


def test_variable_axis_is_put_where_the_model_has_it():
    inputs = jets(np.random.default_rng(2), [3], [2])
    (request,) = plan(JETS, inputs, Batching(buckets=(5, 10)))
    dense = fill(JETS, inputs, request)
    assert dense["pf"].shape == (1, 2, 10)
    assert dense["pf"].flags.c_contiguous
    np.testing.assert_array_equal(dense["pf"][0, :, :3], inputs["pf"].content.T)
    assert not dense["pf"][0, :, 3:].any()
    assert dense["pf_mask"][0, 0].tolist() == [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]


def test_no_rows_no_request_and_empty_outputs():
    inputs = jets(np.random.default_rng(3), np.zeros(0, int), np.zeros(0, int))
    assert plan(JETS, inputs, Batching()) == []
    assert row_count(JETS, inputs) == 0
    outputs = join(JETS, 0, [])
    assert outputs["y"].shape == (0, 2)
    assert outputs["y"].dtype == np.float32


@pytest.mark.parametrize(
    ("batching", "sizes"),
    [
        (Batching(), [10, 10]),  # max_batch_size 16, parts of equal size
        (Batching(max_rows=7), [7, 7, 6]),
        (Batching(max_bytes=4 * 8 * 3), [3, 3, 3, 3, 3, 3, 2]),
        (Batching(max_bytes=1), [1] * 20),
    ],
)
def test_rows_are_split_at_every_limit(batching, sizes):
    spec = make_spec(TensorSpec("cand", FLOAT, (4, 2)))
    inputs = {"cand": np.zeros((20, 4, 2), np.float32)}
    requests = plan(spec, inputs, batching)
    assert [len(request.rows) for request in requests] == sizes
    assert np.concatenate([request.rows for request in requests]).tolist() == list(range(20))


@given(
    counts=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), max_size=40),
    max_rows=st.integers(1, 20),
    buckets=st.lists(st.integers(1, 70), unique=True, max_size=6).map(sorted),
)
def test_every_row_is_sent_once_whole_and_comes_back_in_its_place(counts, max_rows, buckets):
    pf_counts = np.array([pf for pf, _ in counts], np.int64)
    sv_counts = np.array([sv for _, sv in counts], np.int64)
    inputs = jets(np.random.default_rng(4), pf_counts, sv_counts)
    answers = []
    for request in plan(JETS, inputs, Batching(max_rows=max_rows, buckets=tuple(buckets))):
        dense: dict[str, Any] = dict(fill(JETS, inputs, request))
        assert {name: array.shape for name, array in dense.items()} == request.shapes
        assert 1 <= len(request.rows) <= min(max_rows, 16)
        assert dense["pf"].shape[2] >= 8
        sums = (dense["pf"] * dense["pf_mask"]).sum((1, 2)), dense["sv"].sum((1, 2))
        answers.append((request, {"y": np.stack(sums, axis=1).astype(np.float32)}))
    whole = join(JETS, len(counts), answers)["y"]
    starts = [np.cumsum(one) - one for one in (pf_counts, sv_counts)]
    for row, (pf, sv) in enumerate(counts):
        expected = (
            inputs["pf"].content[starts[0][row] : starts[0][row] + pf].sum(),
            inputs["sv"].content[starts[1][row] : starts[1][row] + sv].sum(),
        )
        np.testing.assert_allclose(whole[row], expected, rtol=1e-4, atol=1e-4)


GRID = make_spec(TensorSpec("grid", FLOAT, (3, 4, 2)), TensorSpec("flat", FLOAT, (2,)))


def test_cells_of_sparse_rows_are_where_they_say():
    content = np.array([[1, 2], [3, 4], [5, 6]], np.float64)
    position = np.array([[0, 3], [2, 0], [0, 3]])
    inputs: dict[str, Any] = {
        "grid": Sparse(content, position, np.array([2, 0, 1])),
        "flat": np.zeros((3, 2), np.float32),
    }
    (request,) = plan(GRID, inputs, Batching())
    assert request.shapes == {"grid": (3, 3, 4, 2), "flat": (3, 2)}
    dense = fill(GRID, inputs, request)["grid"]
    assert dense.dtype == np.float32
    assert dense.flags.c_contiguous
    expected = np.zeros((3, 3, 4, 2))
    expected[0, 0, 3], expected[0, 2, 0], expected[2, 0, 3] = (1, 2), (3, 4), (5, 6)
    assert np.array_equal(dense, expected)


def test_rows_of_bare_cells_and_rows_that_are_one_cell():
    spec = make_spec(TensorSpec("bits", FLOAT, (4,)), TensorSpec("whole", FLOAT, (2,)))
    inputs = {
        "bits": Sparse(np.array([7.0]), np.array([[2]]), np.array([0, 1])),
        "whole": Sparse(np.array([[1.0, 2.0]]), np.zeros((1, 0), np.int64), np.array([1, 0])),
    }
    (request,) = plan(spec, inputs, Batching())
    dense = fill(spec, inputs, request)
    assert dense["bits"].tolist() == [[0, 0, 0, 0], [0, 0, 7, 0]]
    assert dense["whole"].tolist() == [[1, 2], [0, 0]]


@given(
    cells=st.lists(st.lists(st.integers(0, 11), unique=True, max_size=12), max_size=25),
    max_bytes=st.integers(1, 2000),
)
def test_sparse_rows_are_sent_as_the_same_dense_ones_would_be(cells, max_bytes):
    counts = np.array([len(row) for row in cells], np.int64)
    flat = np.array([cell for row in cells for cell in row], np.int64)
    position = np.stack([flat // 4, flat % 4], axis=1)
    content = np.random.default_rng(5).normal(size=(len(flat), 2)).astype(np.float32)
    whole = np.zeros((len(cells), 3, 4, 2), np.float32)
    whole[np.repeat(np.arange(len(cells)), counts), position[:, 0], position[:, 1]] = content
    other = np.arange(2 * len(cells), dtype=np.float32).reshape(-1, 2)
    sparse: dict[str, Any] = {"grid": Sparse(content, position, counts), "flat": other}
    dense = {"grid": whole, "flat": other}
    batching = Batching(max_bytes=max_bytes)
    requests, expected = plan(GRID, sparse, batching), plan(GRID, dense, batching)
    assert len(requests) == len(expected)
    for request, same in zip(requests, expected, strict=True):
        assert request.rows.tolist() == same.rows.tolist()
        assert request.shapes == same.shapes
        found, wanted = fill(GRID, sparse, request), fill(GRID, dense, same)
        assert all(np.array_equal(found[name], wanted[name]) for name in ("grid", "flat"))


@pytest.mark.parametrize(
    ("shape", "position", "counts", "fault"),
    [
        ((3, 4, 2), [[0, 4]], [1], r"cells outside of \(3, 4\)"),
        ((3, 4, 2), [[-1, 0]], [1], r"cells outside of \(3, 4\)"),
        ((3, 4, 2), [[0, 1], [0, 2]], [1], "1 cells at 2 positions whose counts add up to 1"),
        ((3, 4, 2), [[0, 1]], [2], "1 cells at 1 positions whose counts add up to 2"),
        ((3, 4, 2), [[0]], [1], r"cells of \(2,\), expected \(4, 2\)"),
        ((-1, 4, 2), [[0, 1]], [1], "sparse rows, as it has a variable dimension"),
        ((3, 4, 2), [[0, 1]], [1], ""),
    ],
)
def test_sparse_rows_that_do_not_fit_are_refused(shape, position, counts, fault):
    spec = make_spec(TensorSpec("grid", FLOAT, shape))
    sparse = Sparse(np.zeros((1, 2), np.float32), np.array(position), np.array(counts))
    if not fault:
        assert row_count(spec, {"grid": sparse}) == 1
        return
    with pytest.raises(InferenceError, match=fault):
        row_count(spec, {"grid": sparse})


def test_all_faults_of_the_inputs_come_in_one_message():
    spec = make_spec(
        TensorSpec("a", FLOAT, (4, 2)),
        TensorSpec("b", FLOAT, (2, -1)),
        TensorSpec("c", FLOAT, (3,)),
        TensorSpec("d", np.dtype(np.int64), (1,)),
        TensorSpec("e", FLOAT, (3, -1)),
        TensorSpec("f", FLOAT, (1,)),
        TensorSpec("g", FLOAT, (-1, 2)),
    )
    counts = np.array([1, 2])
    inputs: dict[str, Any] = {
        "a": np.zeros((2, 4, 3), np.float32),
        "b": Ragged(np.zeros((3, 5), np.float32), counts, 1),
        "c": np.zeros((3, 3), np.float32),
        "d": np.zeros((2, 1)),
        "e": Ragged(np.zeros((4, 3), np.float32), counts, 1),
        "g": Ragged(np.zeros((3, 2), np.float32), counts, 2),
        "x": np.zeros(2),
    }
    with pytest.raises(InferenceError) as raised:
        plan(spec, inputs, Batching())
    for part in (
        "net/1",
        "input f is missing",
        "it has no input x",
        "a float32[4, 2] cannot take shape (2, 4, 3)",
        "b float32[2, -1] cannot take rows of (5,), expected (2,)",
        "d int64[1] cannot take type float64",
        "e float32[3, -1] cannot take 4 rows whose counts add up to 3",
        "g float32[-1, 2] cannot take rows of variable length along axis 2",
        "differ in rows",
    ):
        assert part in str(raised.value)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ({}, r"output y float32\[2\] is missing"),
        (
            {"y": Sparse(np.zeros((1, 2)), np.zeros((1, 0), int), np.ones(1, int))},
            "rows of variable length",
        ),
        ({"y": np.zeros((2, 2), np.float32)}, r"shape \(2, 2\), expected \(3, 2\)"),
        ({"y": np.zeros((3, 1), np.float32)}, r"shape \(3, 1\)"),
        ({"y": np.zeros((3, 2))}, "type float64"),
    ],
)
def test_wrong_answers_are_refused(answer, fault):
    spec = make_spec(TensorSpec("cand", FLOAT, (4, 2)))
    request = Request(np.arange(3), {"cand": (3, 4, 2)})
    with pytest.raises(InferenceError, match=fault):
        check(spec, request, answer)
