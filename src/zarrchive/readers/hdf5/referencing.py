"""Byte ranges of datasets whose stored bytes Zarr can use as they are."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from zarrchive.location.source import ByteRange
from zarrchive.manifests.chunk_manifest import FIRST_PATH, INLINE, ChunkManifest
from zarrchive.readers.hdf5.filter_masks import one_chain, transcoded
from zarrchive.readers.hdf5.inlining import one_chunk
from zarrchive.readers.hdf5.layout_message import chunk_layout
from zarrchive.readers.hdf5.located_chunks import located_chunks
from zarrchive.readers.hdf5.pipeline import filters_of
from zarrchive.readers.hdf5.problems import Reason
from zarrchive.readers.hdf5.storage import Absent, Referenced, Refused

if TYPE_CHECKING:
    import numpy.typing as npt

    from zarrchive.readers.hdf5.chunk_index import ChunkTable
    from zarrchive.readers.hdf5.conversion import Stored
    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.opened import OpenFile
    from zarrchive.readers.hdf5.storage import Storage

__all__ = ["chunked", "contiguous"]


def contiguous(file: OpenFile, facts: Facts, elements: Stored) -> Storage:
    """Refer to a contiguous dataset as one chunk."""
    chunk_shape = one_chunk(facts.full_shape)
    nbytes = prod(facts.full_shape) * elements.itemsize
    stored = facts.dataset.get_storage_size()
    offset = facts.dataset.get_offset()
    # With a user block HDF5 reports an offset even where nothing is stored.
    if not stored or offset is None or not facts.nbytes:
        return Absent(chunk_shape, prod(facts.full_shape))
    if stored != nbytes:
        return Refused(
            Reason(
                code="hdf5-damaged",
                what=f"{stored} bytes are stored, but shape {facts.shape} takes {nbytes}",
                hint="compare the file with the original; its header is damaged",
            )
        )
    if offset + stored > file.source.size:
        return Refused(_truncated(offset + stored, file.source.size))
    grid = (1,) * len(chunk_shape)
    manifest = ChunkManifest.of_file(
        grid,
        file.source.file,
        offset=np.array([offset], dtype=np.uint64),
        length=np.array([stored], dtype=np.uint64),
    )
    return Referenced(manifest, chunk_shape, elements.codecs)


def chunked(file: OpenFile, facts: Facts, elements: Stored) -> Storage:
    """Refer to the allocated chunks of a chunked dataset, whatever its index is."""
    chunk_shape = (facts.chunk_shape or ()) + facts.kind.inner
    if not facts.nbytes:
        return Absent(chunk_shape, prod(facts.full_shape))
    table = located_chunks(file, facts)
    if isinstance(table, Reason):
        return Refused(table)
    if not len(table.offset):
        return Absent(chunk_shape, prod(facts.full_shape))
    reason = _beyond_end(table, file.source.size)
    if reason is not None:
        return Refused(reason)
    filters = filters_of(facts.plist)
    chunk_nbytes = prod(chunk_shape) * elements.itemsize
    masks = _true_masks(file, facts, table, len(filters), chunk_nbytes) if filters else table.mask
    chain = one_chain(filters, masks, table.length, chunk_nbytes)
    if isinstance(chain, Reason):
        return Refused(chain)
    blobs = transcoded(chain, _odd_chunks(file, table, chain.odd), chunk_nbytes)
    if isinstance(blobs, Reason):
        return Refused(blobs)
    manifest = _manifest(file, facts, table, chain.odd, blobs)
    return Referenced(manifest, chunk_shape, (*elements.codecs, *chain.codecs))


def _true_masks(
    file: OpenFile, facts: Facts, table: ChunkTable, n_filters: int, chunk_nbytes: int
) -> npt.NDArray[np.uint32]:
    """Return the filter masks, also of chunks at the edge that HDF5 was told not to filter.

    The index does not say so of them; the header is read where their sizes allow for it.
    """
    shape, chunk_shape = facts.shape or (), facts.chunk_shape or ()
    if not any(size % chunk for size, chunk in zip(shape, chunk_shape, strict=True)):
        return table.mask
    ends = (table.coordinates + 1) * np.array(chunk_shape, dtype=np.int64)
    edges = np.flatnonzero((ends > np.array(shape, dtype=np.int64)).any(axis=1))
    if not edges.size or (table.length[edges] != chunk_nbytes).any():
        return table.mask
    layout = chunk_layout(file, facts.address)
    if layout is None or not layout.has_raw_edges:
        return table.mask
    masks = table.mask.copy()
    masks[edges] = 2**n_filters - 1
    return masks


def _odd_chunks(file: OpenFile, table: ChunkTable, odd: npt.NDArray[np.intp]) -> list[bytes]:
    """Read the stored bytes of the chunks in the rows `odd`."""
    ranges = [ByteRange(int(table.offset[i]), int(table.length[i])) for i in odd]
    return list(file.source.get_ranges(ranges)) if ranges else []


def _manifest(
    file: OpenFile,
    facts: Facts,
    table: ChunkTable,
    odd: npt.NDArray[np.intp],
    blobs: list[bytes],
) -> ChunkManifest:
    pairs = zip(facts.shape or (), facts.chunk_shape or (), strict=True)
    grid = tuple(-(-size // chunk) for size, chunk in pairs)
    strides = np.array([prod(grid[axis + 1 :]) for axis in range(len(grid))], dtype=np.int64)
    positions = table.coordinates @ strides
    whole = grid + (1,) * len(facts.kind.inner)
    offset, length = table.offset, table.length
    if not odd.size and len(offset) == prod(grid) and (np.diff(positions) == 1).all():
        # As many different places as the grid has, in order: the usual case needs no more checks.
        return ChunkManifest.of_file(whole, file.source.file, offset=offset, length=length)
    path_id = np.full(len(offset), FIRST_PATH, dtype=np.uint32)
    if odd.size:
        offset, length = offset.copy(), length.copy()
        path_id[odd] = INLINE
        offset[odd] = np.arange(odd.size, dtype=np.uint64)
        length[odd] = [len(blob) for blob in blobs]
    return ChunkManifest.from_columns(
        whole,
        files=(file.source.file,),
        path_id=path_id,
        offset=offset,
        length=length,
        positions=positions.astype(np.uint64),
        inlined=blobs,
    )


def _beyond_end(table: ChunkTable, size: int) -> Reason | None:
    """Say which chunk passes the end of the file of `size` bytes, if one does."""
    offset, length = table.offset, table.length
    beyond = (offset > size) | (length > size) | (offset + length > size)
    if not beyond.any():
        return None
    worst = int(np.flatnonzero(beyond)[0])
    return _truncated(int(offset[worst]) + int(length[worst]), size)


def _truncated(end: int, size: int) -> Reason:
    return Reason(
        code="hdf5-truncated",
        what=f"its data reach byte {end}, but the file has {size} bytes",
        hint="copy the file again: it was cut off, or its writing was interrupted",
    )
