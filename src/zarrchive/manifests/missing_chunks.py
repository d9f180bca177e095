"""Places of which nothing is stored, put between chunks: reindexing, padding and masks."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Any

import numpy as np

from zarrchive.errors import ManifestError
from zarrchive.manifests._zarr import changed_metadata, same_scalar
from zarrchive.manifests.chunk_lengths import chunk_ends
from zarrchive.manifests.chunk_manifest import ChunkManifest
from zarrchive.manifests.cutting import is_raw
from zarrchive.manifests.rearrange import joined, taken
from zarrchive.manifests.refusals import problem_of_fill, problem_of_gaps
from zarrchive.manifests.splitting import split_chunks

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from zarrchive.manifests.manifest_array import ManifestArray

__all__ = ["kept_where", "padded", "reindexed", "with_fill_value"]

_BEYOND = -2
"""Where a chunk at the edge goes on behind the array: anything may be there."""


def reindexed(
    array: ManifestArray, axis: int, indexer: npt.NDArray[np.int64], fill_value: object
) -> ManifestArray:
    """Take elements along an axis, with gaps; nothing is read.

    Parameters
    ----------
    array
        Its chunks are taken whole. Those of uncompressed arrays are cut to fit.
    axis
        Not negative.
    indexer
        For each place of the result, the element that is there, or -1: none.
    fill_value
        What gaps read as.

    Raises
    ------
    ManifestError
        ``reindex-misaligned`` if chunks would have to be taken apart, ``fill-differs`` if gaps
        would read as other values, ``cut-too-fine`` as cutting says.
    """
    indexer = np.asarray(indexer, dtype=np.int64)
    if np.array_equal(indexer, np.arange(array.shape[axis])):
        return array
    if (indexer < 0).any():
        array = with_fill_value(array, fill_value)
    chunks = _whole_chunks(array, axis, indexer)
    if chunks is None and is_raw(array):
        array = _cut_to_runs(array, axis, indexer)
        chunks = _whole_chunks(array, axis, indexer)
    if chunks is None:
        raise ManifestError(problem_of_gaps(array, axis))
    grid = array.manifest.grid_shape
    absent = ChunkManifest.empty((*grid[:axis], 1, *grid[axis + 1 :]))
    selection: list[Any] = [slice(0, count) for count in grid]
    selection[axis] = np.where(chunks < 0, grid[axis], chunks)
    manifest = taken(joined([array.manifest, absent], axis), selection)
    shape = (*array.shape[:axis], indexer.size, *array.shape[axis + 1 :])
    return array.replaced(changed_metadata(array.metadata, shape=shape), manifest)


def padded(
    array: ManifestArray, widths: Sequence[tuple[int, int]], fill_value: object
) -> ManifestArray:
    """Add places before and behind, which read as `fill_value`; raises as `reindexed` does."""
    for axis, (before, behind) in enumerate(widths):
        numbers = np.arange(array.shape[axis])
        indexer = np.concatenate([np.full(before, -1), numbers, np.full(behind, -1)])
        array = reindexed(array, axis, indexer, fill_value)
    return array


def kept_where(
    array: ManifestArray, mask: npt.NDArray[np.bool_], fill_value: object
) -> ManifestArray:
    """Keep the chunks where `mask` is true; the others read as `fill_value`.

    Parameters
    ----------
    array
        Any.
    mask
        Of a shape that broadcasts to that of the array; the same for all elements of a chunk.
    fill_value
        What the others read as.

    Raises
    ------
    ManifestError
        ``reindex-misaligned`` if only a part of a chunk is kept, ``fill-differs`` if what is
        not stored reads as another value.
    """
    any_kept = all_kept = np.broadcast_to(mask, array.shape)
    if all_kept.all():
        return array
    for axis, (size, length) in enumerate(zip(array.shape, array.chunk_lengths, strict=True)):
        starts = np.concatenate([[0], chunk_ends(size, length)[:-1]])
        any_kept = np.logical_or.reduceat(any_kept, starts, axis=axis)
        all_kept = np.logical_and.reduceat(all_kept, starts, axis=axis)
    if not np.array_equal(any_kept, all_kept):
        different = np.argwhere(any_kept != all_kept)[0]
        raise ManifestError(problem_of_gaps(array, int(np.argmax(different))))
    array = with_fill_value(array, fill_value)
    manifest = array.manifest
    stored = manifest.stored()
    rows = all_kept.reshape(-1)[stored.position.astype(np.int64)]
    kept = ChunkManifest.from_columns(
        manifest.grid_shape,
        files=manifest.files,
        inlined=manifest.inlined,
        positions=stored.position[rows],
        path_id=stored.path_id[rows],
        offset=stored.offset[rows],
        length=stored.length[rows],
    )
    return array.replaced(array.metadata, kept)


def _whole_chunks(
    array: ManifestArray, axis: int, indexer: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64] | None:
    """Return for each chunk of the result which chunk it is, or -1; None if there is no such."""
    length = array.chunk_lengths[axis]
    if isinstance(length, tuple):
        return None
    beyond = -indexer.size % length
    blocks = np.concatenate([indexer, np.full(beyond, _BEYOND)]).reshape(-1, length)
    firsts = blocks[:, :1]
    expected = np.where(firsts < 0, -1, firsts + np.arange(length))
    is_whole = ((blocks == expected) | (blocks == _BEYOND)).all()
    if not is_whole or (firsts[firsts >= 0] % length).any():
        return None
    return np.where(firsts < 0, -1, firsts // length).reshape(-1)


def _cut_to_runs(array: ManifestArray, axis: int, indexer: npt.NDArray[np.int64]) -> ManifestArray:
    """Cut chunks of a raw array to the greatest length of which all runs are multiples."""
    follows = np.where(indexer[:-1] < 0, indexer[1:] < 0, indexer[1:] == indexer[:-1] + 1)
    starts = np.concatenate([[0], np.flatnonzero(~follows) + 1])
    sources = indexer[starts]
    lengths = np.array(array.chunk_shape)
    common = gcd(*starts.tolist(), *sources[sources >= 0].tolist(), int(lengths[axis]))
    lengths[:axis] = 1
    lengths[axis] = common
    return split_chunks(array, lengths.tolist())


def with_fill_value(array: ManifestArray, value: object) -> ManifestArray:
    """Have chunks that are not stored read as `value`."""
    given = np.asarray(value)
    with np.errstate(invalid="ignore"):
        cast = given.astype(array.dtype.newbyteorder("="), casting="unsafe")
    is_number = cast.dtype.kind in "fc" and given.dtype.kind in "fc"
    if not np.array_equal(cast, given, equal_nan=is_number):
        raise ManifestError(problem_of_fill(array, value, f"{array.dtype} cannot hold it"))
    fill = array.metadata.data_type.cast_scalar(cast[()])
    mine = array.metadata.fill_value
    if same_scalar(fill, mine):
        return array
    if array.manifest.nstored < array.manifest.size:
        what = f"chunks that are not stored read as {mine}"
        raise ManifestError(problem_of_fill(array, value, what))
    return array.replaced(changed_metadata(array.metadata, fill_value=fill), array.manifest)
