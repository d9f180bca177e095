"""Where the chunks of a dataset truly are, also where the HDF5 library reports it wrongly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zarrchive.readers.hdf5.chunk_index import (
    ChunkTable,
    chunk_table,
    library_misplaces_chunks,
    unswizzled,
)
from zarrchive.readers.hdf5.layout_message import EXTENSIBLE_ARRAY, chunk_layout
from zarrchive.readers.hdf5.problems import Reason

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.opened import OpenFile

__all__ = ["located_chunks"]


def located_chunks(file: OpenFile, facts: Facts) -> ChunkTable | Reason:
    """List the allocated chunks of a chunked dataset, all of them inside its chunk grid.

    Where the library may misplace chunks, the layout message decides whether it does, and the
    places are computed from the order in which the index holds them.
    """
    chunk_shape = facts.chunk_shape or ()
    table = chunk_table(facts.dataset, chunk_shape)
    if len(table.offset) and _is_suspicious(facts) and library_misplaces_chunks():
        layout = chunk_layout(file, facts.address)
        if layout is None:
            return _untrusted("its layout message is not understood")
        if layout.index_type == EXTENSIBLE_ARRAY:
            unlimited = facts.max_shape.index(None)
            if table.coordinates[:, :unlimited].any():
                return _untrusted(f"the chunks reported vary before dimension {unlimited}")
            coordinates = unswizzled(table, _max_grid(facts), unlimited)
            table = ChunkTable(coordinates, table.mask, table.offset, table.length)
    return _inside(facts, table)


def _is_suspicious(facts: Facts) -> bool:
    """Say whether an extensible array may hold the index, unlimited dimension not first."""
    return facts.max_shape.count(None) == 1 and facts.max_shape[0] is not None


def _max_grid(facts: Facts) -> tuple[int | None, ...]:
    pairs = zip(facts.max_shape, facts.chunk_shape or (), strict=True)
    return tuple(None if size is None else -(-size // chunk) for size, chunk in pairs)


def _inside(facts: Facts, table: ChunkTable) -> ChunkTable | Reason:
    pairs = zip(facts.shape or (), facts.chunk_shape or (), strict=True)
    grid = np.array([-(-size // chunk) for size, chunk in pairs], dtype=np.int64)
    outside = ((table.coordinates < 0) | (table.coordinates >= grid)).any(axis=1)
    if not outside.any():
        return table
    first = tuple(table.coordinates[outside][0].tolist())
    return Reason(
        code="hdf5-damaged",
        what=f"the index lists a chunk at {first}, outside of the grid of "
        f"{tuple(grid.tolist())} chunks",
        hint="compare the file with the original; its chunk index is damaged",
    )


def _untrusted(why: str) -> Reason:
    return Reason(
        code="hdf5-index-untrusted",
        what="this version of the HDF5 library reports wrong places for chunks of datasets whose "
        f"unlimited dimension is not the first, and they cannot be corrected: {why}",
        hint="name it in loadable_variables, or install h5py with another version of HDF5",
    )
