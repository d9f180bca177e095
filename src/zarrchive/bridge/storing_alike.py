"""One way of storing a variable for all files, where some store it otherwise.

Values that are few are copied into the dataset, as most files store them, which all readers
understand. Chunks that lie otherwise but are too much to copy are joined as they lie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from zarrchive.bridge._xarray import virtual_array
from zarrchive.bridge.loading_all import Given, loaded_decoded
from zarrchive.bridge.repacking import repacked
from zarrchive.bridge.replacing import like, with_variables
from zarrchive.errors import ZarrchiveError
from zarrchive.manifests import ChunkManifest, ManifestArray
from zarrchive.manifests._zarr import changed_metadata, codec_documents
from zarrchive.manifests.chunk_lengths import lengths_text
from zarrchive.manifests.compare import DECODING_ATTRIBUTES, codecs_decode_alike
from zarrchive.manifests.concat import problems_of_concat
from zarrchive.manifests.cutting import is_raw
from zarrchive.manifests.rectilinear import (
    ends_within_chunk,
    obstacle_to_lengths,
    with_lengths_stated,
)
from zarrchive.manifests.splitting import aligned, common_length
from zarrchive.manifests.transcoding import stored_like
from zarrchive.manifests.unlike_chunks import as_they_lie
from zarrchive.manifests.values import values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    import xarray as xr

    from zarrchive.bridge.repairs import Repairs

__all__ = ["COPIED_GLADLY", "stored_alike", "tiles_stored_alike"]

COPIED_GLADLY: Final = 2**20
"""Bytes of a variable up to which its values are copied rather than chunks joined as they lie."""


def stored_alike(
    datasets: dict[str, xr.Dataset], name: Hashable, dim: str, repairs: Repairs
) -> dict[str, xr.Dataset]:
    """Have a variable stored in one way; what cannot be is as it was.

    Parameters
    ----------
    datasets
        By file.
    name
        Of the variable.
    dim
        Along which it will be joined.
    repairs
        Takes note of what is done.
    """
    variables = {url: ds.variables[name] for url, ds in datasets.items() if name in ds.variables}
    virtual = {url: virtual_array(variable) for url, variable in variables.items()}
    first = next(iter(variables.values()))
    if (
        len(virtual) < len(datasets)
        or dim not in first.dims
        or any(variable.dims != first.dims for variable in variables.values())
    ):
        return datasets
    arrays = {url: array for url, array in virtual.items() if array is not None}
    if len(arrays) < len(virtual):
        return datasets
    axis = first.dims.index(dim)
    if not problems_of_concat(aligned(list(arrays.values()), axis), axis=axis):
        return datasets
    given = Given(name, arrays, [axis])
    kinds = _kinds(arrays)
    is_ragged = _is_ragged(given, arrays[kinds[0][0]])
    copying = _stored_anew if is_ragged else _odd_ones_copied
    odd = list(arrays) if is_ragged else [url for urls in kinds[1:] for url in urls]
    attempts = [copying, _joined_as_they_lie]
    if sum(arrays[url].nbytes for url in odd) > COPIED_GLADLY:
        attempts.reverse()
    return _first_success([*attempts, loaded_decoded], datasets, given, repairs)


def tiles_stored_alike(
    datasets: dict[str, xr.Dataset], dims: Sequence[str], repairs: Repairs
) -> dict[str, xr.Dataset]:
    """Have tiles fit together whose edges lie within chunks; what cannot be is as it was.

    Parameters
    ----------
    datasets
        By file.
    dims
        Along which they will be joined, more than one.
    repairs
        Takes note of what is done.
    """
    for name in dict.fromkeys(name for dataset in datasets.values() for name in dataset.data_vars):
        given = _dangling(datasets, name, dims)
        if given is None:
            continue
        attempts = [_stored_anew, _joined_as_they_lie]
        if sum(array.nbytes for array in given.arrays.values()) > COPIED_GLADLY:
            attempts.reverse()
        datasets = _first_success(attempts, datasets, given, repairs)
    return datasets


def _dangling(
    datasets: Mapping[str, xr.Dataset], name: Hashable, dims: Sequence[str]
) -> Given | None:
    """Return a variable of which tiles end within chunks and others follow; None: all is well."""
    variables = {url: ds.variables[name] for url, ds in datasets.items() if name in ds.variables}
    arrays = {
        url: array for url, one in variables.items() if (array := virtual_array(one)) is not None
    }
    first = next(iter(variables.values()))
    if len(arrays) < len(datasets) or any(one.dims != first.dims for one in variables.values()):
        return None
    axes = [first.dims.index(dim) for dim in dims if dim in first.dims]
    chunks = {array.chunk_lengths for array in arrays.values()}
    dangles = len(chunks) > 1 or any(
        ends_within_chunk(array, axis) and not _is_last(datasets, url, first.dims[axis])
        for axis in axes
        for url, array in arrays.items()
    )
    is_cut = all(map(is_raw, arrays.values()))
    return Given(name, arrays, axes) if axes and dangles and not is_cut else None


def _is_last(datasets: Mapping[str, xr.Dataset], url: str, dim: Hashable) -> bool:
    """Whether no tile follows along a dimension, as the first labels of tiles say."""
    if any(dim not in ds.indexes for ds in datasets.values()):
        return False
    indexes = {one: ds.indexes[dim] for one, ds in datasets.items() if ds.sizes[dim]}
    firsts = {one: index[0] for one, index in indexes.items()}
    falls = any(len(one) > 1 and one.is_monotonic_decreasing for one in indexes.values())
    return url not in firsts or firsts[url] == (min if falls else max)(firsts.values())


def _first_success(
    attempts: Sequence[Callable[..., dict[str, xr.Dataset] | None]],
    datasets: dict[str, xr.Dataset],
    given: Given,
    repairs: Repairs,
) -> dict[str, xr.Dataset]:
    for attempt in attempts:
        found = attempt(datasets, given, repairs)
        if found is not None:
            return found
    return datasets


def _is_ragged(given: Given, model: ManifestArray) -> bool:
    """Whether files but the last end within a chunk, so that the next cannot begin."""
    (axis,) = given.axes
    length = model.chunk_lengths[axis]
    sizes = [array.shape[axis] for array in given.arrays.values()]
    return isinstance(length, int) and any(size % length for size in sizes[:-1])


def _joined_as_they_lie(
    datasets: Mapping[str, xr.Dataset], given: Given, repairs: Repairs
) -> dict[str, xr.Dataset] | None:
    """Have each file say how long each of its chunks is."""
    stated = _stated(list(given.arrays.values()), given.axes)
    if stated is None:
        return None
    lengths = [lengths_text(array.chunk_lengths) for array in given.arrays.values()]
    texts = " and ".join(list(dict.fromkeys(lengths))[:2])
    what = (
        f"has chunks of {texts} that do not line up from file to file; they are joined as they "
        "lie, as a rectilinear chunk grid"
    )
    hint = (
        "readers need zarr 3.2 or newer with its setting array.rectilinear_chunks, and this "
        "package for chunks with padding; a greater repair_limit has values copied instead"
    )
    repairs.note(given.name, list(given.arrays), len(datasets), what, hint)
    made = {
        url: like(datasets[url].variables[given.name], array)
        for url, array in zip(given.arrays, stated, strict=True)
    }
    return with_variables(datasets, given.name, made)


def _stated(arrays: list[ManifestArray], axes: Sequence[int]) -> list[ManifestArray] | None:
    if len(axes) == 1:
        return as_they_lie(arrays, axes[0])
    for axis in axes:
        if any(obstacle_to_lengths(array, axis) for array in arrays):
            return None
        arrays = [with_lengths_stated(array, axis) for array in arrays]
    return arrays


def _odd_ones_copied(
    datasets: Mapping[str, xr.Dataset], given: Given, repairs: Repairs
) -> dict[str, xr.Dataset] | None:
    """Store the values of the odd files as most files do, where that is exact and not too much."""
    name, arrays, (axis,) = given
    model, *others = _kinds(arrays)
    pattern = datasets[model[0]].variables[name]
    limit, done = repairs.limit, []
    for urls in others:
        reasons = problems_of_concat([arrays[model[0]], arrays[urls[0]]], axis=axis)
        if not reasons:
            continue
        copied = _copied({url: arrays[url] for url in urls}, arrays[model[0]], repairs)
        if copied is None:
            repairs.limit = limit
            return None
        done.append((reasons[0], copied))
    result = dict(datasets)
    for reason, copied in done:
        made = {url: like(pattern, array) for url, array in copied.items()}
        result = with_variables(result, name, made)
        nbytes = sum(array.nbytes for array in copied.values())
        what = f"did not fit ({reason.what}); its values, {nbytes} bytes, are in the dataset"
        hint = "the files themselves are not changed"
        repairs.note(name, list(copied), len(datasets), what, hint)
    return result if done else None


def _stored_anew(
    datasets: Mapping[str, xr.Dataset], given: Given, repairs: Repairs
) -> dict[str, xr.Dataset] | None:
    """Store the values of all files in chunks that line up."""
    name, arrays, axes = given
    first, *_ = arrays.values()
    if not all(array.is_regular for array in arrays.values()):
        return None
    # Of several dimensions, any file may come last.
    last = [] if len(axes) == 1 else [first]
    chunk_shape = tuple(
        common_length([*arrays.values(), *last], axis) if axis in axes else length
        for axis, length in enumerate(first.chunk_shape)
    )
    grid = tuple(-(-n // chunk) for n, chunk in zip(first.shape, chunk_shape, strict=True))
    metadata = changed_metadata(first.metadata, chunk_lengths=chunk_shape)
    model = ManifestArray(metadata, ChunkManifest.empty(grid), name=first.name)
    copied = _copied(arrays, model, repairs)
    if copied is None:
        return None
    nbytes = sum(array.nbytes for array in copied.values())
    what = (
        f"did not fit (chunks of {first.chunk_shape} do not line up from file to file); its "
        f"values, {nbytes} bytes, are in the dataset, in chunks of {chunk_shape}"
    )
    repairs.note(name, list(copied), len(datasets), what, "the files themselves are not changed")
    # Stored as those of the first file, they are decoded by its attributes.
    pattern = datasets[next(iter(arrays))].variables[name]
    return with_variables(
        datasets, name, {url: like(pattern, array) for url, array in copied.items()}
    )


def _kinds(arrays: Mapping[str, ManifestArray]) -> list[list[str]]:
    """Group files by how a variable is stored, the most common way first."""
    kinds: list[list[str]] = []
    keys: list[str] = []
    for url, array in arrays.items():
        key = _key(array)
        for other, urls in zip(keys, kinds, strict=True):
            if other == key and codecs_decode_alike(arrays[urls[0]].metadata, array.metadata):
                urls.append(url)
                break
        else:
            kinds.append([url])
            keys.append(key)
    return sorted(kinds, key=len, reverse=True)


def _key(array: ManifestArray) -> str:
    decoding = {
        key: (np.asarray(array.attributes[key]).dtype.str, str(array.attributes[key]))
        for key in DECODING_ATTRIBUTES
        if key in array.attributes
    }
    names = [codec["name"] for codec in codec_documents(array.metadata)]
    return repr((array.dtype.str, array.chunk_lengths, names, decoding))


def _copied(
    arrays: Mapping[str, ManifestArray], model: ManifestArray, repairs: Repairs
) -> dict[str, ManifestArray] | None:
    """Read arrays and store them like `model`; None where that is not exact, or too much."""
    nbytes = sum(array.nbytes for array in arrays.values())
    if nbytes > repairs.limit:
        return None
    found = {}
    for url, array in arrays.items():
        try:
            values = repacked(
                values_of(array, storage_options=repairs.storage_options), array, model
            )
            found[url] = stored_like(values, model, attributes=dict(model.attributes))
        except (ZarrchiveError, OSError, ValueError, TypeError, RuntimeError):
            return None
    repairs.limit -= nbytes
    return found
