"""Altered answers of gRPC, read by the library that clients use."""

import numpy as np
import pytest
from tritonclient.grpc import InferResult, service_pb2

from sonicmini.inference.proxy.faults import NanScores, ShortTensor, WrongShape
from sonicmini.inference.proxy.grpc_answer import edited, is_whole
from tests.inference.proxy.conftest import SCORES

LABELS = np.arange(300, dtype=np.int64)


@pytest.fixture
def answer():
    message = service_pb2.ModelInferResponse(model_name="toy", model_version="1", id="7")
    message.parameters["score_offset"].int64_param = -3
    for name, datatype, array in (("label", "INT64", LABELS), ("score", "FP32", SCORES)):
        message.outputs.add(name=name, datatype=datatype, shape=array.shape)
        message.raw_output_contents.append(array.tobytes())
    return message


def packed(message):
    data = message.SerializeToString()
    return b"\x00" + len(data).to_bytes(4) + data


def unpacked(data):
    assert data is not None
    assert is_whole(data)
    assert not is_whole(data[:-1])
    return service_pb2.ModelInferResponse.FromString(data[5:])


def test_scores_become_nan_and_all_else_stays(answer):
    found = unpacked(edited(NanScores(), packed(answer)))
    assert np.isnan(InferResult(found).as_numpy("score")).all()
    found.raw_output_contents[1] = SCORES.tobytes()
    assert found == answer


@pytest.mark.parametrize(("shape", "expected"), [((), (1, 5, 2)), ((2, 5), (2, 5)), ((300,), ())])
def test_shape_changes_and_bytes_stay(answer, shape, expected):
    found = unpacked(edited(WrongShape(shape), packed(answer)))
    assert tuple(found.outputs[1].shape) == (expected or shape)
    assert found.raw_output_contents == answer.raw_output_contents
    if expected:
        values = InferResult(found).as_numpy("score")
        np.testing.assert_array_equal(values, SCORES.reshape(expected))


def test_tensor_is_short(answer):
    found = unpacked(edited(ShortTensor(8), packed(answer)))
    assert found.raw_output_contents[1] == SCORES.tobytes()[:-8]
    assert found.outputs == answer.outputs
    with pytest.raises(ValueError, match="cannot reshape"):
        InferResult(found).as_numpy("score")


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"\x00", packed(service_pb2.ModelInferResponse(model_name="toy"))),
        *(
            b"\x01\x00\x00\x00\x02\x2a\x00",
            b"\x00\x00\x00\x00\x01\xff",
            b"\x00\x00\x00\x00\x01\x2f",
        ),
    ],
)
def test_what_has_no_tensors_stays_as_it_is(data):
    for fault in (NanScores(), WrongShape(), ShortTensor()):
        assert edited(fault, data) is None
