"""Axes of virtual arrays: new ones, fewer, in another order, or backwards."""

from __future__ import annotations

from operator import index as as_int
from typing import TYPE_CHECKING

import numpy as np

from zarrchive.errors import ManifestError
from zarrchive.manifests._zarr import changed_metadata
from zarrchive.manifests.element_order import codecs_in_order, codecs_reversed, stored_order
from zarrchive.manifests.rearrange import ChunkSelection, permuted, reshaped, taken
from zarrchive.manifests.refusals import problem_of_rank, problem_of_reverse, problem_of_values

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from zarrchive.manifests.manifest_array import ManifestArray

__all__ = ["can_reverse", "reverse", "transpose", "with_new_axes", "without_axes"]


def with_new_axes(array: ManifestArray, new_axes: Iterable[int]) -> ManifestArray:
    """Insert axes of length 1, so that they have the positions `new_axes` in the result.

    Raises
    ------
    ManifestError
        ``axis-codecs`` if codecs do not allow it.
    """
    positions = sorted(new_axes)
    if not positions:
        return array
    order = _order(array, "a new axis")
    rank = array.ndim + len(positions)
    kept = [axis for axis in range(rank) if axis not in positions]
    shape, grid = [1] * rank, [1] * rank
    chunks: list[int | tuple[int, ...]] = [1] * rank
    names: list[str | None] = [None] * rank
    old_names = array.metadata.dimension_names
    for old, new in enumerate(kept):
        shape[new], chunks[new] = array.shape[old], array.chunk_lengths[old]
        grid[new] = array.manifest.grid_shape[old]
        names[new] = None if old_names is None else old_names[old]
    metadata = changed_metadata(
        array.metadata,
        shape=shape,
        chunk_lengths=chunks,
        dimension_names=None if old_names is None else names,
        codecs=codecs_in_order(array.metadata, [*positions, *(kept[i] for i in order)], chunks),
    )
    return array.replaced(metadata, reshaped(array.manifest, tuple(grid)))


def without_axes(array: ManifestArray, axes: Collection[int]) -> ManifestArray:
    """Remove axes of length 1 whose chunks have length 1.

    Raises
    ------
    ManifestError
        ``axis-codecs`` if codecs do not allow it.
    """
    if not axes:
        return array
    order = _order(array, "dropping an axis")
    kept = [axis for axis in range(array.ndim) if axis not in axes]
    names, chunks = array.metadata.dimension_names, [array.chunk_lengths[i] for i in kept]
    stored = [kept.index(i) for i in order if i not in axes]
    metadata = changed_metadata(
        array.metadata,
        shape=[array.shape[i] for i in kept],
        chunk_lengths=chunks,
        dimension_names=None if names is None else [names[i] for i in kept],
        codecs=codecs_in_order(array.metadata, stored, chunks),
    )
    grid = tuple(array.manifest.grid_shape[i] for i in kept)
    return array.replaced(metadata, reshaped(array.manifest, grid))


def transpose(array: ManifestArray, axes: Sequence[int] | None = None) -> ManifestArray:
    """Put axes into another order; the bytes of chunks stay as they are.

    Where elements within chunks would have to move, Zarr's ``transpose`` codec says in which
    order they lie.

    Raises
    ------
    ManifestError
        ``axis-codecs`` if other codecs depend on the order of axes.
    """
    order = tuple(range(array.ndim))[::-1] if axes is None else tuple(map(as_int, axes))
    if sorted(number % max(array.ndim, 1) for number in order) != list(range(array.ndim)):
        raise IndexError(f"axes {order} are no permutation of {array.ndim} axes")
    order = tuple(number % array.ndim for number in order)
    if order == tuple(range(array.ndim)):
        return array
    stored = [order.index(axis) for axis in _order(array, f"transposing to {order}")]
    names, chunks = array.metadata.dimension_names, [array.chunk_lengths[i] for i in order]
    metadata = changed_metadata(
        array.metadata,
        shape=[array.shape[i] for i in order],
        chunk_lengths=chunks,
        dimension_names=None if names is None else [names[i] for i in order],
        codecs=codecs_in_order(array.metadata, stored, chunks),
    )
    return array.replaced(metadata, permuted(array.manifest, order))


def _order(array: ManifestArray, operation: str) -> tuple[int, ...]:
    order = stored_order(array.metadata)
    if order is None:
        raise ManifestError(problem_of_rank(array, operation))
    return order


def can_reverse(array: ManifestArray, axis: int) -> bool:
    """Whether chunks can be read backwards along an axis of whole chunks."""
    if not array.is_regular:
        return False  # a codec has one length for all chunks
    return array.chunk_shape[axis] == 1 or codecs_reversed(array.metadata, axis) is not None


def reverse(array: ManifestArray, axis: int) -> ManifestArray:
    """Turn an axis round: chunks come in reverse order, and a codec turns each of them round.

    The codec, ``zarrchive.reverse``, is not needed where chunks have length 1.

    Raises
    ------
    ManifestError
        ``reverse-ragged`` if the last chunk is not full, ``array-needs-values`` if elements are
        no bytes of one size.
    """
    metadata = array.metadata
    if array.chunk_shape[axis] > 1:
        if array.shape[axis] % array.chunk_shape[axis]:
            raise ManifestError(problem_of_reverse(array, axis))
        codecs = codecs_reversed(metadata, axis)
        if codecs is None:
            raise ManifestError(problem_of_values(array, "reversing within chunks"))
        metadata = changed_metadata(metadata, codecs=codecs)
    selection: list[ChunkSelection] = [slice(0, count) for count in array.manifest.grid_shape]
    selection[axis] = np.arange(array.manifest.grid_shape[axis], dtype=np.int64)[::-1]
    return array.replaced(metadata, taken(array.manifest, selection))
