"""What files that do not fit can be given so that they do, without changing any number.

Each repair is exact, or refused; each is a warning that says what was done, to which files, and
what it costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zarrchive.bridge._xarray import virtual_array
from zarrchive.bridge.bounds import with_units_stated
from zarrchive.bridge.differences import varying_dims
from zarrchive.bridge.missing_values import missing_value
from zarrchive.bridge.repeats import without_repeats
from zarrchive.bridge.replacing import like, with_variables
from zarrchive.bridge.storing_alike import stored_alike, tiles_stored_alike
from zarrchive.errors import ManifestError
from zarrchive.manifests import ChunkManifest, ManifestArray
from zarrchive.manifests._zarr import changed_metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    import xarray as xr

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
    if len(dims) > 1:
        return tiles_stored_alike(found, dims, repairs)
    if not dims or len(found) < 2:
        return found
    found = with_units_stated(without_repeats(found, dims[0], repairs))
    names = dict.fromkeys(name for dataset in found.values() for name in dataset.data_vars)
    for name in names:
        found = _with_variable(found, name, dims[0], repairs)
        found = stored_alike(found, name, dims[0], repairs)
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
    if array is None or dim not in variable.dims or None in arrays or not array.is_regular:
        return datasets
    fill = missing_value(array, [one for one in arrays if one is not None])
    fits = all(set(variable.dims) <= set(datasets[url].dims) for url in without)
    if fill is None or not fits:
        return datasets
    made = {}
    for url in without:
        shape = tuple(datasets[url].sizes[one] for one in variable.dims)
        grid = tuple(-(-n // chunk) for n, chunk in zip(shape, array.chunk_shape, strict=True))
        metadata = changed_metadata(array.metadata, shape=shape, fill_value=fill)
        empty = ManifestArray(metadata, ChunkManifest.empty(grid), name=array.name)
        made[url] = like(variable, empty)
    what = f"is missing; there it reads as missing values ({fill})"
    hint = "leave these files out if that is not what is meant"
    repairs.note(name, without, len(datasets), what, hint)
    return with_variables(datasets, name, made)
