"""Values that the manifest itself holds: raw bytes, and variable-length strings."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Final

import numcodecs
import numpy as np

from zarrchive.manifests.chunk_manifest import INLINE, ChunkManifest
from zarrchive.readers.hdf5.chunk_table import grid_of
from zarrchive.readers.hdf5.fill import has_own_fill
from zarrchive.readers.hdf5.layout_message import Contiguous
from zarrchive.readers.hdf5.located_chunks import located_chunks
from zarrchive.readers.hdf5.problems import Reason
from zarrchive.readers.hdf5.storage import Absent, Inlined, Refused
from zarrchive.readers.hdf5.stored_elements import stored_elements
from zarrchive.readers.hdf5.stored_floats import InexactError
from zarrchive.readers.hdf5.stored_values import decode

if TYPE_CHECKING:
    import numpy.typing as npt

    from zarrchive.readers.hdf5.chunk_table import ChunkTable
    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.requests import Steps
    from zarrchive.readers.hdf5.storage import Storage

__all__ = ["inlined", "inlined_strings", "one_chunk"]

_STRINGS_A_CHUNK: Final = 2**16
_MOST_STRING_BYTES: Final = 256 * 2**20
"""Encoded bytes of one variable's strings held in memory and written into outputs."""
_VLEN_UTF8: Final = numcodecs.VLenUTF8()


def one_chunk(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the chunk shape that covers `shape` with one chunk (or none, if it is empty)."""
    return tuple(max(1, size) for size in shape)


def inlined(facts: Facts) -> Steps[Inlined | Refused]:
    """Hold all values, as h5py reads them, in one chunk of raw bytes in C order."""
    shape = one_chunk(facts.full_shape)
    raw = None
    if not facts.is_told_by_h5py:
        raw = yield from stored_elements(facts)
    if raw is None:
        from zarrchive.readers.hdf5.values_by_h5py import elements_by_h5py

        raw = elements_by_h5py(facts)
    try:
        values = decode(facts.datatype, raw, prod(facts.shape or ()))
    except InexactError as error:
        return Refused(_inexact(facts, error))
    return Inlined(_manifest_of(facts.full_shape, shape, {0: values.tobytes()}), shape)


def _inexact(facts: Facts, error: InexactError) -> Reason:
    what = facts.kind.reason.what if facts.kind.reason is not None else "its values are converted"
    return Reason(
        code="hdf5-type",
        what=f"{what}: {error}",
        hint="read this variable with h5py; all others can be used",
    )


def inlined_strings(facts: Facts) -> Steps[Storage]:
    """Hold variable-length strings, encoded as Zarr's ``vlen-utf8``.

    Only what the file has allocated is read: in chunks of about 65 536 strings, or, where
    unwritten strings are not empty, in those of the file. (HDF5 2.0 fails to read unwritten
    strings that have a fill value of their own from a read-only file.)
    """
    shape = facts.shape or ()
    if facts.chunk_shape is None:
        if not prod(shape) or not _has_data(facts):
            return Absent(one_chunk(shape), prod(shape))
        chunk_shape, touched = one_chunk(shape), [0]
    else:
        chunk_shape = facts.chunk_shape
        if not has_own_fill(facts):
            chunk_shape = _merged_chunks(shape, chunk_shape)
        table = yield from located_chunks(facts)
        if isinstance(table, Reason):
            return Refused(table)
        touched = _touched(facts, table, chunk_shape)
    blobs: dict[int, bytes] = {}
    total = 0
    for position in touched:
        encoded = _encoded_block(facts, chunk_shape, position)
        if isinstance(encoded, Refused):
            return encoded
        blobs[position] = encoded
        total += len(encoded)
        if total > _MOST_STRING_BYTES:
            return Refused(_too_large(total))
    return Inlined(_manifest_of(shape, chunk_shape, blobs), chunk_shape)


def _has_data(facts: Facts) -> bool:
    """Say whether anything was ever stored of a dataset without chunks."""
    if isinstance(facts.layout, Contiguous):
        return facts.layout.address is not None and facts.layout.length != 0
    return True


def _too_large(total: int) -> Reason:
    return Reason(
        code="hdf5-strings-too-large",
        what=f"strings of varying length cannot be referenced, and these take more than {total} "
        f"bytes; up to {_MOST_STRING_BYTES} are inlined",
        hint="read this variable with h5py; all others can be used",
    )


def _encoded_block(facts: Facts, chunk_shape: tuple[int, ...], position: int) -> bytes | Refused:
    """Read and encode the chunk at flat `position`; its part beyond the edge is empty strings."""
    from zarrchive.readers.hdf5.values_by_h5py import texts_by_h5py

    shape = facts.shape or ()
    grid = grid_of(shape, chunk_shape)
    index = [int(i) for i in np.unravel_index(position, grid)] if grid else []
    start = tuple(i * n for i, n in zip(index, chunk_shape, strict=True))
    count = tuple(min(n, s - a) for n, s, a in zip(chunk_shape, shape, start, strict=True))
    raw = texts_by_h5py(facts, start, count)
    texts = np.full(chunk_shape, "", dtype=object)
    try:
        inside: tuple[Any, ...] = (..., *(slice(n) for n in count))
        texts[inside] = _decoded(raw)
        return bytes(_VLEN_UTF8.encode(texts.reshape(-1)))
    except UnicodeError as error:
        return Refused(
            Reason(
                code="hdf5-text-encoding",
                what=f"strings are not UTF-8, which is all that Zarr has ({error})",
                hint="read this variable with h5py and the right encoding",
            )
        )


def _decoded(raw: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    flat = [item.decode("utf-8") if item else "" for item in raw.reshape(-1).tolist()]
    texts = np.empty(len(flat), dtype=object)
    texts[:] = flat
    return texts.reshape(raw.shape)


def _merged_chunks(shape: tuple[int, ...], chunk_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Join whole HDF5 chunks to chunks of about `_STRINGS_A_CHUNK`, last dimension first."""
    merged = list(chunk_shape)
    for axis in reversed(range(len(shape))):
        room = max(1, _STRINGS_A_CHUNK // prod(merged))
        needed = -(-shape[axis] // merged[axis])
        merged[axis] *= max(1, min(room, needed))
    return tuple(merged)


def _touched(facts: Facts, table: ChunkTable, chunk_shape: tuple[int, ...]) -> list[int]:
    """Return the flat positions of the merged chunks that hold anything the file allocated."""
    shape, own = facts.shape or (), facts.chunk_shape or ()
    index = np.unravel_index(table.positions(), grid_of(shape, own))
    merged = [column * old // new for column, old, new in zip(index, own, chunk_shape, strict=True)]
    flat = np.ravel_multi_index(merged, grid_of(shape, chunk_shape))
    return [int(position) for position in np.unique(flat)]


def _manifest_of(
    shape: tuple[int, ...], chunk_shape: tuple[int, ...], blobs: dict[int, bytes]
) -> ChunkManifest:
    """Build the manifest of inline chunks by flat position."""
    grid = grid_of(shape, chunk_shape)
    if not prod(grid) or not blobs:
        return ChunkManifest.empty(grid)
    if prod(grid) == 1:
        return ChunkManifest.of_bytes(grid, blobs[0])
    return ChunkManifest.from_columns(
        grid,
        files=(),
        inlined=list(blobs.values()),
        positions=np.fromiter(blobs, dtype=np.uint64),
        path_id=np.full(len(blobs), INLINE, dtype=np.uint32),
        offset=np.arange(len(blobs), dtype=np.uint64),
        length=np.array([len(blob) for blob in blobs.values()], dtype=np.uint64),
    )
