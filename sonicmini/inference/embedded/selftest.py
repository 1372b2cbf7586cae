"""A known tensor through a known model: a server that computes wrongly fails in silence otherwise.

The model returns its inputs, one of each type. Spoken by hand over http, KServe's version 2 with
its binary extension, so that nothing of the clients under test is used.
"""

import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sonicmini.errors import ServerError, UnavailableError
from sonicmini.event import Array
from sonicmini.inference.embedded.stage import SELF_TEST

SELF_TEST_MODEL = Path(__file__).with_name(SELF_TEST)
"""Folder of the model."""

_SIZE_HEADER = "Inference-Header-Content-Length"
_TYPES: dict[str, type[np.generic]] = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
}


def self_test(address: str, port: int, limit_s: float) -> None:
    """Sends known tensors of two shapes and compares the answers exactly.

    Raises:
        ServerError: if an answer is wrong, or there is none.
        UnavailableError: if the server cannot be reached.
    """
    where = f"the server at {address}:{port}"
    for rows in (1, 5):
        sent = known_tensors(rows)
        connection = http.client.HTTPConnection(address, port, timeout=limit_s)
        try:
            faults = compare(sent, _infer(connection, sent))
        except (OSError, http.client.HTTPException) as error:
            raise UnavailableError(f"self-test of {where}: {error!r}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise ServerError(f"self-test of {where}: unusable answer: {error!r}") from error
        finally:
            connection.close()
        if faults:
            raise ServerError(
                f"{where} computes wrongly: {'; '.join(faults)}; install it again by "
                "`sonicmini server install --force`"
            )


def known_tensors(rows: int) -> dict[str, Array]:
    """Two times ``rows`` times three numbers of each type, none like another."""
    ramp = np.arange(2 * rows * 3).reshape(2, rows, 3)
    tensors: dict[str, Array] = {}
    for offset, (name, dtype) in enumerate(_TYPES.items(), start=1):
        values = ramp % 2 if name == "BOOL" else ramp * 3 + offset
        tensors[name] = (values / 2 if name.startswith("FP") else values).astype(dtype)
    return tensors


def compare(sent: Mapping[str, Array], received: Mapping[str, Array]) -> list[str]:
    """Says what is not as it was sent."""
    faults = []
    for name, expected in sent.items():
        found = received.get(name)
        if found is None:
            faults.append(f"{name} is missing")
        elif found.dtype != expected.dtype or found.shape != expected.shape:
            faults.append(f"{name} came back as {found.dtype}{list(found.shape)}")
        elif not np.array_equal(found, expected):
            faults.append(f"{name} {expected.flat[0]} came back as {found.flat[0]}")
    return faults


def _infer(connection: http.client.HTTPConnection, sent: Mapping[str, Array]) -> dict[str, Array]:
    inputs = [
        {
            "name": f"in_{name}",
            "shape": list(array.shape),
            "datatype": name,
            "parameters": {"binary_data_size": array.nbytes},
        }
        for name, array in sent.items()
    ]
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    body = b"".join([head, *(array.tobytes() for array in sent.values())])
    headers = {"Content-Type": "application/octet-stream", _SIZE_HEADER: str(len(head))}
    connection.request("POST", f"/v2/models/{SELF_TEST}/infer", body, headers)
    response = connection.getresponse()
    content = response.read()
    if response.status != http.client.OK:
        text = content.decode(errors="replace")[:500]
        raise ServerError(f"self-test: the server answers {response.status}: {text}")
    size = int(response.headers[_SIZE_HEADER])
    return _unpack(json.loads(content[:size])["outputs"], content[size:])


def _unpack(outputs: list[dict[str, Any]], content: bytes) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    start = 0
    for output in outputs:
        end = start + int(output["parameters"]["binary_data_size"])
        array = np.frombuffer(content[start:end], _TYPES[output["datatype"]])
        arrays[output["name"].removeprefix("out_")] = array.reshape(output["shape"])
        start = end
    return arrays
