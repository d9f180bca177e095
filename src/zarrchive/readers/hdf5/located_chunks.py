"""Where the chunks of a dataset are: from its index, or, rarely, from h5py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zarrchive.readers.hdf5.chunk_index import read_chunks
from zarrchive.readers.hdf5.layout_message import Chunked
from zarrchive.readers.hdf5.problems import Reason
from zarrchive.readers.hdf5.requests import NotUnderstood

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.chunk_table import ChunkTable
    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.requests import Steps

__all__ = ["located_chunks", "truncated"]


def located_chunks(facts: Facts) -> Steps[ChunkTable | Reason]:
    """List the allocated chunks of a chunked dataset; all of them are inside of the file."""
    table: ChunkTable | Reason | None = facts.table
    layout = facts.layout
    if table is None and isinstance(layout, Chunked):
        extent = facts.shape or (), facts.max_shape
        try:
            table = yield from read_chunks(facts.file.superblock, layout, *extent)
        except NotUnderstood as trouble:
            facts.file.leave(f"chunk index of {facts.path.decode('utf-8', 'replace')}", trouble)
    if table is None:
        from zarrchive.readers.hdf5.chunks_by_h5py import chunks_by_h5py

        table = chunks_by_h5py(facts)
    if isinstance(table, Reason):
        return table
    return _beyond_end(table, facts.file.source.size) or table


def _beyond_end(table: ChunkTable, size: int) -> Reason | None:
    """Say which chunk passes the end of the file of `size` bytes, if one does."""
    offset, length = table.offset, table.length
    if not len(table):
        return None
    longest = length.max() if length.strides[0] else length[0]  # one number for all, or many
    if int(offset.max()) + int(longest) <= size:
        return None
    beyond = (offset > size) | (length > size) | (offset + length > size)
    if not beyond.any():
        return None
    worst = int(beyond.argmax())
    end = int(offset[worst]) + int(length[worst])
    return truncated(end, size)


def truncated(end: int, size: int) -> Reason:
    """Say that data reach byte `end` of a file of `size` bytes."""
    return Reason(
        code="hdf5-truncated",
        what=f"its data reach byte {end}, but the file has {size} bytes",
        hint="copy the file again: it was cut off, or its writing was interrupted",
    )
