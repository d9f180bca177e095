"""Variable-length strings: read from the heaps of the file, and held by the manifest itself.

Their chunks hold places in global heaps (HDF5 File Format Specification 3.0, §III.E and §VIII),
which mean nothing to Zarr.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Final

import numcodecs
import numpy as np

from zarrchive.readers.hdf5.chunk_table import grid_of
from zarrchive.readers.hdf5.fill import has_own_fill
from zarrchive.readers.hdf5.global_heap import GlobalHeaps
from zarrchive.readers.hdf5.inlining import manifest_of, one_chunk
from zarrchive.readers.hdf5.layout_message import Contiguous
from zarrchive.readers.hdf5.located_chunks import located_chunks
from zarrchive.readers.hdf5.problems import Reason
from zarrchive.readers.hdf5.requests import Damaged
from zarrchive.readers.hdf5.storage import Absent, Inlined, Refused
from zarrchive.readers.hdf5.stored_elements import chunk_elements, stored_elements
from zarrchive.readers.hdf5.stored_values import heap_references

if TYPE_CHECKING:
    import numpy.typing as npt

    from zarrchive.readers.hdf5.chunk_table import ChunkTable
    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.requests import Steps
    from zarrchive.readers.hdf5.storage import Storage

__all__ = ["fill_text", "inlined_texts"]

_STRINGS_A_CHUNK: Final = 2**16
_MOST_STRING_BYTES: Final = 256 * 2**20
"""Encoded bytes of one variable's strings held in memory and written into outputs."""
_VLEN_UTF8: Final = numcodecs.VLenUTF8()


def inlined_texts(facts: Facts) -> Steps[Storage]:
    """Hold variable-length strings, encoded as Zarr's ``vlen-utf8``.

    Only what the file has allocated is read: in chunks of about 65 536 strings, or, where
    unwritten strings are not empty, in those of the file.
    """
    shape = facts.shape or ()
    if facts.chunk_shape is None:
        if not prod(shape) or not _has_data(facts):
            return Absent(one_chunk(shape), prod(shape))
        chunk_shape, blocks = one_chunk(shape), {0: np.zeros(0, dtype=np.intp)}
        table = None
    else:
        chunk_shape = facts.chunk_shape
        if not has_own_fill(facts):
            chunk_shape = _merged_chunks(shape, chunk_shape)
        located = yield from located_chunks(facts)
        if isinstance(located, Reason):
            return Refused(located)
        table, blocks = located, _rows_of_blocks(facts, located, chunk_shape)
    blobs: dict[int, bytes] = {}
    total = 0
    for position, rows in blocks.items():
        try:
            texts = yield from _texts(facts, table, rows, _block(shape, chunk_shape, position))
            blobs[position] = _encoded(texts, chunk_shape)
        except UnicodeError as error:
            return Refused(_not_utf8(error))
        total += len(blobs[position])
        if total > _MOST_STRING_BYTES:
            return Refused(_too_large(total))
    return Inlined(manifest_of(shape, chunk_shape, blobs), chunk_shape)


def fill_text(facts: Facts) -> Steps[str]:
    """Return what unwritten strings of a dataset read as."""
    if not has_own_fill(facts):
        return ""
    if facts.is_told_by_h5py:
        from zarrchive.readers.hdf5.values_by_h5py import fill_text_by_h5py

        return fill_text_by_h5py(facts)
    (text,) = yield from _from_heaps(facts, facts.fill.value or b"", 1)
    return text.decode("utf-8")


def _has_data(facts: Facts) -> bool:
    """Say whether anything was ever stored of a dataset without chunks."""
    if isinstance(facts.layout, Contiguous):
        return facts.layout.address is not None
    return True


