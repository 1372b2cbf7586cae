"""How CMS packs numbers of Mini-AOD candidates into 8 and 16 bits, and unpacks them.

CMSSW: ``MiniFloatConverter``, ``logintpack`` and ``pat::PackedCandidate``. Values beyond the range
become the outermost ones. Packing what was unpacked gives the same bits again, but for fractions
with 100 levels: there some lose another level, in CMS too.
"""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sonicmini.modules.columns import kernel

Halves: TypeAlias = NDArray[np.uint16]
Shorts: TypeAlias = NDArray[np.int16]
Bytes: TypeAlias = NDArray[np.uint8]
SignedBytes: TypeAlias = NDArray[np.int8]
Singles: TypeAlias = NDArray[np.float32]

ETA_MAX, PHI_MAX = 6.0, 3.2
"""Ranges of packed pseudorapidity and azimuth."""

_HALF_MAX = 65504.0
_SHORT_MAX = 32767


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


def pack_angle(values: ArrayLike, limit: float) -> Shorts:
    """Fixed point numbers between ``-limit`` and ``limit``, halves rounded away from 0."""
    scaled = np.asarray(values, dtype=np.float64) / limit * _SHORT_MAX
    rounded = np.copysign(np.floor(np.abs(scaled) + 0.5), scaled)
    return np.clip(rounded, -_SHORT_MAX, _SHORT_MAX).astype(np.int16)


def unpack_angle(packed: Shorts, limit: float) -> Singles:
    """The numbers that :func:`pack_angle` stored."""
    return packed.astype(np.float32) * np.float32(limit) / np.float32(_SHORT_MAX)


def unpack_phi(packed: Shorts, pt: Singles) -> Singles:
    """The azimuth of candidates, shifted by up to a tenth of the spacing.

    The shift depends on the unpacked pT (GeV), so that candidates hardly ever coincide.
    """
    with np.errstate(divide="ignore"):
        steps = np.where(pt < 1, 0.1 * pt.astype(np.float64), 0.1 / pt)
    sign = np.where((pt * np.float32(10)).astype(np.int64) % 2 == 0, 1.0, -1.0)
    shift = sign * steps * PHI_MAX / _SHORT_MAX
    return (unpack_angle(packed, PHI_MAX) + shift).astype(np.float32)


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


class LogScale(NamedTuple):
    """Positive or signed numbers on a logarithmic scale of 8 bits.

    Attributes:
        low: logarithm of the least magnitude.
        high: logarithm of the end of the scale, one level above the largest magnitude.
        levels: number of magnitudes, at most 128.
    """

    low: float
    high: float
    levels: int = 128


def pack_log(values: ArrayLike, scale: LogScale) -> SignedBytes:
    """The nearest level of each number, negative for negative numbers.

    There is no negative 0: the least negative magnitude is that of level 1.
    """
    numbers = np.asarray(values, dtype=np.float64)
    with np.errstate(divide="ignore"):
        centred = (np.log(np.abs(numbers)) - scale.low) / (scale.high - scale.low) * scale.levels
    level = np.rint(np.clip(np.nan_to_num(centred, nan=0.0), 0, scale.levels - 1))
    return np.where(numbers < 0, -np.maximum(level, 1), level).astype(np.int8)


def unpack_log(packed: SignedBytes, scale: LogScale) -> Singles:
    """The numbers that :func:`pack_log` stored."""
    level = np.abs(packed.astype(np.float64))
    magnitude = np.exp(scale.low + level / scale.levels * (scale.high - scale.low))
    return np.where(packed < 0, -magnitude, magnitude).astype(np.float32)


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


_COVARIANCE_HALVES = ("covDxyDxy", "covDxyDsz", "covDszDsz")
_COVARIANCE_LOGS = {  # scale, power of pT by which the element is multiplied
    "covQopQop": (LogScale(-15, 5, 32), 2),
    "covLamLam": (LogScale(-20, 0, 32), 0),
    "covPhiPhi": (LogScale(-15, 5, 32), 2),
    "covPhiDxy": (LogScale(-17, -4), 0),
    "covLamDsz": (LogScale(-17, -4), 0),
}


def packed_covariance(elements: dict[str, NDArray[Any]], pt: Singles) -> dict[str, Singles]:
    """The track covariance after packing and unpacking, by the codec of early Mini-AOD.

    That of current releases depends on tables that are not public. The elements of dxy and dsz
    are half floats of 10^4 cm2, the others are on logarithmic scales of 8 bits.

    Args:
        elements: by name, as in ``Track``.
        pt: unpacked, in GeV; must not be 0.
    """
    result = {}
    for name in _COVARIANCE_HALVES:
        result[name] = unpack_half(pack_half(elements[name] * np.float32(1e4))) / np.float32(1e4)
    for name, (scale, power) in _COVARIANCE_LOGS.items():
        factor = pt**power
        result[name] = unpack_log(pack_log(elements[name] * factor, scale), scale) / factor
    return result
