"""All stored elements of one dataset, decoded chunk by chunk; for what is inlined."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from zarrchive.codecs.hdf5 import decode
from zarrchive.readers.hdf5.chunk_table import grid_of
from zarrchive.readers.hdf5.fill import stored_fill
from zarrchive.readers.hdf5.layout_message import Chunked, Compact, Contiguous
from zarrchive.readers.hdf5.located_chunks import located_chunks
from zarrchive.readers.hdf5.pipeline import codecs_of
from zarrchive.readers.hdf5.problems import Reason
from zarrchive.readers.hdf5.requests import Bytes, Damaged, Many, Trouble

if TYPE_CHECKING:
    import numpy.typing as npt

    from zarrchive.readers.hdf5.chunk_table import ChunkTable
    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.requests import Request, Steps

__all__ = ["chunk_elements", "stored_elements"]


def stored_elements(facts: Facts) -> Steps[bytes | None]:
    """Return all elements as they are stored, in C order and without any filter.

    None where h5py has to read them: an index or a filter that is not understood here.
    """
    shape, layout = facts.shape or (), facts.layout
    size = int.from_bytes(facts.datatype[4:8], "little")
    nbytes = prod(shape) * size
    if isinstance(layout, Compact):
        if len(layout.data) < nbytes:
            raise Damaged(f"{len(layout.data)} bytes are stored, but shape {shape} takes {nbytes}")
        return layout.data[:nbytes]
    if isinstance(layout, Contiguous):
        if layout.address is None or not nbytes:
            return stored_fill(facts, size) * prod(shape)
        data: bytes = yield facts.file.superblock.at(layout.address, nbytes)
        return data
    if not isinstance(layout, Chunked):
        return None
    table = yield from located_chunks(facts)
    if isinstance(table, Reason):
        return None
    rows = np.arange(len(table))
    whole = yield from chunk_elements(facts, table, rows, ((0,) * len(shape), shape))
    return None if whole is None else whole.tobytes()


def chunk_elements(
    facts: Facts,
    table: ChunkTable,
    rows: npt.NDArray[np.intp],
    block: tuple[tuple[int, ...], tuple[int, ...]],
) -> Steps[npt.NDArray[np.void] | None]:
    """Return the stored elements of a block; nothing is converted.

    Parameters
    ----------
    facts, table
        A chunked dataset and its chunks.
    rows
        Those of the chunks that lie in the block; what they leave out is the fill value.
    block
        First element and shape of the block, which begins where a chunk begins.

    Returns
    -------
    array of shape `block[1]`, or None
        None where h5py has to read them: a filter that is not understood here.
    """
    layout, chunk_shape = facts.layout, facts.chunk_shape or ()
    if facts.filters and isinstance(layout, Chunked) and layout.has_raw_edges:
        return None
    start, shape = block
    size = int.from_bytes(facts.datatype[4:8], "little")
    element, nbytes = np.dtype(f"V{size}"), prod(chunk_shape) * size
    offset, length = table.offset[rows].tolist(), table.length[rows].tolist()
    requests: list[Request] = [Bytes(*place) for place in zip(offset, length, strict=True)]
    answers = yield Many(requests)
    whole = np.full(shape, np.frombuffer(stored_fill(facts, size), dtype=element)[0])
    index = np.unravel_index(table.positions()[rows], grid_of(facts.shape or (), chunk_shape))
    for at, mask, data in zip(
        zip(*(column.tolist() for column in index), strict=True),
        table.masks[rows].tolist(),
        answers,
        strict=True,
    ):
        codecs = codecs_of(facts.filters, mask, nbytes)
        if isinstance(codecs, Reason):
            return None
        if isinstance(data, Trouble):
            raise data
        decoded = decode(codecs, data)
        if len(decoded) != nbytes:
            raise Damaged(f"a chunk decodes to {len(decoded)} bytes, not to {nbytes}")
        corner = [i * n - s for i, n, s in zip(at, chunk_shape, start, strict=True)]
        target = tuple(slice(c, c + n) for c, n in zip(corner, chunk_shape, strict=True))
        inside = whole[target].shape
        chunk = np.frombuffer(decoded, dtype=element).reshape(chunk_shape)
        whole[target] = chunk[tuple(slice(n) for n in inside)]
    return whole
