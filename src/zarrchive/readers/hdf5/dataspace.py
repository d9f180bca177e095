"""The dataspace message: how many elements there are along each dimension.

Follows the HDF5 File Format Specification 3.0, §IV.A.2.b.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Final, NamedTuple

from zarrchive.readers.hdf5.requests import Damaged, unknown
from zarrchive.readers.hdf5.superblock import number

__all__ = ["Extent", "extent_of"]

_MOST_DIMENSIONS: Final = 32
_NULL: Final = 2


class Extent(NamedTuple):
    """A dataspace."""

    shape: tuple[int, ...] | None
    """None for a null dataspace, which has no elements."""
    max_shape: tuple[int | None, ...]
    """Greatest extent; None: unlimited."""


@lru_cache(maxsize=4096)
def extent_of(body: bytes, width: int) -> Extent:
    """Parse a message whose lengths have `width` bytes; equal messages are parsed once."""
    version, rank, flags = body[0], body[1], body[2]
    if version == 1:
        at = 8
    elif version == 2:
        at = 4
        if body[3] == _NULL:
            return Extent(None, ())
    else:
        raise unknown(f"its dataspace message has version {version}")
    if rank > _MOST_DIMENSIONS:
        raise Damaged(f"it has {rank} dimensions, at most {_MOST_DIMENSIONS} are possible")
    shape = tuple(number(body, at + i * width, width) for i in range(rank))
    limits = shape
    if flags & 1:
        at += rank * width
        limits = tuple(number(body, at + i * width, width) for i in range(rank))
    endless = (1 << 8 * width) - 1
    max_shape = tuple(None if limit == endless else limit for limit in limits)
    if any(m is not None and m < n for n, m in zip(shape, max_shape, strict=True)):
        raise Damaged(f"its shape {shape} is beyond its greatest shape {max_shape}")
    if prod(shape) >= 2**63 or any(size >= 2**62 for size in shape):
        raise Damaged(f"its shape {shape} has {prod(shape)} elements, more than any file holds")
    return Extent(shape, max_shape)
