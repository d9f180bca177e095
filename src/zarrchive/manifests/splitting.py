"""Chunks of uncompressed values cut into smaller ones, where they lie, also to join unlike ones."""

from __future__ import annotations

from math import gcd, prod
from typing import TYPE_CHECKING

from zarrchive.errors import ManifestError
from zarrchive.manifests._zarr import changed_metadata
from zarrchive.manifests.chunk_manifest import ChunkManifest
from zarrchive.manifests.cut_lengths import Run, longest_cut
from zarrchive.manifests.cutting import Pieces, cut, is_empty, is_raw, is_too_fine
from zarrchive.manifests.refusals import problem_of_split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.manifests.manifest_array import ManifestArray

__all__ = ["aligned", "common_chunk_shape", "common_length", "split_chunks"]


def split_chunks(array: ManifestArray, chunk_shape: Sequence[int]) -> ManifestArray:
    """Return the same array in smaller chunks, which are byte ranges of its own.

    Parameters
    ----------
    array
        Uncompressed. An array without any stored chunk may be anything, and gets any chunks.
    chunk_shape
        Divides the old one, except along axes with a single chunk; before the last axis that is
        split, chunks have length 1.

    Raises
    ------
    ManifestError
        ``split-impossible`` if the new chunks are no byte ranges of the old ones,
        ``cut-too-fine`` if that takes more references than they are worth.
    """
    old, new = array.chunk_shape, tuple(map(int, chunk_shape))
    if new == old:
        return array
    if why := _obstacle(array, new):
        raise ManifestError(problem_of_split(array, new, why))
    if is_empty(array):
        grid = tuple(-(-size // length) for size, length in zip(array.shape, new, strict=True))
        metadata = changed_metadata(array.metadata, chunk_lengths=new)
        return array.replaced(metadata, ChunkManifest.empty(grid))
    sizes = zip(array.shape, new, strict=True)
    return cut(array, [Pieces(range(0, size, length), length, size) for size, length in sizes])


def _obstacle(array: ManifestArray, new: tuple[int, ...]) -> str:
    """Return why chunks cannot be split so; nothing if they can."""
    old = array.chunk_shape
    if len(new) != array.ndim or min(new) < 1:
        return "that is no length of 1 or more for each axis"
    if is_empty(array):
        return ""
    if not is_raw(array):
        return "they are encoded"
    last = max(axis for axis in range(array.ndim) if new[axis] != old[axis])
    if any(length != 1 for length in new[:last]):
        return f"parts along axis {last} lie apart unless all axes before have length 1"
    for size, chunk, length in zip(array.shape, old, new, strict=True):
        if chunk % length and -(-size // length) * length > chunk:
            return f"{chunk} elements are no whole number of {length}"
    return ""


def common_length(arrays: Sequence[ManifestArray], axis: int) -> int:
    """Return the greatest chunk length along `axis` in whole numbers of which all can be cut.

    The last array may end within a chunk.
    """
    lengths = [array.chunk_shape[axis] for array in arrays]
    return gcd(*lengths, *(array.shape[axis] for array in arrays[:-1])) or 1


def aligned(arrays: Sequence[ManifestArray], axis: int | None) -> Sequence[ManifestArray]:
    """Cut the chunks of uncompressed arrays so that their grids line up along `axis`.

    Returns the arrays as they are where they line up already, or cannot be made to: joining
    them then says why. `axis` is None for joining along a new one.
    """
    chunk_shape = common_chunk_shape(arrays, axis)
    if chunk_shape is None or all(array.chunk_shape == chunk_shape for array in arrays):
        return arrays
    return [split_chunks(array, chunk_shape) for array in arrays]


def common_chunk_shape(arrays: Sequence[ManifestArray], axis: int | None) -> tuple[int, ...] | None:
    """Return the chunk shape in which arrays can be joined; None where there is none.

    It is theirs, if they agree and all but the last fill whole chunks. Otherwise uncompressed
    chunks can be cut, and chunks that are not stored have any shape.

    Parameters
    ----------
    arrays
        Of any kind.
    axis
        Along which they are to be joined; None: along a new one.
    """
    if not all(array.is_regular for array in arrays):
        return None  # chunks have no one shape
    if not arrays or (axis is not None and not -arrays[0].ndim <= axis < arrays[0].ndim):
        return None
    first, inner = arrays[0], arrays[:-1]
    axis = None if axis is None else axis % first.ndim
    chunks = first.chunk_shape
    if all(array.chunk_shape == chunks for array in arrays) and not _is_ragged(inner, axis, chunks):
        return chunks
    if any(_beside(array, axis) != _beside(first, axis) for array in arrays[1:]):
        return None
    stored = [array for array in arrays if not is_empty(array)]
    encoded = [array for array in stored if not is_raw(array)]
    if not encoded:
        return _cut_shape(arrays, stored, axis)
    chunks = encoded[0].chunk_shape
    if any(array.chunk_shape != chunks for array in stored) or _is_ragged(inner, axis, chunks):
        return None
    return chunks


def _beside(array: ManifestArray, axis: int | None) -> tuple[object, ...]:
    return array.dtype, array.ndim, *(n for i, n in enumerate(array.shape) if i != axis)


def _is_ragged(arrays: Sequence[ManifestArray], axis: int | None, chunks: tuple[int, ...]) -> bool:
    return axis is not None and any(array.shape[axis] % chunks[axis] for array in arrays)


def _cut_shape(
    arrays: Sequence[ManifestArray], stored: Sequence[ManifestArray], axis: int | None
) -> tuple[int, ...] | None:
    """Return the largest chunk shape into which all can be cut; None if that takes too many."""
    lengths = []
    for i in range(arrays[0].ndim):
        divisor = gcd(*(array.shape[i] for array in arrays[:-1])) if i == axis else 0
        found = {array.chunk_shape[i] for array in stored or arrays[:1]}
        length = next(iter(found))
        if len(found) > 1 or divisor % length:
            runs = [Run(0, array.shape[i], array.chunk_shape[i]) for array in stored]
            length = longest_cut(runs, divisor_of=divisor if stored else gcd(divisor, length))
        lengths.append(length)
    cuts = [
        i
        for i, length in enumerate(lengths)
        if any(array.chunk_shape[i] != length for array in stored)
    ]
    last = max(cuts, default=0)
    chunk_shape = (*(1,) * last, *lengths[last:])
    count = sum(
        prod(-(-n // length) for n, length in zip(array.shape, chunk_shape, strict=True))
        for array in stored
    )
    nbytes = prod(chunk_shape) * arrays[0].itemsize
    return None if is_too_fine(count, nbytes) else chunk_shape
