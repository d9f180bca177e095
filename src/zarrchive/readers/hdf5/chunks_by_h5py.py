"""The chunks of a dataset as the HDF5 library lists them, one callback a chunk.

Only for datasets whose layout or index is not understood here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import h5py
import numpy as np

from zarrchive.readers.hdf5.chunk_table import ChunkTable, grid_of, placed
from zarrchive.readers.hdf5.layout_message import EXTENSIBLE_ARRAY, Chunked
from zarrchive.readers.hdf5.problems import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from h5py import h5d

    from zarrchive.readers.hdf5.facts import Facts

__all__ = ["chunks_by_h5py", "library_misplaces_chunks"]

_BLOCK: Final = 2**16
"""Entries turned into columns at a time, which bounds the memory for Python objects."""


def chunks_by_h5py(facts: Facts) -> ChunkTable | Reason:
    """List the allocated chunks of a dataset; raises what h5py raises.

    Returns why they cannot be trusted where this version of the library misplaces them.
    """
    layout = facts.layout
    is_other_index = isinstance(layout, Chunked) and layout.index != EXTENSIBLE_ARRAY
    is_suspicious = facts.max_shape.count(None) == 1 and facts.max_shape[0] is not None
    if is_suspicious and not is_other_index and library_misplaces_chunks():
        return _UNTRUSTED
    starts, mask, offset, length = _columns(facts.dataset)
    chunk_shape = facts.chunk_shape or ()
    coordinates = starts.reshape(-1, len(chunk_shape)) // np.array(chunk_shape, dtype=np.int64)
    table = ChunkTable(None, offset, length, mask if mask.any() else None)
    return placed(table, list(coordinates.T), grid_of(facts.shape or (), chunk_shape))


def _columns(dataset: h5d.DatasetID) -> tuple[Any, Any, Any, Any]:
    """Return first element, filter mask, offset and length of each chunk."""
    pending: list[Any] = []
    blocks: list[tuple[Any, ...]] = [_as_columns([])]

    def take(info: h5d.StoreInfo) -> None:
        pending.append(info)
        if len(pending) == _BLOCK:
            blocks.append(_as_columns(pending))
            pending.clear()

    _iterate(dataset, take)
    if pending:
        blocks.append(_as_columns(pending))
    if len(blocks) > 1:
        del blocks[0]
    starts, mask, offset, length = (np.concatenate(part) for part in zip(*blocks, strict=True))
    return starts, mask, offset, length


def _as_columns(infos: list[Any]) -> tuple[Any, ...]:
    starts, masks, offsets, lengths = zip(*infos, strict=True) if infos else ((), (), (), ())
    return (
        np.array(starts, dtype=np.int64),
        np.array(masks, dtype=np.uint32),
        np.array(offsets, dtype=np.uint64),
        np.array(lengths, dtype=np.uint64),
    )


def _iterate(dataset: h5d.DatasetID, take: Callable[[h5d.StoreInfo], None]) -> None:
    if hasattr(dataset, "chunk_iter"):
        dataset.chunk_iter(take)
        return
    for number in range(dataset.get_num_chunks()):  # HDF5 before 1.12.3: quadratic, but right
        take(dataset.get_chunk_info(number))


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


_UNTRUSTED: Final = Reason(
    code="hdf5-index-untrusted",
    what="this version of the HDF5 library reports wrong places for chunks of datasets whose "
    "unlimited dimension is not the first, and its index is not understood here",
    hint="name it in loadable_variables, or install h5py with another version of HDF5",
)
