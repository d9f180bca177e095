"""Chunk indexes that are B-trees of version 2: of datasets that grow along several dimensions.

Follows the HDF5 File Format Specification 3.0: version 2 B-trees (§III.A.2, types 10 and 11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zarrchive.readers.hdf5.btree_v2 import read_records
from zarrchive.readers.hdf5.chunk_table import ChunkTable, placed
from zarrchive.readers.hdf5.requests import Damaged

if TYPE_CHECKING:
    import numpy.typing as npt

    from zarrchive.readers.hdf5.layout_message import Chunked
    from zarrchive.readers.hdf5.requests import Steps
    from zarrchive.readers.hdf5.superblock import Superblock

__all__ = ["btree_v2_chunks", "numbers"]

_PLAIN, _FILTERED = 10, 11


def btree_v2_chunks(
    superblock: Superblock, layout: Chunked, grid: tuple[int, ...], chunk_nbytes: int
) -> Steps[ChunkTable]:
    """Read all chunks of a version 2 B-tree; `chunk_nbytes` is the length of unfiltered ones."""
    o, tail = superblock.address_size, 8 * len(grid)

    def keys_of(rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
        if rows.shape[1] < o + tail:
            raise Damaged(f"the records of its chunk index have {rows.shape[1]} bytes")
        return np.ascontiguousarray(rows[:, rows.shape[1] - tail :]).view("<u8")

    kinds = {_PLAIN, _FILTERED}
    records = yield from read_records(superblock, layout.address or 0, kinds, keys_of)
    rows = records.rows
    n_length = rows.shape[1] - o - 4 - tail if records.kind == _FILTERED else 0
    if len(rows) and (rows.shape[1] != o + tail + (n_length + 4 if n_length else 0)):
        raise Damaged(f"the records of its chunk index have {rows.shape[1]} bytes")
    if n_length > 8:
        raise Damaged(f"the records of its chunk index have {rows.shape[1]} bytes")
    offset = numbers(rows[:, :o]) + np.uint64(superblock.base)
    length = np.full(len(rows), chunk_nbytes, dtype=np.uint64)
    mask = None
    if n_length:
        length = numbers(rows[:, o : o + n_length])
        mask = numbers(rows[:, o + n_length : o + n_length + 4]).astype(np.uint32)
        mask = mask if mask.any() else None
    scaled = keys_of(rows).view(np.int64)
    return placed(ChunkTable(None, offset, length, mask), list(scaled.T), grid)


def numbers(columns: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """Return the little-endian number in each row of bytes; up to 8 of them."""
    if columns.shape[1] == 8:
        return np.ascontiguousarray(columns).view("<u8")[:, 0]
    padded = np.zeros((len(columns), 8), dtype=np.uint8)
    padded[:, : columns.shape[1]] = columns
    return padded.view("<u8")[:, 0]
