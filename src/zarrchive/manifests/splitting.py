"""Chunks of uncompressed values cut into smaller ones, where they lie."""

from __future__ import annotations

from math import gcd, prod
from typing import TYPE_CHECKING, Final

import numpy as np

from zarrchive.errors import ManifestError, Problem
from zarrchive.manifests._zarr import changed_metadata, codec_documents
from zarrchive.manifests.canonical import INLINE
from zarrchive.manifests.chunk_manifest import ChunkManifest
from zarrchive.manifests.naming import axis_name, files_of, hint_to_open

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from zarrchive.manifests.chunk_manifest import StoredChunks
    from zarrchive.manifests.manifest_array import ManifestArray

__all__ = ["aligned", "can_be_split", "common_length", "split_chunks"]

_MOST: Final = 10_000_000
"""Chunks that joined arrays may have where they are cut to fit."""


def common_length(arrays: Sequence[ManifestArray], axis: int) -> int:
    """Return the greatest chunk length along `axis` in whole numbers of which all can be cut.

    The last array may end within a chunk.
    """
    lengths = [array.chunk_shape[axis] for array in arrays]
    return gcd(*lengths, *(array.shape[axis] for array in arrays[:-1])) or 1


def aligned(arrays: Sequence[ManifestArray], axis: int) -> Sequence[ManifestArray]:
    """Cut the chunks of uncompressed arrays so that their grids line up along `axis`.

    Returns the arrays as they are where they line up already, or cannot be made to: joining
    them then says why.
    """
    if not arrays or any(array.ndim != arrays[0].ndim for array in arrays):
        return arrays
    if not -arrays[0].ndim <= axis < arrays[0].ndim:
        return arrays
    axis %= arrays[0].ndim
    chunk = arrays[0].chunk_shape[axis]
    if all(array.chunk_shape[axis] == chunk for array in arrays) and not any(
        array.shape[axis] % chunk for array in arrays[:-1]
    ):
        return arrays
    length = common_length(arrays, axis)
    count = sum(-(-array.shape[axis] // length) for array in arrays)
    beside = prod(n for i, n in enumerate(arrays[0].manifest.grid_shape) if i != axis)
    if count * beside > _MOST or not all(can_be_split(array, axis) for array in arrays):
        return arrays
    return [split_chunks(array, axis, length) for array in arrays]


def can_be_split(array: ManifestArray, axis: int) -> bool:
    """Whether the elements at each place along `axis` lie together in a chunk, uncompressed."""
    names = [codec["name"] for codec in codec_documents(array.metadata)]
    is_plain = names == ["bytes"] and not array.dtype.hasobject and array.dtype.kind != "T"
    return is_plain and all(chunk == 1 for chunk in array.chunk_shape[:axis])


def split_chunks(array: ManifestArray, axis: int, length: int) -> ManifestArray:
    """Cut chunks into parts of `length` elements along `axis`, by their byte ranges alone.

    Parameters
    ----------
    array
        Uncompressed, with chunks of one element along all axes before `axis`.
    axis
        Not negative.
    length
        Divides the length of the chunks along `axis`.

    Raises
    ------
    ManifestError
        ``index-misaligned`` where the parts are no byte ranges.
    """
    chunk = array.chunk_shape[axis]
    if length == chunk:
        return array
    if length < 1 or chunk % length or not can_be_split(array, axis):
        raise ManifestError(_not_cut(array, axis, length))
    chunk_shape = (*array.chunk_shape[:axis], length, *array.chunk_shape[axis + 1 :])
    grid = tuple(-(-n // size) for n, size in zip(array.shape, chunk_shape, strict=True))
    nbytes = prod(chunk_shape) * array.dtype.itemsize
    stored = array.manifest.stored()
    n_parts = chunk // length
    index = list(np.unravel_index(stored.position.astype(np.int64), array.manifest.grid_shape))
    index = [np.repeat(one, n_parts) for one in index]
    part = np.tile(np.arange(n_parts, dtype=np.int64), len(stored.position))
    index[axis] = index[axis] * n_parts + part
    inside = index[axis] < grid[axis]  # chunks at the edge are stored whole
    ids, offset, inlined = _columns(array.manifest, stored, part, nbytes)
    manifest = ChunkManifest.from_columns(
        grid,
        files=array.manifest.files,
        inlined=inlined,
        positions=np.ravel_multi_index(tuple(one[inside] for one in index), grid),
        path_id=ids[inside],
        offset=offset[inside],
        length=np.full(int(inside.sum()), nbytes, dtype=np.uint64),
    )
    return array.replaced(changed_metadata(array.metadata, chunk_shape=chunk_shape), manifest)


def _columns(
    manifest: ChunkManifest, stored: StoredChunks, part: npt.NDArray[np.int64], nbytes: int
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint64], list[bytes]]:
    """Return file and offset of each part, and the parts of inline chunks."""
    n_parts = len(part) // max(len(stored.position), 1)
    ids = np.repeat(stored.path_id, n_parts)
    offset = np.repeat(stored.offset, n_parts)
    inlined = [
        blob[number * nbytes : (number + 1) * nbytes]
        for blob in manifest.inlined
        for number in range(n_parts)
    ]
    moved = part.astype(np.uint64)
    rows, places = offset * np.uint64(n_parts) + moved, offset + moved * np.uint64(nbytes)
    return ids, np.where(ids == INLINE, rows, places), inlined


def _not_cut(array: ManifestArray, axis: int, length: int) -> Problem:
    return Problem(
        code="index-misaligned",
        where=files_of(array),
        what=f"chunks of {array.chunk_shape} cannot be cut into {length} along "
        f"{axis_name(array, axis)}: the parts are no byte ranges of uncompressed chunks",
        hint=hint_to_open(array),
        variable=array.name,
    )
