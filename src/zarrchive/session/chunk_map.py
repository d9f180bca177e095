"""The chunk grid of an array as a picture: which chunks exist, and how large they are."""

from __future__ import annotations

from math import ceil, prod, sqrt
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zarrchive.combine.contents import dims_of
from zarrchive.manifests.chunk_manifest import INLINE

if TYPE_CHECKING:
    import numpy.typing as npt

    from zarrchive.manifests import ManifestArray

__all__ = ["chunk_map"]

_MAX_CELLS: Final = 200
_INLINE_CELL: Final = 1
_STORED_CELL: Final = 2


def chunk_map(array: ManifestArray) -> tuple[dict[str, Any], tuple[bytes, bytes]]:
    """Return the picture of a chunk grid, at most 200 x 200 cells.

    The two dimensions with the most chunks are drawn, the others are summed up; a grid along
    one dimension only is wrapped into rows. Costs nothing for chunks that do not exist.

    Returns
    -------
    The size of the picture and what it shows, and two buffers in row-major order: the kind of
    each cell (uint8: 0 missing, 1 inline, 2 stored) and the stored bytes (float32).
    """
    manifest = array.manifest
    grid = manifest.grid_shape
    stored = manifest.stored()
    axes = _axes(grid)
    counts = [grid[axis] for axis in axes]
    row, column, size, wrapped = _places(stored.position, grid, axes)
    per_cell = [max(1, ceil(n / _MAX_CELLS)) for n in size]
    height, width = (ceil(n / step) for n, step in zip(size, per_cell, strict=True))
    cell = (row // per_cell[0]) * width + column // per_cell[1]
    sizes = np.bincount(cell, weights=stored.length, minlength=height * width)
    kinds = np.zeros(height * width, dtype=np.uint8)
    is_inline = stored.path_id == INLINE
    kinds[cell[is_inline]] = _INLINE_CELL
    kinds[cell[~is_inline]] = _STORED_CELL
    names = dims_of(array)
    others = manifest.size // max(prod(counts), 1)
    picture = {
        "grid": [height, width],
        "dims": [names[axis] for axis in axes],
        "chunks": counts,
        "full_grid": list(grid),
        "chunks_per_cell": per_cell[0] * per_cell[1] * others,
        "wrapped": wrapped,
        "summed": [names[axis] for axis in range(len(grid)) if axis not in axes and grid[axis] > 1],
        "largest": float(sizes.max()) if sizes.size else 0.0,
    }
    return picture, (kinds.tobytes(), sizes.astype(np.float32).tobytes())


def _axes(grid: tuple[int, ...]) -> list[int]:
    """Return the (at most two) axes with the most chunks, in the order of the array."""
    ranked = sorted(range(len(grid)), key=lambda axis: -grid[axis])
    several = [axis for axis in ranked[:2] if grid[axis] > 1]
    return sorted(several or ranked[:1])


def _places(
    position: npt.NDArray[np.uint64], grid: tuple[int, ...], axes: list[int]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], tuple[int, int], bool]:
    """Return row and column of each stored chunk, the picture's size, and if it is wrapped."""
    index = [_along(position, grid, axis) for axis in axes]
    if len(axes) == 2:
        return index[0], index[1], (grid[axes[0]], grid[axes[1]]), False
    if not axes:
        zero = np.zeros(position.size, dtype=np.int64)
        return zero, zero, (1, 1), False
    count = grid[axes[0]]
    width = max(1, min(count, ceil(sqrt(count * 4))))
    height = max(1, ceil(count / width))
    return index[0] // width, index[0] % width, (height, width), True


def _along(
    position: npt.NDArray[np.uint64], grid: tuple[int, ...], axis: int
) -> npt.NDArray[np.int64]:
    stride = 1
    for size in grid[axis + 1 :]:
        stride *= size
    along = position // np.uint64(max(stride, 1)) % np.uint64(max(grid[axis], 1))
    return along.astype(np.int64)
