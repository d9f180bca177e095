"""Selections of elements of a dataspace, as HDF5 files store them.

The specification (3.0, §III.F) leaves their encoding to the library, which documents it in the
description of `H5Sencode` and in ``H5Shyper.c``; all versions begin with the kind of selection.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from struct import unpack_from
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from zarrchive.readers.hdf5.requests import Damaged, NotUnderstood, unknown
from zarrchive.readers.hdf5.superblock import number

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["UNLIMITED", "Everything", "Irregular", "Regular", "Selection", "parse_selection"]

UNLIMITED: Final = 2**64 - 1
"""A count or block that goes as far as the dataset does."""

_NOTHING, _POINTS, _HYPERSLABS, _EVERYTHING = range(4)
_REGULAR: Final = 1
_MOST_DIMENSIONS: Final = 32


@dataclass(frozen=True, slots=True)
class Everything:
    """All elements."""


@dataclass(frozen=True, slots=True)
class Regular:
    """The product of one regular selection along each dimension."""

    axes: tuple[tuple[int, int, int, int], ...]
    """Start, stride, count and block along each dimension."""

    @property
    def unlimited_axis(self) -> int | None:
        """The dimension along which it goes as far as the dataset does."""
        for axis, (_, _, count, block) in enumerate(self.axes):
            if UNLIMITED in {count, block}:
                return axis
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Irregular:
    """Boxes that do not overlap; elements are taken in C order."""

    first: npt.NDArray[np.int64]
    """First element of each box, of shape (boxes, dimensions)."""
    end: npt.NDArray[np.int64]
    """Behind the last element of each box."""


Selection: TypeAlias = Everything | Regular | Irregular


def parse_selection(data: bytes, at: int) -> tuple[Selection, int]:
    """Parse the selection at byte `at`; return it, and where it ends.

    Raises `Damaged` or `NotUnderstood`.
    """
    kind, version = unpack_from("<II", data, at)
    if kind in {_NOTHING, _EVERYTHING}:
        if version != 1:
            raise unknown(f"a selection has version {version}")
        empty = np.zeros((0, 0), dtype=np.int64)
        return (Everything() if kind == _EVERYTHING else Irregular(empty, empty)), at + 16
    if kind == _POINTS:
        raise NotUnderstood("it is made of a selection of single elements")
    if kind != _HYPERSLABS:
        raise Damaged(f"a selection is of the unknown kind {kind}")
    if version == 1:
        return _boxes(data, at + 16, 4)  # behind a reserved number and the length
    if version == 2:
        return _regular(data, at + 13, 8)  # behind flags and length
    if version == 3:
        flags, width = unpack_from("<BB", data, at + 8)
        if width not in {2, 4, 8}:
            raise Damaged(f"a selection has numbers of {width} bytes")
        parse = _regular if flags & _REGULAR else _boxes
        return parse(data, at + 10, width)
    raise unknown(f"a selection has version {version}")


def _rank(data: bytes, at: int) -> int:
    rank = number(data, at, 4)
    if not 1 <= rank <= _MOST_DIMENSIONS:
        raise Damaged(f"a selection has {rank} dimensions")
    return rank


def _numbers(data: bytes, at: int, shape: tuple[int, ...], width: int) -> npt.NDArray[np.uint64]:
    size = prod(shape)
    if at + size * width > len(data):
        raise Damaged(f"a selection of {size} numbers is cut off")
    return np.frombuffer(data, f"<u{width}", size, at).reshape(shape).astype(np.uint64)


def _regular(data: bytes, at: int, width: int) -> tuple[Selection, int]:
    """Parse start, stride, count and block along each dimension."""
    rank = _rank(data, at)
    found = _numbers(data, at + 4, (rank, 4), width)
    unlimited = (1 << 8 * width) - 1
    axes: list[tuple[int, int, int, int]] = []
    for axis in found.tolist():
        start, stride, count, block = (UNLIMITED if n == unlimited else n for n in axis)
        if not stride or UNLIMITED in {start, stride} or count == block == UNLIMITED:
            raise Damaged(f"a selection has start {start}, stride {stride}, count {count}")
        axes.append((start, stride, count, block))
    return Regular(tuple(axes)), at + 4 + 4 * rank * width


def _boxes(data: bytes, at: int, width: int) -> tuple[Selection, int]:
    """Parse boxes by their first and last elements."""
    rank = _rank(data, at)
    count = number(data, at + 4, width)
    start = at + 4 + width
    corners = _numbers(data, start, (count, 2, rank), width)
    if (corners >= 2**62).any() or (corners[:, 1] < corners[:, 0]).any():
        raise Damaged("a selection has boxes that end before they begin")
    first, end = corners[:, 0].astype(np.int64), corners[:, 1].astype(np.int64) + 1
    return _as_regular(first, end) or Irregular(first, end), start + 2 * rank * count * width


def _as_regular(first: npt.NDArray[np.int64], end: npt.NDArray[np.int64]) -> Regular | None:
    """Return the regular selection that boxes are, which old versions write as boxes too."""
    if not len(first):
        return None
    axes: list[Any] = []
    for starts, ends in zip(first.T, end.T, strict=True):
        block = ends - starts
        steps = np.unique(starts)
        strides = np.unique(np.diff(steps))
        if (block != block[0]).any() or strides.size > 1:
            return None
        stride = int(strides[0]) if strides.size else int(block[0])
        axes.append((int(steps[0]), stride, int(steps.size), int(block[0])))
    is_product = prod(count for _, _, count, _ in axes) == len(first)
    if not is_product or len(np.unique(first, axis=0)) != len(first):
        return None
    return Regular(tuple(axes))
