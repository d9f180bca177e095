"""Selecting whole chunks: basic and orthogonal indexing, new axes, broadcasting, transposing."""

from __future__ import annotations

from operator import index as as_int
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zarrchive.errors import ManifestError
from zarrchive.manifests._zarr import changed_metadata, rank_is_free
from zarrchive.manifests.rearrange import ChunkSelection, permuted, reshaped, taken
from zarrchive.manifests.refusals import problem_of_index, problem_of_rank, problem_of_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from zarrchive.manifests.manifest_array import ManifestArray

__all__ = ["broadcast_to", "expand_dims", "indexed", "squeeze", "transpose"]


class _Axis(NamedTuple):
    """What is selected along one axis."""

    chunks: ChunkSelection
    length: int
    """Elements along the axis afterwards."""
    dropped: bool = False


def indexed(array: ManifestArray, key: object) -> ManifestArray:
    """Select by integers, slices, integer or boolean arrays, ``...`` and ``None``.

    A selection must begin at a chunk boundary; it may end anywhere, because chunks at the
    edge are stored whole. Where chunks have length 1 everything is allowed. Several arrays
    are taken orthogonally, as from `numpy.ix_`.

    Raises
    ------
    ManifestError
        ``index-misaligned`` where chunks would have to be cut, ``array-needs-values`` for
        pointwise indexing, ``axis-codecs`` where codecs do not allow an axis to come or go.
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
    axes = [_selected(array, axis, k) for axis, k in enumerate(keys)]
    result = _with_axes(array, axes)
    return _with_new_axes(result, new_axes)


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


def _selected(array: ManifestArray, axis: int, key: Any) -> _Axis:  # noqa: ANN401 - int, slice, array
    size, chunk = array.shape[axis], array.chunk_shape[axis]
    if isinstance(key, int):
        if not -size <= key < size:
            raise IndexError(f"index {key} lies outside axis {axis} of size {size}")
        if chunk != 1:
            raise ManifestError(problem_of_index(array, axis, f"index {key}"))
        at = key % size
        return _Axis(slice(at, at + 1), 1, dropped=True)
    if isinstance(key, slice):
        start, stop, step = key.indices(size)
        numbers = range(start, stop, step)
        if not numbers:
            return _Axis(slice(0, 0), 0)
        if step == 1 or len(numbers) == 1:
            start, stop = numbers[0], numbers[-1] + 1
            if start % chunk == 0:
                return _Axis(slice(start // chunk, -(-stop // chunk)), stop - start)
        elif chunk == 1:
            return _Axis(np.array(numbers), len(numbers))
        raise ManifestError(problem_of_index(array, axis, f"slice {start}:{stop}:{step}"))
    return _selected_by_vector(array, axis, key)


def _selected_by_vector(array: ManifestArray, axis: int, key: npt.NDArray[np.int64]) -> _Axis:
    size, chunk = array.shape[axis], array.chunk_shape[axis]
    if key.ndim != 1:
        raise ManifestError(problem_of_values(array, "pointwise indexing by arrays"))
    low, high = (int(np.min(key)), int(np.max(key))) if key.size else (0, -1)
    if low < -size or high >= size:
        raise IndexError(f"indices {low} to {high} lie outside axis {axis} of {size}")
    numbers = np.where(key < 0, key + size, key)
    if chunk == 1 or not numbers.size:
        return _Axis(numbers, numbers.size)
    firsts = numbers[::chunk]
    expected = np.repeat(firsts, chunk)[: numbers.size] + np.arange(numbers.size) % chunk
    if (firsts % chunk).any() or (expected != numbers).any():
        raise ManifestError(problem_of_index(array, axis, f"an array of {key.size} indices"))
    return _Axis(firsts // chunk, numbers.size)


def _with_axes(array: ManifestArray, axes: Sequence[_Axis]) -> ManifestArray:
    whole = all(
        isinstance(axis.chunks, slice) and axis.length == size and not axis.dropped
        for axis, size in zip(axes, array.shape, strict=True)
    )
    if whole:
        return array
    kept = [i for i, axis in enumerate(axes) if not axis.dropped]
    if len(kept) < array.ndim and not rank_is_free(array.metadata):
        raise ManifestError(problem_of_rank(array, "dropping an axis"))
    manifest = taken(array.manifest, [axis.chunks for axis in axes])
    grid_shape = tuple(manifest.grid_shape[i] for i in kept)
    names = array.metadata.dimension_names
    metadata = changed_metadata(
        array.metadata,
        shape=[axes[i].length for i in kept],
        chunk_shape=[array.chunk_shape[i] for i in kept],
        dimension_names=None if names is None else [names[i] for i in kept],
    )
    return array.replaced(metadata, reshaped(manifest, grid_shape))


def _with_new_axes(array: ManifestArray, new_axes: Sequence[int]) -> ManifestArray:
    """Insert axes of length 1, so that they have the positions `new_axes` in the result."""
    if not new_axes:
        return array
    if not rank_is_free(array.metadata):
        raise ManifestError(problem_of_rank(array, "a new axis"))
    shape, chunks = list(array.shape), list(array.chunk_shape)
    grid = list(array.manifest.grid_shape)
    names = array.metadata.dimension_names
    new_names = None if names is None else list(names)
    for axis in sorted(new_axes):
        for sizes in (shape, chunks, grid):
            sizes.insert(axis, 1)
        if new_names is not None:
            new_names.insert(axis, None)
    metadata = changed_metadata(
        array.metadata, shape=shape, chunk_shape=chunks, dimension_names=new_names
    )
    return array.replaced(metadata, reshaped(array.manifest, tuple(grid)))


def expand_dims(array: ManifestArray, axis: int | tuple[int, ...]) -> ManifestArray:
    """Insert axes of length 1; `axis` gives their positions in the result."""
    axes = axis if isinstance(axis, tuple) else (axis,)
    rank = array.ndim + len(axes)
    positions = {number % rank for number in axes if -rank <= number < rank}
    if len(positions) != len(axes):
        raise IndexError(f"axes {axes} must be distinct and lie within {rank} dimensions")
    return _with_new_axes(array, sorted(positions))


def squeeze(array: ManifestArray, axis: int | tuple[int, ...] | None = None) -> ManifestArray:
    """Remove axes of length 1 whose chunks have length 1."""
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
        ``index-misaligned`` if a repeated axis has chunks longer than 1.
    IndexError
        If the shapes do not fit.
    """
    n_new = len(shape) - array.ndim
    if n_new < 0 or any(
        have not in (1, want) for have, want in zip(array.shape, shape[n_new:], strict=True)
    ):
        raise IndexError(f"shape {array.shape} cannot be broadcast to {shape}")
    result = _with_new_axes(array, range(n_new))
    axes = []
    for axis, (have, want) in enumerate(zip(result.shape, shape, strict=True)):
        if have == want:
            axes.append(_Axis(slice(0, result.manifest.grid_shape[axis]), want))
        elif result.chunk_shape[axis] == 1:
            axes.append(_Axis(np.zeros(want, dtype=np.int64), want))
        else:
            raise ManifestError(problem_of_index(array, axis - n_new, f"repeating {want} times"))
    return _with_axes(result, axes)


