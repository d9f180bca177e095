"""Indexing as NumPy does it: basic and orthogonal, new axes, broadcasting."""

from __future__ import annotations

from operator import index as as_int
from typing import TYPE_CHECKING, Any

import numpy as np

from zarrchive.errors import ManifestError
from zarrchive.manifests.axes import with_new_axes
from zarrchive.manifests.refusals import problem_of_values
from zarrchive.manifests.selection import Pick, picked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.manifests.manifest_array import ManifestArray

__all__ = ["broadcast_to", "expand_dims", "indexed", "squeeze"]


def indexed(array: ManifestArray, key: object) -> ManifestArray:
    """Select by integers, slices, integer or boolean arrays, ``...`` and ``None``.

    Of encoded chunks, a selection must begin at a chunk boundary; it may end anywhere, because
    chunks at the edge are stored whole. Where chunks have length 1, or are not encoded,
    everything is allowed. Several arrays are taken orthogonally, as from `numpy.ix_`.

    Raises
    ------
    ManifestError
        ``array-needs-values`` for pointwise indexing, ``axis-codecs`` where codecs do not allow
        an axis to come or go, and what `zarrchive.manifests.selection.picked` says.
    IndexError
        If an index lies outside, or there are too many.
    """
    keys, new_axes = _without_new_axes(array, key if isinstance(key, tuple) else (key,))
    vectors = [k for k in keys if isinstance(k, np.ndarray)]
    if len(vectors) > 1 or any(k.ndim > 1 for k in vectors):
        keys, new_axes = _from_open_mesh(array, keys, new_axes)
    elif vectors and _is_spread(keys):
        # NumPy would put the axis of the array first.
        raise ManifestError(problem_of_values(array, "indexing by an array and an integer apart"))
    result = picked(array, [_pick(array, axis, k) for axis, k in enumerate(keys)])
    return with_new_axes(result, new_axes)


def _without_new_axes(
    array: ManifestArray, keys: tuple[Any, ...]
) -> tuple[list[Any], tuple[int, ...]]:
    """Return one key an axis, and where the result has new axes."""
    given = [_plain_key(array, k) for k in keys]
    n_axes = sum(k is not None and k is not Ellipsis for k in given)
    if n_axes > array.ndim:
        raise IndexError(f"{n_axes} indices for an array with {array.ndim} dimensions")
    n_ellipses = sum(k is Ellipsis for k in given)
    if n_ellipses > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    if not n_ellipses:
        given.append(Ellipsis)
    at = next(i for i, k in enumerate(given) if k is Ellipsis)
    given[at : at + 1] = [slice(None)] * (array.ndim - n_axes)
    kept = [k for k in given if not isinstance(k, int)]
    new_axes = tuple(i for i, k in enumerate(kept) if k is None)
    return [k for k in given if k is not None], new_axes


def _plain_key(array: ManifestArray, key: Any) -> Any:  # noqa: ANN401 - whatever stands in []
    if key is None or key is Ellipsis or isinstance(key, slice):
        return key
    if isinstance(key, bool | np.bool_):
        raise ManifestError(problem_of_values(array, "indexing by a single truth value"))
    vector = np.asarray(key)
    if vector.dtype == bool:
        if vector.ndim != 1:
            raise ManifestError(problem_of_values(array, "indexing by a mask of several axes"))
        return np.flatnonzero(vector)
    if vector.size and vector.dtype.kind not in "iu":
        raise IndexError(f"indices must be integers, found {vector.dtype}")
    return as_int(key) if vector.ndim == 0 else vector.astype(np.int64)


