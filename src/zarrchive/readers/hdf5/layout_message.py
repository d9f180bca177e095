"""The data layout message of one dataset: what h5py does not tell about a chunk index.

Follows the HDF5 File Format Specification 3.0, the data layout message (§IV.A.2.i).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from zarrchive.readers.hdf5.object_header import messages

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.opened import OpenFile

__all__ = ["EXTENSIBLE_ARRAY", "ChunkLayout", "chunk_layout"]

EXTENSIBLE_ARRAY: Final = 4
"""Chunk index type of layout version 4: one unlimited dimension."""

_LAYOUT: Final = 0x08


@dataclass(frozen=True, slots=True)
class ChunkLayout:
    """What the layout message says about a chunked dataset."""

    version: int
    index_type: int | None
    """1 single chunk, 2 implicit, 3 fixed array, 4 extensible array, 5 version 2 B-tree;
    None in versions before 4, which know the version 1 B-tree only."""
    has_raw_edges: bool
    """Whether filters were not applied to chunks that pass the edge of the dataset."""


def chunk_layout(file: OpenFile, address: int) -> ChunkLayout | None:
    """Read the layout of the chunked dataset whose object header is at `address`.

    None where the header is not understood. Costs one read of about 1 KB, rarely two.
    """
    for message in messages(file, address):
        if message.kind == _LAYOUT:
            return _parsed(message.body)
    return None


def _parsed(body: bytes) -> ChunkLayout | None:
    if len(body) < 2 or not 1 <= body[0] <= 5:
        return None
    version = body[0]
    if version < 4:
        return ChunkLayout(version, index_type=None, has_raw_edges=False)
    if len(body) < 5 or body[1] != 2:  # not chunked
        return None
    flags, rank, width = body[2], body[3], body[4]
    at = 5 + rank * width
    if at >= len(body):
        return None
    return ChunkLayout(version, index_type=body[at], has_raw_edges=bool(flags & 1))
