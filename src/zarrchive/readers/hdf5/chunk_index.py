"""The chunks of one dataset as columns, as the index of the HDF5 library lists them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import h5py
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    from h5py import h5d

__all__ = ["ChunkTable", "chunk_table", "library_misplaces_chunks", "unswizzled"]

_BLOCK: Final = 2**16
"""Entries turned into columns at a time, which bounds the memory for Python objects."""


@dataclass(frozen=True, slots=True)
class ChunkTable:
    """The allocated chunks, in the order of the index."""

    coordinates: npt.NDArray[np.int64]
    """Shape (chunks, dimensions): index in the chunk grid."""
    mask: npt.NDArray[np.uint32]
    """Bit i set: filter i of the pipeline was skipped."""
    offset: npt.NDArray[np.uint64]
    """Byte in the file, user block included."""
    length: npt.NDArray[np.uint64]
    """Stored bytes."""


def chunk_table(dataset: h5d.DatasetID, chunk_shape: tuple[int, ...]) -> ChunkTable:
    """List the allocated chunks of an open dataset (h5py's low-level object).

    Cost: one callback a chunk. Nothing depends on the size of the chunk grid.
    """
    pending: list[Any] = []
    columns: list[tuple[Any, ...]] = []

    def flush() -> None:
        offsets, masks, addresses, sizes = zip(*pending, strict=True)
        columns.append(
            (
                np.array(offsets, dtype=np.int64),
                np.array(masks, dtype=np.uint32),
                np.array(addresses, dtype=np.uint64),
                np.array(sizes, dtype=np.uint64),
            )
        )
        pending.clear()

    def take(info: h5d.StoreInfo) -> None:
        pending.append(info)
        if len(pending) == _BLOCK:
            flush()

    _iterate(dataset, take)
    if pending:
        flush()
    if not columns:
        none = np.zeros(0, dtype=np.uint64)
        empty = np.zeros((0, len(chunk_shape)), dtype=np.int64)
        return ChunkTable(empty, none.astype(np.uint32), none, none)
    joined = columns[0]
    if len(columns) > 1:
        joined = tuple(np.concatenate(parts) for parts in zip(*columns, strict=True))
    starts, masks, addresses, sizes = joined
    return ChunkTable(starts // np.array(chunk_shape, dtype=np.int64), masks, addresses, sizes)


def _iterate(dataset: h5d.DatasetID, take: Callable[[h5d.StoreInfo], None]) -> None:
    if hasattr(dataset, "chunk_iter"):
        dataset.chunk_iter(take)
        return
    for number in range(dataset.get_num_chunks()):  # HDF5 before 1.12.3: quadratic, but right
        take(dataset.get_chunk_info(number))


def unswizzled(
    table: ChunkTable, max_grid: tuple[int | None, ...], unlimited: int
) -> npt.NDArray[np.int64]:
    """Return the true coordinates of chunks that an extensible array lists.

    HDF5 stores them in the C order of a grid whose unlimited dimension comes first; affected
    versions of the library report the position in that order as if it did not.

    Parameters
    ----------
    table
        What the library reports.
    max_grid
        Number of chunks along each dimension at its greatest extent.
    unlimited
        The dimension without a greatest extent; its entry of `max_grid` is not used.
    """
    extents = [1 if n is None else n for n in max_grid]
    linear = np.zeros(len(table.coordinates), dtype=np.int64)
    # The first dimension has no bound from above, and every other one is limited or was
    # treated as endless: then it contributes the low digits alone.
    for axis, column in enumerate(table.coordinates.T):
        size = 0 if axis == unlimited else extents[axis]
        linear = column + (linear * size if size else 0)
    others = [axis for axis in range(len(extents)) if axis != unlimited]
    true = np.empty_like(table.coordinates)
    for axis in reversed(others):
        linear, true[:, axis] = np.divmod(linear, extents[axis])
    true[:, unlimited] = linear
    return true


@lru_cache(maxsize=1)
def library_misplaces_chunks() -> bool:
    """Return whether this HDF5 library reports wrong coordinates for extensible arrays.

    HDF5 2.0.0 does where the unlimited dimension is not the first. A file in memory shows it:
    of two chunks below one another, the second must not be reported beside the first.
    """
    with h5py.File("probe", "w", driver="core", backing_store=False, libver="latest") as file:
        probe = file.create_dataset("x", (2, 2), "u1", maxshape=(2, None), chunks=(1, 1))
        probe[...] = 1
        seen: set[tuple[int, ...]] = set()
        _iterate(probe.id, lambda info: seen.add(tuple(info.chunk_offset)))
    return seen != {(0, 0), (0, 1), (1, 0), (1, 1)}