def transpose(array: ManifestArray, axes: Sequence[int] | None = None) -> ManifestArray:
    """Put axes into another order where chunks stay as they are: those longer than 1 keep theirs.

    Raises
    ------
    ManifestError
        ``array-needs-values`` if the elements within chunks would have to move.
    """
    order = tuple(range(array.ndim))[::-1] if axes is None else tuple(map(as_int, axes))
    if sorted(number % max(array.ndim, 1) for number in order) != list(range(array.ndim)):
        raise IndexError(f"axes {order} are no permutation of {array.ndim} axes")
    order = tuple(number % array.ndim for number in order)
    if order == tuple(range(array.ndim)):
        return array
    long = [number for number in order if array.chunk_shape[number] > 1]
    if long != sorted(long):
        raise ManifestError(problem_of_values(array, f"transposing to {order}"))
    if not rank_is_free(array.metadata):
        raise ManifestError(problem_of_rank(array, f"transposing to {order}"))
    names = array.metadata.dimension_names
    metadata = changed_metadata(
        array.metadata,
        shape=[array.shape[i] for i in order],
        chunk_shape=[array.chunk_shape[i] for i in order],
        dimension_names=None if names is None else [names[i] for i in order],
    )
    return array.replaced(metadata, permuted(array.manifest, order))
