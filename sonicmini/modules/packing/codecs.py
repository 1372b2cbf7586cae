"""The precision of packed candidates: CMS's codecs, or binary grids at least as fine.

CMSSW: ``MiniFloatConverter`` and ``pat::PackedCandidate``. CMS stores small integers
and multiplies them when they are read. The columns here are stored as the numbers themselves, and
multiples of 6/32767 or 1/100 fill a mantissa with bits that say nothing and do not compress. Where
that is so, a grid with a power of two as its step takes the place of CMS's integer.

Values beyond the range of a codec become the outermost ones. Packing what was unpacked gives the
same number again.
"""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sonicmini.modules.columns import kernel

Halves: TypeAlias = NDArray[np.uint16]
Bytes: TypeAlias = NDArray[np.uint8]
SignedBytes: TypeAlias = NDArray[np.int8]
Singles: TypeAlias = NDArray[np.float32]

_HALF_MAX = 65504.0


def pack_half(values: ArrayLike) -> Halves:
    """IEEE half floats with CMS's rounding.

    Halves are rounded up in magnitude, unless that would carry into the exponent, and numbers
    too small for a normal half float are truncated: not what ``numpy.float16`` does.
    """
    clipped = np.clip(np.asarray(values, dtype=np.float32), -_HALF_MAX, _HALF_MAX)
    return _half_bits(np.ascontiguousarray(clipped).view(np.uint32))


def unpack_half(packed: Halves) -> Singles:
    """The numbers that half floats stand for."""
    return packed.view(np.float16).astype(np.float32)


@kernel
def _half_bits(bits: NDArray[np.uint32]) -> Halves:
    result = np.empty(len(bits), dtype=np.uint16)
    for i in range(len(bits)):
        exponent = np.int64(bits[i] >> 23 & 0xFF) - 127
        mantissa = np.int64(bits[i] & 0x7FFFFF)
        magnitude = np.int64(0)
        if exponent >= 128:  # not a number
            magnitude = np.int64(0x7E00)
        elif exponent >= -14:
            rounded = (mantissa >> 13) + (mantissa >> 12 & 1)
            magnitude = (exponent + 15 << 10) + rounded - (rounded >> 10)
        elif exponent >= -24:
            magnitude = (0x400 >> (-exponent - 14)) + (mantissa >> (-exponent - 1))
        result[i] = (bits[i] >> 16 & 0x8000) | magnitude
    return result


def on_grid(values: ArrayLike, bits: int) -> Singles:
    """The nearest multiples of ``2**-bits``, halves to the even one.

    A number beyond ``2**(23 - bits)`` keeps the 23 bits of a single-precision mantissa instead.
    """
    scale = 2.0**bits
    return (np.rint(np.asarray(values, np.float64) * scale) / scale).astype(np.float32)


def azimuth_on_grid(phi: ArrayLike, bits: int) -> Singles:
    """As :func:`on_grid`, but never beyond the half circle: the outermost multiple is within it."""
    outermost = np.float32(np.floor(np.pi * 2.0**bits) / 2.0**bits)
    return np.clip(on_grid(phi, bits), -outermost, outermost)


def keep_bits(values: ArrayLike, bits: ArrayLike) -> Singles:
    """The nearest numbers with so many bits of mantissa, halves away from 0.

    The relative error is at most ``2**-(bits + 1)``.

    Args:
        values: any shape.
        bits: 1 to 22, one for all or one for each value.
    """
    singles = np.ascontiguousarray(values, dtype=np.float32)
    dropped = (23 - np.asarray(bits)).astype(np.uint32)
    half = np.uint32(1) << (dropped - np.uint32(1))
    # A carry out of the mantissa goes into the exponent, which is the right result.
    rounded = (((singles.view(np.uint32) + half) >> dropped) << dropped).view(np.float32)
    return np.where(np.isfinite(singles), rounded, singles)


def pack_fraction(values: ArrayLike, levels: int) -> Bytes:
    """Numbers of 0 and more in units of ``1 / levels``, truncated; not a number becomes 0."""
    scaled = np.nan_to_num(np.asarray(values, dtype=np.float32)) * np.float32(levels)
    return np.asarray(np.clip(scaled, 0, 255), dtype=np.uint8)


def unpack_fraction(packed: Bytes, levels: int) -> Singles:
    """The numbers that :func:`pack_fraction` stored."""
    return packed.astype(np.float32) / np.float32(levels)


def pack_difference(values: ArrayLike) -> SignedBytes:
    """Differences between -1 and 1 in units of 1/127, truncated towards 0."""
    scaled = np.asarray(values, dtype=np.float32) * np.float32(127)
    return np.asarray(np.clip(scaled, -127, 127), dtype=np.int8)


def unpack_difference(packed: SignedBytes) -> Singles:
    """The numbers that :func:`pack_difference` stored."""
    return packed.astype(np.float32) / np.float32(127)


class Hits(NamedTuple):
    """Numbers of layers and hits of tracks, each of shape ``(tracks,)``."""

    pixel_layers: NDArray[Any]
    strip_layers: NDArray[Any]
    pixel_hits: NDArray[Any]
    hits: NDArray[Any]


def pack_hits(hits: Hits) -> tuple[Bytes, Bytes]:
    """Layers, and hits beyond one per layer: each 3 bits for pixels and 5 bits for strips."""
    pixel_layers = np.minimum(hits.pixel_layers.astype(np.int64), 7)
    strip_layers = np.minimum(hits.strip_layers.astype(np.int64), 31)
    pixels = np.clip(hits.pixel_hits - pixel_layers, 0, 7)
    strips = np.clip(hits.hits - pixels - pixel_layers - strip_layers, 0, 31)
    layers = pixel_layers | strip_layers << 3
    return layers.astype(np.uint8), (pixels | strips << 3).astype(np.uint8)


def unpack_hits(layers: Bytes, extra: Bytes) -> Hits:
    """The numbers that :func:`pack_hits` stored."""
    pixel_layers, strip_layers = layers & 7, layers >> 3
    pixel_hits = (extra & 7) + pixel_layers
    return Hits(pixel_layers, strip_layers, pixel_hits, (extra >> 3) + strip_layers + pixel_hits)
