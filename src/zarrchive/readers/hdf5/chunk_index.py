"""Where the chunks of a dataset are, from the index that its layout message names.

Follows the HDF5 File Format Specification 3.0, the data layout message (§IV.A.2.i) and its
chunk indexes (§VII).
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from zarrchive.readers.hdf5.chunk_arrays import extensible_array, fixed_array
from zarrchive.readers.hdf5.chunk_btree import btree_v1_chunks
from zarrchive.readers.hdf5.chunk_btree_v2 import btree_v2_chunks, numbers
from zarrchive.readers.hdf5.chunk_table import ChunkTable, grid_of, placed
from zarrchive.readers.hdf5.layout_message import (
    BTREE_V1,
    BTREE_V2,
    EXTENSIBLE_ARRAY,
    FIXED_ARRAY,
    SINGLE_CHUNK,
)
from zarrchive.readers.hdf5.requests import Damaged

if TYPE_CHECKING:
    import numpy.typing as npt

    from zarrchive.readers.hdf5.chunk_arrays import Elements
    from zarrchive.readers.hdf5.layout_message import Chunked
    from zarrchive.readers.hdf5.requests import Steps
    from zarrchive.readers.hdf5.superblock import Superblock

__all__ = ["read_chunks"]


def read_chunks(
    superblock: Superblock,
    layout: Chunked,
    shape: tuple[int, ...],
    max_shape: tuple[int | None, ...],
) -> Steps[ChunkTable]:
    """List the allocated chunks of a dataset.

    Raises `Damaged` where the index contradicts itself, the file or the shape.
    """
    grid = grid_of(shape, layout.chunk_shape)
    chunk_nbytes = prod(layout.chunk_shape) * layout.element_size
    if layout.address is None or not prod(grid):
        none = np.zeros(0, dtype=np.uint64)
        return ChunkTable(none.astype(np.int64), none, none)
    if layout.index == BTREE_V1:
        return (yield from btree_v1_chunks(superblock, layout, grid))
    if layout.index == BTREE_V2:
        return (yield from btree_v2_chunks(superblock, layout, grid, chunk_nbytes))
    if layout.index == SINGLE_CHUNK:
        return _single(superblock, layout, grid, chunk_nbytes)
    max_grid = [
        None if size is None else -(-size // chunk)
        for size, chunk in zip(max_shape, layout.chunk_shape, strict=True)
    ]
    if layout.index == EXTENSIBLE_ARRAY:
        elements = yield from extensible_array(superblock, layout)
        order = _swizzled(max_grid)
    else:
        if None in max_grid:
            raise Damaged("its chunk index has a fixed size, but its dataspace has not")
        order = list(range(len(grid)))
        if layout.index == FIXED_ARRAY:
            elements = yield from fixed_array(superblock, layout)
        else:
            return _implicit(superblock, layout, (grid, max_grid), chunk_nbytes)
    return _from_elements(superblock, elements, (grid, max_grid, order), chunk_nbytes)


def _single(
    superblock: Superblock, layout: Chunked, grid: tuple[int, ...], chunk_nbytes: int
) -> ChunkTable:
    if prod(grid) != 1:
        raise Damaged(f"its index is that of a single chunk, but its grid is {grid}")
    length, mask = layout.single or (chunk_nbytes, 0)
    offset = np.array([superblock.base + (layout.address or 0)], dtype=np.uint64)
    masks = np.array([mask], dtype=np.uint32) if mask else None
    return ChunkTable(None, offset, np.array([length], dtype=np.uint64), masks)


def _swizzled(max_grid: list[int | None]) -> list[int]:
    """Return the axes in the order in which an extensible array counts: the unlimited first."""
    if max_grid.count(None) != 1:
        raise Damaged("its index is an extensible array, but not one dimension is unlimited")
    unlimited = max_grid.index(None)
    return [unlimited, *(axis for axis in range(len(max_grid)) if axis != unlimited)]


def _implicit(
    superblock: Superblock,
    layout: Chunked,
    grids: tuple[tuple[int, ...], list[int | None]],
    chunk_nbytes: int,
) -> ChunkTable:
    """Compute where chunks are that lie one behind the other, in order of the greatest grid."""
    grid, max_grid = grids
    if prod(grid) * chunk_nbytes > superblock.size:
        raise Damaged(f"its {prod(grid)} chunks take more bytes than the file has")
    index = np.zeros((), dtype=np.int64)
    for axis, size in enumerate(grid):
        index = index[..., None] * (max_grid[axis] or 1) + np.arange(size)
    start = superblock.base + (layout.address or 0)
    offset = index.reshape(-1).astype(np.uint64) * np.uint64(chunk_nbytes) + np.uint64(start)
    return ChunkTable(None, offset, np.full(len(offset), chunk_nbytes, dtype=np.uint64))


def _from_elements(
    superblock: Superblock,
    elements: Elements,
    grids: tuple[tuple[int, ...], list[int | None], list[int]],
    chunk_nbytes: int,
) -> ChunkTable:
    """Turn the elements of an array, in the order of its greatest grid, into chunks."""
    o = superblock.address_size
    offset = numbers(elements.rows[:, :o])
    length, mask = _lengths(elements, o, chunk_nbytes)
    grid, max_grid, order = grids
    undefined = np.uint64(superblock.undefined)
    is_complete = not len(offset) or int(offset.max()) < superblock.undefined
    is_complete = is_complete and elements.index is None
    if (
        is_complete
        and order == sorted(order)
        and len(offset) == prod(grid)
        and (
            # Beyond the first axis the greatest grid is the grid: the usual case.
            max_grid[1:] == list(grid[1:])
        )
    ):
        if superblock.base:
            offset = offset + np.uint64(superblock.base)
        return ChunkTable(None, offset, length, mask)
    kept = np.flatnonzero(offset != undefined)
    columns = ChunkTable(
        None,
        offset[kept] + np.uint64(superblock.base),
        length[kept],
        None if mask is None else mask[kept],
    )
    found = kept if elements.index is None else elements.index[kept]
    coordinates: list[npt.NDArray[np.int64]] = [found] * len(grid)
    rest = found
    for axis in reversed(order[1:]):
        rest, coordinates[axis] = np.divmod(rest, max_grid[axis] or 1)
    coordinates[order[0]] = rest
    return placed(columns, coordinates, grid)


def _lengths(
    elements: Elements, address_size: int, chunk_nbytes: int
) -> tuple[npt.NDArray[np.uint32] | npt.NDArray[np.uint64], npt.NDArray[np.uint32] | None]:
    rows = elements.rows
    if not elements.is_filtered:
        if chunk_nbytes >= 2**32:
            return np.broadcast_to(np.uint64(chunk_nbytes), len(rows)), None
        return np.broadcast_to(np.uint32(chunk_nbytes), len(rows)), None
    length = numbers(rows[:, address_size:-4])
    mask = numbers(rows[:, -4:]).astype(np.uint32)
    return length, (mask if mask.any() else None)
