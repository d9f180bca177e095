"""What a virtual dataset shows of its sources, one part for each mapping."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from zarrchive.readers.hdf5.storage import Absent, Referenced
from zarrchive.readers.hdf5.virtual_mappings import Misfit, Slab
from zarrchive.readers.hdf5.virtual_runs import paired_axes, runs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.location.identity import SourceFile
    from zarrchive.readers.hdf5.storage import Storage
    from zarrchive.readers.hdf5.virtual_runs import Runs

__all__ = ["Part", "Raw", "Target", "part_of", "raw_chunk"]


@dataclass(frozen=True, slots=True)
class Target:
    """The virtual dataset."""

    shape: tuple[int, ...]
    """With the dimensions inside of each element."""
    dtype: np.dtype[Any]
    fill: bytes
    """One unmapped element."""


@dataclass(frozen=True, slots=True)
class Raw:
    """All elements of a source, without any filter and in C order."""

    file: SourceFile
    offset: int


@dataclass(frozen=True, slots=True)
class Part:
    """What one mapping shows of one source, whose values are of the type of the target."""

    name: str
    """For messages."""
    runs: tuple[Runs, ...]
    """Along each dimension of the target."""
    axes: tuple[int | None, ...]
    """The dimension of the source that each one of the target is."""
    rest: dict[int, int]
    """Indices in the other dimensions of the source."""
    shape: tuple[int, ...]
    """Of the source, with the dimensions inside of each element."""
    storage: Referenced | Absent
    fill: bytes
    """One unwritten element of the source."""
    raw: Raw | None


def part_of(  # noqa: PLR0913 - the two sides of a mapping
    name: str,
    target: Target,
    slabs: tuple[list[Slab], list[Slab]],
    *,
    shape: tuple[int, ...],
    storage: Storage,
    fill: bytes,
    is_chunked: bool,
) -> Part:
    """Match the dimensions of a mapping.

    Raises `Misfit` where they do not match, or the source has no chunks in a file.

    Parameters
    ----------
    name
        For messages.
    target
        The virtual dataset.
    slabs
        The selections in it and in the source; the dimensions inside of each element, of which
        all is taken, are added here.
    shape
        Of the source, with the dimensions inside of each element.
    storage, fill
        Where its values are, and one unwritten element.
    is_chunked
        Whether it has chunks of its own; otherwise its bytes may be cut anywhere.
    """
    if not isinstance(storage, Referenced | Absent):
        raise Misfit(f"{name} has values that are no chunks of a file")
    inner = [Slab(0, max(1, n), 1, n) for n in target.shape[len(slabs[0]) :]]
    mine, theirs = ([*side, *inner] for side in slabs)
    try:
        axes = paired_axes([slab.size for slab in mine], [slab.size for slab in theirs])
        runs = [
            runs_of(slab, _ONE if axis is None else theirs[axis])
            for slab, axis in zip(mine, axes, strict=True)
        ]
    except Misfit as error:
        raise Misfit(f"{name}: {error}") from error
    rest = {axis: slab.start for axis, slab in enumerate(theirs) if axis not in axes}
    raw = None if is_chunked else _raw(storage, shape, prod(shape) * target.dtype.itemsize)
    return Part(name, tuple(runs), tuple(axes), rest, shape, storage, fill, raw)


_ONE = Slab(0, 1, 1, 1)


def _raw(storage: Referenced | Absent, shape: tuple[int, ...], nbytes: int) -> Raw | None:
    """Return where all elements of a source are, if nothing is between them."""
    if isinstance(storage, Absent) or storage.codecs or len(storage.manifest.files) != 1:
        return None
    stored, manifest = storage.manifest.stored(), storage.manifest
    if stored.position.size != manifest.size or manifest.ninlined:
        return None
    is_row = True
    for chunk, size in zip(reversed(storage.chunk_shape), reversed(shape), strict=True):
        if not is_row and chunk != 1:
            return None
        is_row = is_row and chunk == size
    ends = stored.offset + stored.length
    if (ends[:-1] != stored.offset[1:]).any() or int(ends[-1] - stored.offset[0]) != nbytes:
        return None
    return Raw(manifest.files[0], int(stored.offset[0]))


def raw_chunk(target: Target, parts: Sequence[Part]) -> tuple[int, ...]:
    """Return the largest chunk that is one run of bytes wherever it lies in raw sources."""
    chunk = [
        gcd(*(int(n) for part in parts for column in part.runs[axis][::2] for n in _gcds(column)))
        for axis in range(len(target.shape))
    ]
    chunk = [max(1, size) for size in chunk]
    while True:
        split = {axis for part in parts if part.raw for axis in _split_axes(part, chunk)}
        if all(chunk[axis] == 1 for axis in split):
            return tuple(chunk)
        for axis in split:
            chunk[axis] = 1


def _gcds(column: np.ndarray[Any, Any]) -> list[int]:
    return [int(np.gcd.reduce(column))] if column.size else []


def _split_axes(part: Part, chunk: list[int]) -> list[int]:
    """Return the dimensions along which chunks must have length 1 to be runs of bytes."""
    found = []
    is_whole = True
    ours = {axis: number for number, axis in enumerate(part.axes) if axis is not None}
    for axis in reversed(range(len(part.shape))):
        number = ours.get(axis)
        if number is None:
            is_whole = is_whole and part.shape[axis] == 1
            continue
        if not is_whole:
            found.append(number)
        is_whole = is_whole and chunk[number] == part.shape[axis]
    return found
