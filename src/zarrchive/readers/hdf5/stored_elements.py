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
    from zarrchive.readers.hdf5.chunk_table import ChunkTable
    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.requests import Request, Steps

__all__ = ["stored_elements"]


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
    if isinstance(table, Reason) or (facts.filters and layout.has_raw_edges):
        return None
    return (yield from _assembled(facts, table, size))


def _assembled(facts: Facts, table: ChunkTable, size: int) -> Steps[bytes | None]:
    """Put chunks together; `size` is that of an element."""
    shape, chunk_shape = facts.shape or (), facts.chunk_shape or ()
    requests: list[Request] = [
        Bytes(*place) for place in zip(table.offset.tolist(), table.length.tolist(), strict=True)
    ]
    answers = yield Many(requests)
    grid = grid_of(shape, chunk_shape)
    element = np.dtype(f"V{size}")
    nbytes = prod(chunk_shape) * size
    whole = np.full(shape, np.frombuffer(stored_fill(facts, size), dtype=element)[0])
    index = zip(*np.unravel_index(table.positions(), grid), strict=True)
    for at, mask, data in zip(index, table.masks.tolist(), answers, strict=True):
        codecs = codecs_of(facts.filters, mask, nbytes)
        if isinstance(codecs, Reason):
            return None
        if isinstance(data, Trouble):
            raise data
        decoded = decode(codecs, data)
        if len(decoded) != nbytes:
            raise Damaged(f"a chunk decodes to {len(decoded)} bytes, not to {nbytes}")
        target = tuple(slice(int(i) * n, (int(i) + 1) * n) for i, n in zip(at, chunk_shape))  # noqa: B905
        inside = whole[target]
        block = np.frombuffer(decoded, dtype=element).reshape(chunk_shape)
        whole[target] = block[tuple(slice(n) for n in inside.shape)]
    return whole.tobytes()