def _merged_chunks(shape: tuple[int, ...], chunk_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Join whole HDF5 chunks to chunks of about `_STRINGS_A_CHUNK`, last dimension first."""
    merged = list(chunk_shape)
    for axis in reversed(range(len(shape))):
        room = max(1, _STRINGS_A_CHUNK // prod(merged))
        needed = -(-shape[axis] // merged[axis])
        merged[axis] *= max(1, min(room, needed))
    return tuple(merged)


def _rows_of_blocks(
    facts: Facts, table: ChunkTable, chunk_shape: tuple[int, ...]
) -> dict[int, npt.NDArray[np.intp]]:
    """Return the rows of the chunks in each merged chunk that has any, by its flat position."""
    shape, own = facts.shape or (), facts.chunk_shape or ()
    index = np.unravel_index(table.positions(), grid_of(shape, own))
    merged = [column * old // new for column, old, new in zip(index, own, chunk_shape, strict=True)]
    flat = np.ravel_multi_index(merged, grid_of(shape, chunk_shape))
    order = np.argsort(flat, kind="stable")
    positions, starts = np.unique(flat[order], return_index=True)
    rows = np.split(order, starts[1:])
    return dict(zip(positions.tolist(), rows, strict=True)) if len(order) else {}


def _block(
    shape: tuple[int, ...], chunk_shape: tuple[int, ...], position: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return first element and shape of the chunk at a flat position, cut at the edge."""
    grid = grid_of(shape, chunk_shape)
    index = [int(i) for i in np.unravel_index(position, grid)] if grid else []
    start = tuple(i * n for i, n in zip(index, chunk_shape, strict=True))
    count = tuple(min(n, s - a) for n, s, a in zip(chunk_shape, shape, start, strict=True))
    return start, count


def _texts(
    facts: Facts,
    table: ChunkTable | None,
    rows: npt.NDArray[np.intp],
    block: tuple[tuple[int, ...], tuple[int, ...]],
) -> Steps[npt.NDArray[np.object_]]:
    """Return the strings of a block, which is all of a dataset without chunks."""
    raw: bytes | None = None
    if facts.is_told_by_h5py:
        pass
    elif table is None:
        raw = yield from stored_elements(facts)
    else:
        elements = yield from chunk_elements(facts, table, rows, block)
        raw = None if elements is None else elements.tobytes()
    if raw is None:
        from zarrchive.readers.hdf5.values_by_h5py import texts_by_h5py

        found = texts_by_h5py(facts, *block).reshape(-1).tolist()
    else:
        found = yield from _from_heaps(facts, raw, prod(block[1]))
    texts = np.empty(len(found), dtype=object)
    texts[:] = [text.decode("utf-8") if text else "" for text in found]
    return texts.reshape(block[1])


def _from_heaps(facts: Facts, raw: bytes, count: int) -> Steps[list[bytes]]:
    """Return the strings that stored elements refer to."""
    superblock = facts.file.superblock
    width = superblock.address_size
    if int.from_bytes(facts.datatype[4:8], "little") != 8 + width:
        raise Damaged("its elements are no places in a heap")
    lengths, addresses, indices = heap_references(raw, count, address_size=width)
    is_there = (lengths > 0) & (addresses > 0) & (addresses < superblock.undefined)
    heaps = GlobalHeaps(superblock)  # not those of the file, which are kept to its end
    yield from heaps.load(np.unique(addresses[is_there]).tolist())
    found = [b""] * count
    for at, length, address, index in zip(
        np.flatnonzero(is_there).tolist(),
        lengths[is_there].tolist(),
        addresses[is_there].tolist(),
        indices[is_there].tolist(),
        strict=True,
    ):
        text = heaps.object(address, index)
        if length > len(text):
            raise Damaged(f"a string of {length} bytes has {len(text)} in its heap")
        found[at] = text[:length].partition(b"\0")[0]
    return found


def _encoded(texts: npt.NDArray[np.object_], chunk_shape: tuple[int, ...]) -> bytes:
    """Encode the strings of a chunk; its part beyond the edge is empty strings."""
    if texts.shape != chunk_shape:
        whole = np.full(chunk_shape, "", dtype=object)
        inside: tuple[Any, ...] = (..., *(slice(n) for n in texts.shape))
        whole[inside] = texts
        texts = whole
    return bytes(_VLEN_UTF8.encode(texts.reshape(-1)))


def _not_utf8(error: UnicodeError) -> Reason:
    return Reason(
        code="hdf5-text-encoding",
        what=f"strings are not UTF-8, which is all that Zarr has ({error})",
        hint="read this variable with h5py and the right encoding",
    )


def _too_large(total: int) -> Reason:
    return Reason(
        code="hdf5-strings-too-large",
        what=f"strings of varying length cannot be referenced, and these take more than {total} "
        f"bytes; up to {_MOST_STRING_BYTES} are inlined",
        hint="read this variable with h5py; all others can be used",
    )
