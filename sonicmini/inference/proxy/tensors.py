"""Tensors as bytes: the same over http and gRPC."""

_NAN = {
    "FP16": bytes.fromhex("007e"),
    "BF16": bytes.fromhex("c07f"),
    "FP32": bytes.fromhex("0000c07f"),
    "FP64": bytes.fromhex("000000000000f87f"),
}


def is_floating(datatype: str) -> bool:
    """Whether a type of KServe's has a value that is not a number."""
    return datatype in _NAN


def nans(datatype: str, data: bytes) -> bytes:
    """As many values that are not numbers; the data themselves if the type has none."""
    nan = _NAN.get(datatype)
    return data if nan is None else nan * (len(data) // len(nan))
