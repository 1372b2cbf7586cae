"""Fewer mantissa bits: what carries no information compresses to nothing."""

import numpy as np
from numpy.typing import NDArray

MANTISSA_BITS = 23


def truncate_mantissa(array: NDArray[np.float32], bits: int | None) -> NDArray[np.float32]:
    """Rounds float32 values to the nearest with ``bits`` mantissa bits; the other bits are zero.

    The relative error is at most ``2**-(bits + 1)``. Zeros, infinities and NaN stay what they are,
    no finite value becomes infinite, and truncating twice changes nothing.

    Args:
        array: any shape.
        bits: 1 to 23; None returns the array itself.

    Raises:
        ValueError: another number of bits.
    """
    if bits is None or bits == MANTISSA_BITS:
        return array
    if not 1 <= bits < MANTISSA_BITS:
        raise ValueError(f"a float32 has 1 to {MANTISSA_BITS} mantissa bits, not {bits}")
    dropped = MANTISSA_BITS - bits
    mask = np.uint32(0xFFFFFFFF << dropped & 0xFFFFFFFF)
    half = np.uint32(1 << (dropped - 1))
    raw = np.ascontiguousarray(array, dtype=np.float32).view(np.uint32)
    # A carry out of the mantissa goes into the exponent, which is the right result.
    rounded = ((raw + half) & mask).view(np.float32)
    largest = (raw & mask).view(np.float32)
    rounded = np.where(np.isfinite(rounded), rounded, largest)
    return np.where(np.isfinite(array), rounded, array)
