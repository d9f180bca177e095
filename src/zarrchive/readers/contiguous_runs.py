"""Contiguous data cut into chunks of some megabytes, so that reading a part reads a part."""

from __future__ import annotations

from math import prod
from typing import Final

__all__ = ["LARGEST_RUN", "run_shape"]

LARGEST_RUN: Final = 8 * 2**20
"""Bytes; contiguous data up to this size stay one chunk."""
_SMALLEST_PART: Final = 128
"""A run is at least this part of the largest: shorter ones cost more requests than they save."""


def run_shape(shape: tuple[int, ...], itemsize: int, *, most: int) -> tuple[int, ...]:
    """Return a chunk shape of at most `most` bytes whose chunks are runs of bytes in C order.

    A chunk is whole along the last dimensions, cut along one, and one element long before it.
    All chunks have the same length: Zarr has no shorter chunks at the edge. Where no such shape
    has chunks of a sensible size, it is the largest that has.
    """
    if prod(shape) * itemsize <= most or most < itemsize:
        return shape
    chunk = list(shape)
    for axis, size in enumerate(shape):
        rest = prod(shape[axis + 1 :]) * itemsize
        if rest > most:
            chunk[axis] = 1
            continue
        chunk[axis] = _largest_divisor(size, most // rest)
        break
    while prod(chunk) * itemsize < most // _SMALLEST_PART:
        grown = next(axis for axis in reversed(range(len(shape))) if chunk[axis] != shape[axis])
        chunk[grown] = shape[grown]
    return tuple(chunk)


def _largest_divisor(number: int, limit: int) -> int:
    """Return the largest divisor of `number` that is at most `limit` (which is at least 1)."""
    best = 1
    small = 1
    while small * small <= number:
        if number % small == 0:
            for divisor in (small, number // small):
                if best < divisor <= limit:
                    best = divisor
        small += 1
    return best
