"""Byte ranges of datasets whose stored bytes Zarr can use as they are."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from zarrchive.manifests.chunk_manifest import FIRST_PATH, INLINE, ChunkManifest
from zarrchive.readers.contiguous_runs import run_shape
from zarrchive.readers.hdf5.chunk_table import grid_of
from zarrchive.readers.hdf5.filter_masks import one_chain, transcoded
from zarrchive.readers.hdf5.inlining import one_chunk
from zarrchive.readers.hdf5.layout_message import Chunked, Contiguous
from zarrchive.readers.hdf5.located_chunks import located_chunks, truncated
from zarrchive.readers.hdf5.problems import Reason
from zarrchive.readers.hdf5.requests import Bytes, Many, Trouble
from zarrchive.readers.hdf5.storage import Absent, Referenced, Refused

if TYPE_CHECKING:
    import numpy.typing as npt

    from zarrchive.readers.hdf5.chunk_table import ChunkTable
    from zarrchive.readers.hdf5.conversion import Stored
    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.requests import Request, Steps
    from zarrchive.readers.hdf5.storage import Storage

__all__ = ["chunked", "contiguous"]


def contiguous(facts: Facts, elements: Stored) -> Storage:
    """Refer to a contiguous dataset, cut into runs of bytes that are easier to read in parts."""
    layout = facts.layout
    if not isinstance(layout, Contiguous):
        raise TypeError(f"{layout} is not contiguous")
    shape = one_chunk(facts.full_shape)
    nbytes = prod(facts.full_shape) * elements.itemsize
    if layout.address is None or not nbytes:
        return Absent(shape, prod(facts.full_shape))
    if layout.length not in {None, nbytes}:
        return Refused(
            Reason(
                code="hdf5-damaged",
                what=f"{layout.length} bytes are stored, but shape {facts.shape} takes {nbytes}",
                hint="compare the file with the original; its header is damaged",
            )
        )
    file = facts.file
    start = layout.address
    if not facts.is_told_by_h5py:
        start += file.superblock.base
    if start + nbytes > file.source.size:
        return Refused(truncated(start + nbytes, file.source.size))
    chunk_shape = shape
    if file.largest_run is not None:
        chunk_shape = run_shape(shape, nbytes // prod(shape), most=file.largest_run)
    grid = grid_of(shape, chunk_shape)
    length = nbytes // prod(grid)
    offset = np.arange(prod(grid), dtype=np.uint64) * np.uint64(length) + np.uint64(start)
    lengths = np.full(len(offset), length, dtype=np.uint64)
    manifest = ChunkManifest.of_file(grid, file.source.file, offset=offset, length=lengths)
    return Referenced(manifest, chunk_shape, elements.codecs)


def chunked(facts: Facts, elements: Stored) -> Steps[Storage]:
    """Refer to the allocated chunks of a chunked dataset, whatever its index is."""
    chunk_shape = (facts.chunk_shape or ()) + facts.kind.inner
    if not facts.nbytes:
        return Absent(chunk_shape, prod(facts.full_shape))
    table = yield from located_chunks(facts)
    if isinstance(table, Reason):
        return Refused(table)
    if not len(table):
        return Absent(chunk_shape, prod(facts.full_shape))
    chunk_nbytes = prod(chunk_shape) * elements.itemsize
    masks = _true_masks(facts, table, chunk_nbytes) if facts.filters else table.mask
    chain = one_chain(facts.filters, masks, table.length, chunk_nbytes)
    if isinstance(chain, Reason):
        return Refused(chain)
    blobs: list[bytes] | Reason = []
    if chain.odd.size:
        blobs = transcoded(chain, (yield from _stored(table, chain.odd)), chunk_nbytes)
    if isinstance(blobs, Reason):
        return Refused(blobs)
    codecs = (*elements.codecs, *chain.codecs)
    return Referenced(_manifest(facts, table, chain.odd, blobs), chunk_shape, codecs)


def _stored(table: ChunkTable, rows: npt.NDArray[np.intp]) -> Steps[list[bytes]]:
    """Read some of the chunks."""
    offset, length = table.offset[rows].tolist(), table.length[rows].tolist()
    requests: list[Request] = [Bytes(*place) for place in zip(offset, length, strict=True)]
    answers = yield Many(requests)
    for answer in answers:
        if isinstance(answer, Trouble):
            raise answer
    found: list[bytes] = answers
    return found


def _true_masks(
    facts: Facts, table: ChunkTable, chunk_nbytes: int
) -> npt.NDArray[np.uint32] | None:
    """Return the filter masks, also of chunks at the edge that HDF5 was told not to filter.

    The index does not say so of them; the layout message does. None: no filter was skipped.
    """
    layout = facts.layout
    if not isinstance(layout, Chunked) or not layout.has_raw_edges:
        return table.mask
    grid = grid_of(facts.shape or (), layout.chunk_shape)
    is_edge = np.zeros(len(table), dtype=bool)
    index = np.unravel_index(table.positions(), grid)
    for axis, (size, chunk) in enumerate(zip(facts.shape or (), layout.chunk_shape, strict=True)):
        if size % chunk:
            is_edge |= index[axis] == grid[axis] - 1
    if (table.length[is_edge] != chunk_nbytes).any():
        return table.mask
    masks = table.masks.copy()
    masks[is_edge] = 2 ** len(facts.filters) - 1
    return masks


def _manifest(
    facts: Facts, table: ChunkTable, odd: npt.NDArray[np.intp], blobs: list[bytes]
) -> ChunkManifest:
    grid = grid_of(facts.shape or (), facts.chunk_shape or ())
    whole = grid + (1,) * len(facts.kind.inner)
    file, offset, length = facts.file.source.file, table.offset, table.length
    if not odd.size and table.position is None:
        return ChunkManifest.of_file(whole, file, offset=offset, length=length)
    path_id = np.full(len(table), FIRST_PATH, dtype=np.uint32)
    if odd.size:
        offset, length = offset.copy(), length.astype(np.uint64)
        path_id[odd] = INLINE
        offset[odd] = np.arange(odd.size, dtype=np.uint64)
        length[odd] = [len(blob) for blob in blobs]
    return ChunkManifest.from_columns(
        whole,
        files=(file,),
        path_id=path_id,
        offset=offset,
        length=length,
        positions=table.positions().astype(np.uint64),
        inlined=blobs,
    )
