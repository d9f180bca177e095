"""What files that do not fit can be given so that they do, without changing any number.

Each repair is exact, or refused; each is a warning that says what was done, to which files, and
what it costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from zarrchive.bridge._xarray import virtual_array
from zarrchive.bridge.differences import varying_dims
from zarrchive.bridge.repacking import repacked
from zarrchive.bridge.repeats import without_repeats
from zarrchive.errors import ManifestError, ZarrchiveError
from zarrchive.manifests import ChunkManifest, ManifestArray
from zarrchive.manifests._zarr import changed_metadata, codec_documents
from zarrchive.manifests.compare import DECODING_ATTRIBUTES, codecs_decode_alike
from zarrchive.manifests.concat import problems_of_concat
from zarrchive.manifests.splitting import aligned, common_length
from zarrchive.manifests.transcoding import stored_like
from zarrchive.manifests.values import values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from zarrchive.bridge.repairs import Repairs

__all__ = ["grid_distance", "repaired"]

_JITTER: Final = 1e-3
"""Part of the spacing of a coordinate by which its values may differ and mean the same places."""


def repaired(
    datasets: Mapping[str, xr.Dataset],
    dims_of: Callable[[Mapping[str, xr.Dataset]], list[str]],
    repairs: Repairs,
) -> dict[str, xr.Dataset]:
    """Return datasets that fit together better; what cannot be repaired is as it was.

    Parameters
    ----------
    datasets
        By file.
    dims_of
        Says along which dimensions datasets will be joined.
    repairs
        Takes note of what is done.
    """
    found = dict(datasets)
    for dim in varying_dims(found):
        found = _with_one_grid(found, dim, repairs)
    dims = dims_of(found)
    if len(dims) != 1 or len(found) < 2:
        return found
    found = without_repeats(found, dims[0], repairs)
    names = dict.fromkeys(name for dataset in found.values() for name in dataset.data_vars)
    for name in names:
        found = _with_variable(found, name, dims[0], repairs)
        found = _stored_alike(found, name, dims[0], repairs)
    return found


def _with_one_grid(
    datasets: dict[str, xr.Dataset], dim: str, repairs: Repairs
) -> dict[str, xr.Dataset]:
    """Give all files the coordinate of most where it means the same places, or the reverse."""
    having = {url: ds.indexes[dim] for url, ds in datasets.items() if dim in ds.indexes}
    groups: list[list[str]] = []
    for url, index in having.items():
        alike = next((group for group in groups if having[group[0]].equals(index)), None)
        if alike is None:
            groups.append([url])
        else:
            alike.append(url)
    groups.sort(key=len, reverse=True)
    model_url = groups[0][0]
    model = datasets[model_url]
    result = dict(datasets)
    for urls in groups[1:]:
        mine, theirs = having[model_url], having[urls[0]]
        distance = grid_distance(mine, theirs)
        is_flipped = distance is None
        if is_flipped:
            distance = grid_distance(mine, theirs[::-1])
        if distance is None:
            continue
        try:
            changed = {
                url: _on_grid(result[url], model, dim, is_flipped=is_flipped) for url in urls
            }
        except ManifestError:
            continue  # chunks cannot be reversed; joining says what does not fit
        result.update(changed)
        words = "is reversed" if is_flipped else f"differs by at most {distance:.2g}"
        if is_flipped and distance:
            words += f" and differs by at most {distance:.2g}"
        what = f"{words}, and is taken from {model_url}"
        repairs.note(dim, urls, len(datasets), what, "compare the grids of the files if in doubt")
    return result


def grid_distance(mine: Any, theirs: Any) -> float | None:  # noqa: ANN401 - arrays or indexes
    """Return how far two coordinates differ; None where they do not mean the same places."""
    if len(mine) != len(theirs) or mine.dtype.kind not in "fiu" or theirs.dtype.kind not in "fiu":
        return None
    left, right = np.asarray(mine, dtype="f8"), np.asarray(theirs, dtype="f8")
    if not (np.isfinite(left).all() and np.isfinite(right).all()) or not left.size:
        return None
    distance = float(np.abs(left - right).max())
    steps = np.abs(np.diff(left))
    # A single place has no spacing: whatever differs from it is another place.
    spacing = float(steps.min()) if steps.size else 0.0
    return distance if distance <= _JITTER * spacing else None


def _on_grid(dataset: xr.Dataset, model: xr.Dataset, dim: str, *, is_flipped: bool) -> xr.Dataset:
    encoding = dataset.encoding
    if is_flipped:
        dataset = dataset.isel({dim: slice(None, None, -1)})
    result = dataset.assign_coords({dim: model[dim].variable})
    result.encoding = encoding
    return result


def _with_variable(
    datasets: dict[str, xr.Dataset], name: Hashable, dim: str, repairs: Repairs
) -> dict[str, xr.Dataset]:
    """Give files that lack a variable one that is missing everywhere, if that can be said."""
    without = [url for url, ds in datasets.items() if name not in ds.variables]
    if not without:
        return datasets
    holders = [ds.variables[name] for ds in datasets.values() if name in ds.variables]
    variable, array = holders[0], virtual_array(holders[0])
    arrays = [virtual_array(one) for one in holders]
    if array is None or dim not in variable.dims or None in arrays:
        return datasets
    fill = _missing_value(array, [one for one in arrays if one is not None])
    fits = all(set(variable.dims) <= set(datasets[url].dims) for url in without)
    if fill is None or not fits:
        return datasets
    result = dict(datasets)
    for url in without:
        shape = tuple(datasets[url].sizes[one] for one in variable.dims)
        grid = tuple(-(-n // chunk) for n, chunk in zip(shape, array.chunk_shape, strict=True))
        metadata = changed_metadata(array.metadata, shape=shape, fill_value=fill)
        empty = ManifestArray(metadata, ChunkManifest.empty(grid), name=array.name)
        made = xr.Variable(variable.dims, empty, variable.attrs, variable.encoding, fastpath=True)
        encoding = result[url].encoding
        result[url] = result[url].assign({name: made})
        result[url].encoding = encoding
    what = f"is missing; there it reads as missing values ({fill})"
    hint = "leave these files out if that is not what is meant"
    repairs.note(name, without, len(datasets), what, hint)
    return result


def _missing_value(array: ManifestArray, holders: Sequence[ManifestArray]) -> Any:  # noqa: ANN401 - a scalar
    """Return a stored value that is decoded as missing; None where there is none."""
    for key in ("_FillValue", "missing_value"):
        value = array.attributes.get(key)
        if value is not None and np.ndim(value) == 0 and not isinstance(value, str | bytes):
            stored = np.asarray(value).astype(array.dtype)
            return stored[()] if np.array_equal(stored, value, equal_nan=True) else None
    is_whole = all(one.manifest.nstored == one.manifest.size for one in holders)
    return array.dtype.type(np.nan) if array.dtype.kind == "f" and is_whole else None


def _stored_alike(
    datasets: dict[str, xr.Dataset], name: Hashable, dim: str, repairs: Repairs
) -> dict[str, xr.Dataset]:
    """Store the values of the odd files as most files do, where that is exact and not too much."""
    variables = {url: ds.variables[name] for url, ds in datasets.items() if name in ds.variables}
    arrays = {url: virtual_array(variable) for url, variable in variables.items()}
    first = next(iter(variables.values()))
    if (
        len(arrays) < len(datasets)
        or dim not in first.dims
        or any(variable.dims != first.dims for variable in variables.values())
    ):
        return datasets
    virtual = {url: array for url, array in arrays.items() if array is not None}
    if len(virtual) < len(arrays):
        return datasets
    axis = first.dims.index(dim)
    if not problems_of_concat(aligned(list(virtual.values()), axis), axis=axis):
        return datasets
    model, *others = _kinds(virtual)
    if _is_ragged(virtual, virtual[model[0]], axis):
        return _stored_anew(datasets, name, (virtual, axis), repairs)
    result = dict(datasets)
    for urls in others:
        reasons = problems_of_concat([virtual[model[0]], virtual[urls[0]]], axis=axis)
        copied = _copied({url: virtual[url] for url in urls}, virtual[model[0]], repairs)
        if copied is None or not reasons:
            continue
        pattern = variables[model[0]]
        for url, array in copied.items():
            made = xr.Variable(first.dims, array, pattern.attrs, pattern.encoding, fastpath=True)
            encoding = result[url].encoding
            result[url] = result[url].assign({name: made})
            result[url].encoding = encoding
        nbytes = sum(array.nbytes for array in copied.values())
        what = f"did not fit ({reasons[0].what}); its values, {nbytes} bytes, are in the dataset"
        repairs.note(name, urls, len(datasets), what, "the files themselves are not changed")
    return result


def _is_ragged(arrays: Mapping[str, ManifestArray], model: ManifestArray, axis: int) -> bool:
    """Whether files but the last end within a chunk, so that the next cannot begin."""
    lengths = [array.shape[axis] for array in arrays.values()]
    return any(length % model.chunk_shape[axis] for length in lengths[:-1])


def _stored_anew(
    datasets: dict[str, xr.Dataset],
    name: Hashable,
    given: tuple[Mapping[str, ManifestArray], int],
    repairs: Repairs,
) -> dict[str, xr.Dataset]:
    """Store the values of all files in chunks that line up."""
    arrays, axis = given
    first, *_ = arrays.values()
    length = common_length(list(arrays.values()), axis)
    chunk_shape = (*first.chunk_shape[:axis], length, *first.chunk_shape[axis + 1 :])
    grid = tuple(-(-n // chunk) for n, chunk in zip(first.shape, chunk_shape, strict=True))
    metadata = changed_metadata(first.metadata, chunk_shape=chunk_shape)
    model = ManifestArray(metadata, ChunkManifest.empty(grid), name=first.name)
    copied = _copied(arrays, model, repairs)
    if copied is None:
        return datasets
    result = dict(datasets)
    for url, array in copied.items():
        old = result[url].variables[name]
        made = xr.Variable(old.dims, array, old.attrs, old.encoding, fastpath=True)
        encoding = result[url].encoding
        result[url] = result[url].assign({name: made})
        result[url].encoding = encoding
    nbytes = sum(array.nbytes for array in copied.values())
    what = (
        f"did not fit (chunks of {first.chunk_shape} do not line up from file to file); its "
        f"values, {nbytes} bytes, are in the dataset, in chunks of {chunk_shape}"
    )
    repairs.note(name, list(copied), len(datasets), what, "the files themselves are not changed")
    return result


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
    return repr((array.dtype.str, array.chunk_shape, names, decoding))


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
