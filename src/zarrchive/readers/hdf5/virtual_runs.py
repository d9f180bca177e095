"""Runs of elements that a virtual dataset has from its source, dimension by dimension."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from zarrchive.readers.hdf5.virtual_mappings import Misfit

if TYPE_CHECKING:
    import numpy.typing as npt

    from zarrchive.readers.hdf5.virtual_mappings import Slab

__all__ = ["Runs", "chunks_of_runs", "paired_axes", "runs_of"]

_MOST_RUNS: Final = 2**24


class Runs(NamedTuple):
    """Elements along one dimension: `length` of them from `start` are those from `source`."""

    start: npt.NDArray[np.int64]
    """Increasing."""
    source: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]


def paired_axes(mine: list[int], theirs: list[int]) -> list[int | None]:
    """Match the dimensions of two selections that have these numbers of elements along them.

    Returns the dimension of the source for each one of the virtual dataset; None for one that a
    single element is taken of, which the source has not. Raises `Misfit` where elements that lie
    along one dimension here lie along several there.
    """
    pairs: list[int | None] = [None] * len(mine)
    left, right = len(mine) - 1, len(theirs) - 1
    while left >= 0 or right >= 0:
        here = mine[left] if left >= 0 else None
        there = theirs[right] if right >= 0 else None
        if here == there:
            pairs[left] = right
            left, right = left - 1, right - 1
        elif here == 1:
            left -= 1
        elif there == 1:
            right -= 1
        else:
            raise Misfit(f"a selection of {theirs} elements is mapped to one of {mine}")
    return pairs


def runs_of(mine: Slab, theirs: Slab) -> Runs:
    """Match two selections of as many elements along one dimension."""
    step = gcd(mine.block, theirs.block)
    if not step:
        return Runs(*(np.zeros(0, dtype=np.int64) for _ in range(3)))
    if mine.size // step > _MOST_RUNS:
        raise Misfit(f"its elements are in more than {_MOST_RUNS} runs of {step}")
    start, source = (_starts(slab, step) for slab in (mine, theirs))
    # Runs that go on where the one before them ends, on both sides, are one.
    is_new = np.ones(start.size, dtype=bool)
    is_new[1:] = (np.diff(start) != step) | (np.diff(source) != step)
    first = np.flatnonzero(is_new)
    length = np.diff(np.append(first, start.size)) * step
    return Runs(start[first], source[first], length)


def _starts(slab: Slab, step: int) -> npt.NDArray[np.int64]:
    blocks = slab.start + slab.stride * np.arange(slab.count, dtype=np.int64)
    return (blocks[:, None] + np.arange(0, slab.block, step, dtype=np.int64)).reshape(-1)


def chunks_of_runs(
    runs: Runs, chunk: int, size: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Cut runs into chunks along a dimension of `size`.

    Returns their numbers, and where each begins in the source. Raises `Misfit` where a chunk
    would not lie in one run, from its beginning to its end or to the end of the dimension.
    """
    end = runs.start + runs.length
    is_odd = (runs.start % chunk > 0) | ((end % chunk > 0) & (end != size))
    if is_odd.any():
        worst = int(np.flatnonzero(is_odd)[0])
        raise Misfit(
            f"elements {int(runs.start[worst])} to {int(end[worst])} are no whole chunks of {chunk}"
        )
    counts = -(-runs.length // chunk)
    if counts.sum() > _MOST_RUNS:
        raise Misfit(f"its elements are in more than {_MOST_RUNS} chunks of {chunk}")
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    number = np.repeat(runs.start // chunk, counts) + within
    return number, np.repeat(runs.source, counts) + within * chunk