def _from_open_mesh(
    array: ManifestArray, keys: Sequence[Any], new_axes: tuple[int, ...]
) -> tuple[list[Any], tuple[int, ...]]:
    """Turn broadcast index arrays, as made by `numpy.ix_`, into one vector an axis."""
    rank = max(k.ndim for k in keys if isinstance(k, np.ndarray))
    result: list[Any] = []
    owners: list[int] = []
    for k in keys:
        long = [axis for axis, size in enumerate(np.shape(k)) if size != 1]
        if not isinstance(k, np.ndarray) or k.ndim != rank or len(long) > 1 or new_axes:
            raise ManifestError(problem_of_values(array, "pointwise indexing by arrays"))
        owners.extend(long)
        result.append(k.reshape(-1) if long else int(k.reshape(-1)[0]))
    if owners != sorted(set(owners)):
        raise ManifestError(problem_of_values(array, "pointwise indexing by arrays"))
    return result, tuple(axis for axis in range(rank) if axis not in owners)


def _is_spread(keys: Sequence[Any]) -> bool:
    """Whether integers and arrays have a slice between them."""
    advanced = [axis for axis, key in enumerate(keys) if not isinstance(key, slice)]
    return advanced[-1] - advanced[0] >= len(advanced)


def _pick(array: ManifestArray, axis: int, key: Any) -> Pick:  # noqa: ANN401 - int, slice, array
    size = array.shape[axis]
    if isinstance(key, int):
        if not -size <= key < size:
            raise IndexError(f"index {key} lies outside axis {axis} of size {size}")
        return Pick(range(key % size, key % size + 1), f"index {key}", dropped=True)
    if isinstance(key, slice):
        start, stop, step = key.indices(size)
        return Pick(range(start, stop, step), f"slice {start}:{stop}:{step}")
    if key.ndim != 1:
        raise ManifestError(problem_of_values(array, "pointwise indexing by arrays"))
    low, high = (int(np.min(key)), int(np.max(key))) if key.size else (0, -1)
    if low < -size or high >= size:
        raise IndexError(f"indices {low} to {high} lie outside axis {axis} of {size}")
    return Pick(np.where(key < 0, key + size, key), f"an array of {key.size} indices")


def expand_dims(array: ManifestArray, axis: int | tuple[int, ...]) -> ManifestArray:
    """Insert axes of length 1; `axis` gives their positions in the result."""
    axes = axis if isinstance(axis, tuple) else (axis,)
    rank = array.ndim + len(axes)
    positions = {number % rank for number in axes if -rank <= number < rank}
    if len(positions) != len(axes):
        raise IndexError(f"axes {axes} must be distinct and lie within {rank} dimensions")
    return with_new_axes(array, positions)


def squeeze(array: ManifestArray, axis: int | tuple[int, ...] | None = None) -> ManifestArray:
    """Remove axes of length 1; their chunks have length 1, or are not encoded."""
    if axis is None:
        axes = {i for i, size in enumerate(array.shape) if size == 1}
    else:
        given = axis if isinstance(axis, tuple) else (axis,)
        axes = {number % array.ndim for number in given}
        if any(array.shape[i] != 1 for i in axes):
            raise IndexError(f"axes {given} of shape {array.shape} must have length 1")
    return indexed(array, tuple(0 if i in axes else slice(None) for i in range(array.ndim)))


def broadcast_to(array: ManifestArray, shape: tuple[int, ...]) -> ManifestArray:
    """Repeat an array along new or length-1 axes by repeating references.

    Raises
    ------
    ManifestError
        ``index-misaligned`` if a repeated axis has encoded chunks longer than 1.
    IndexError
        If the shapes do not fit.
    """
    n_new = len(shape) - array.ndim
    if n_new < 0 or any(
        have not in (1, want) for have, want in zip(array.shape, shape[n_new:], strict=True)
    ):
        raise IndexError(f"shape {array.shape} cannot be broadcast to {shape}")
    result = with_new_axes(array, range(n_new))
    picks = [
        Pick(range(have) if have == want else np.zeros(want, np.int64), f"repeating {want} times")
        for have, want in zip(result.shape, shape, strict=True)
    ]
    return picked(result, picks)
