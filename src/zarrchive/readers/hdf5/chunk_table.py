"""The chunks of one dataset as columns, whatever index they come from."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from zarrchive.readers.hdf5.requests import Damaged

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["ChunkTable", "grid_of", "placed"]


@dataclass(frozen=True, slots=True)
class ChunkTable:
    """The allocated chunks, in C order of the chunk grid."""

    position: npt.NDArray[np.int64] | None
    """Flat index in the chunk grid, strictly increasing; None: every chunk of the grid is here."""
    offset: npt.NDArray[np.uint64]
    """Byte in the file, user block included."""
    length: npt.NDArray[np.uint32] | npt.NDArray[np.uint64]
    """Stored bytes."""
    mask: npt.NDArray[np.uint32] | None = None
    """Bit i set: filter i of the pipeline was skipped. None: no chunk skipped any."""

    def __len__(self) -> int:
        return len(self.offset)

    @property
    def masks(self) -> npt.NDArray[np.uint32]:
        """The filter mask of each chunk."""
        return np.zeros(len(self), dtype=np.uint32) if self.mask is None else self.mask

    def positions(self) -> npt.NDArray[np.int64]:
        """Return the flat index of each chunk."""
        return np.arange(len(self)) if self.position is None else self.position


def grid_of(shape: tuple[int, ...], chunk_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the number of chunks along each dimension."""
    return tuple(-(-size // chunk) for size, chunk in zip(shape, chunk_shape, strict=True))


def placed(
    table: ChunkTable, coordinates: list[npt.NDArray[np.int64]], grid: tuple[int, ...]
) -> ChunkTable:
    """Put chunks, which `table` has in the order of an index, in the order of the grid.

    Parameters
    ----------
    table
        The chunks; what it says of their positions is not used.
    coordinates
        Their index along each dimension of the grid.
    grid
        Number of chunks along each dimension.

    Raises
    ------
    Damaged
        If a chunk lies outside of the grid, or two have one place.
    """
    position = np.zeros(len(table), dtype=np.int64)
    for column, size in zip(coordinates, grid, strict=True):
        outside = np.flatnonzero((column < 0) | (column >= size))
        if outside.size:
            first = tuple(int(one[outside[0]]) for one in coordinates)
            raise Damaged(f"its index lists a chunk at {first}, outside of the grid of {grid}")
        position = position * size + column
    offset, length, mask = table.offset, table.length, table.mask
    if not (position[1:] > position[:-1]).all():
        order = np.argsort(position, kind="stable")
        position, offset, length = position[order], offset[order], length[order]
        mask = None if mask is None else mask[order]
    if (position[1:] == position[:-1]).any():
        raise Damaged("its index lists two chunks at one place of the grid")
    is_whole = len(position) == prod(grid)
    return ChunkTable(None if is_whole else position, offset, length, mask)
