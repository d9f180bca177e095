"""Values that the manifest itself holds, as raw bytes."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Final

import numcodecs
import numpy as np

from zarrchive.manifests.chunk_manifest import INLINE, ChunkManifest
from zarrchive.readers.hdf5.chunk_table import grid_of
from zarrchive.readers.hdf5.problems import Reason
from zarrchive.readers.hdf5.storage import Inlined, Refused
from zarrchive.readers.hdf5.stored_elements import stored_elements
from zarrchive.readers.hdf5.stored_floats import InexactError
from zarrchive.readers.hdf5.stored_values import decode

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.requests import Steps

__all__ = ["inlined", "manifest_of", "one_chunk"]

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
    return Inlined(manifest_of(facts.full_shape, shape, {0: values.tobytes()}), shape)


def _inexact(facts: Facts, error: InexactError) -> Reason:
    what = facts.kind.reason.what if facts.kind.reason is not None else "its values are converted"
    return Reason(
        code="hdf5-type",
        what=f"{what}: {error}",
        hint="read this variable with h5py; all others can be used",
    )


def manifest_of(
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
