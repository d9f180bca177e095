"""Datasets with one index for each dimension that is not joined, by what xarray calls `join`.

xarray would do the same to values. Here chunks stay as they are: places that a file lacks become
chunks of which nothing is stored, and read as the missing value of the variable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr

from zarrchive.bridge._xarray import virtual_array
from zarrchive.bridge.missing_values import missing_value
from zarrchive.errors import CombineError, ManifestError, Problem
from zarrchive.manifests.cutting import is_raw
from zarrchive.manifests.missing_chunks import reindexed
from zarrchive.manifests.padding import padded_alike

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd

    from zarrchive.manifests import ManifestArray

__all__ = ["JOINS", "with_one_index"]

JOINS = frozenset({"outer", "inner", "left", "right"})
"""Ways to make indexes one that may add places to files, or take some away."""


def with_one_index(
    datasets: Mapping[str, xr.Dataset],
    join: str,
    exclude: Sequence[str],
    warnings: list[Problem],
) -> dict[str, xr.Dataset]:
    """Return datasets whose indexes agree, but along the dimensions of `exclude`.

    Parameters
    ----------
    datasets
        By file.
    join
        One of `JOINS`.
    exclude
        Dimensions that keep what they have.
    warnings
        Takes ``combine-padded`` for each variable whose chunks hold a part of what they show.

    Raises
    ------
    CombineError
        ``combine-gaps`` where a variable has no missing value, or its chunks would have to be
        taken apart.
    """
    coordinates = [
        xr.Dataset(coords={n: ds.variables[n] for n in ds.xindexes if str(n) not in exclude})
        for ds in datasets.values()
    ]
    aligned = xr.align(*coordinates, join=join, copy=False)  # type: ignore[call-overload]
    wanted: dict[str, dict[Hashable, pd.Index]] = {}
    for (url, dataset), bare in zip(datasets.items(), aligned, strict=True):
        pairs = bare.indexes.items()
        wanted[url] = {dim: one for dim, one in pairs if not one.equals(dataset.indexes[dim])}
    made: dict[str, dict[Hashable, ManifestArray]] = {url: {} for url in datasets}
    problems: list[Problem] = []
    for name in dict.fromkeys(name for dataset in datasets.values() for name in dataset.variables):
        found = _fitted(str(name), _arrays(name, datasets, wanted), warnings)
        for url, one in found.items():
            if isinstance(one, Problem):
                problems.append(one)
            else:
                made[url][name] = one
    if problems:
        raise CombineError(*problems)
    return {
        url: _reindexed(dataset, wanted[url], made[url]) if wanted[url] or made[url] else dataset
        for url, dataset in datasets.items()
    }


class _Wanted(NamedTuple):
    """A variable of one file, and where its elements are to be."""

    array: ManifestArray
    indexers: dict[int, npt.NDArray[np.int64]]
    """By axis: for each place that is wanted the element that is there, or -1."""


def _arrays(
    name: Hashable,
    datasets: Mapping[str, xr.Dataset],
    wanted: Mapping[str, Mapping[Hashable, pd.Index]],
) -> dict[str, _Wanted]:
    """Return a variable of all files that have it as references."""
    found = {}
    for url, dataset in datasets.items():
        variable = dataset.variables.get(name)
        array = None if variable is None else virtual_array(variable)
        if variable is not None and array is not None:
            indexers = {
                axis: np.asarray(dataset.indexes[dim].get_indexer(wanted[url][dim]))
                for axis, dim in enumerate(variable.dims)
                if dim in wanted[url]
            }
            found[url] = _Wanted(array, indexers)
    return found


def _fitted(
    name: str, arrays: Mapping[str, _Wanted], warnings: list[Problem]
) -> dict[str, ManifestArray | Problem]:
    """Return the arrays of one variable that are not as they were, or why they cannot be."""
    made: dict[str, ManifestArray | Problem] = {}
    for url, (array, indexers) in arrays.items():
        try:
            for axis, indexer in indexers.items():
                array = _with_gaps(array, axis, indexer)  # noqa: PLW2901
        except ManifestError as error:
            made[url] = _problem(url, name, error.problem)
        else:
            if indexers:
                made[url] = array
    if _agree({**{url: one.array for url, one in arrays.items()}, **made}, arrays):
        return made
    padded = _padded(arrays)
    if padded is None:
        return made
    url, (array, _) = next((url, one) for url, one in arrays.items() if one.indexers)
    warnings.append(_warning(url, name, array, len(arrays)))
    return dict(padded)


def _agree(found: Mapping[str, ManifestArray | Problem], arrays: Mapping[str, _Wanted]) -> bool:
    """Whether all could be made, with chunks of one length along what was changed."""
    axes = {axis for one in arrays.values() for axis in one.indexers}
    done = [one for one in found.values() if not isinstance(one, Problem)]
    if len(done) < len(found):
        return False
    lengths = {tuple(one.chunk_lengths[axis] for axis in axes) for one in done}
    return len(lengths) < 2 or all(map(is_raw, done))  # raw ones are cut when they are joined


def _padded(arrays: Mapping[str, _Wanted]) -> dict[str, ManifestArray] | None:
    """Show shorter chunks within longer ones; None where that cannot be."""
    members = [one.array for one in arrays.values()]
    fill = missing_value(members[0], members)
    if fill is None:
        return None
    try:
        found = padded_alike(members, [one.indexers for one in arrays.values()], fill)
    except ManifestError:
        return None
    return None if found is None else dict(zip(arrays, found, strict=True))


def _reindexed(
    dataset: xr.Dataset,
    wanted: Mapping[Hashable, pd.Index],
    made: Mapping[Hashable, ManifestArray],
) -> xr.Dataset:
    """Have one file say something of all places that are wanted."""
    virtual = [name for name, one in dataset.variables.items() if virtual_array(one) is not None]
    variables = {}
    for name in virtual:
        old = dataset.variables[name]
        array = made.get(name, old.data)
        variables[name] = xr.Variable(old.dims, array, old.attrs, old.encoding, fastpath=True)
    values = dataset.drop_vars(virtual)
    values = values.reindex(wanted, copy=False) if wanted else values
    coordinates = [name for name in virtual if name in dataset.coords]
    result = values.assign(variables).set_coords(coordinates)
    result = result[[name for name in dataset.data_vars if name in result]]
    result.encoding = dataset.encoding
    return result


def _with_gaps(array: ManifestArray, axis: int, indexer: np.ndarray[Any, Any]) -> ManifestArray:
    fill: Any = array.metadata.fill_value
    if (indexer < 0).any():
        fill = missing_value(array, [array])
        if fill is None:
            raise ManifestError(
                Problem(
                    code="fill-differs",
                    where=array.name,
                    what="it has no missing value (_FillValue) that gaps could read as",
                    hint="drop it, or leave out the files that lack places",
                )
            )
    return reindexed(array, axis, indexer, fill)


def _warning(url: str, name: str, array: ManifestArray, n_files: int) -> Problem:
    return Problem(
        code="combine-padded",
        where=url,
        what=f"has chunks of {array.chunk_shape} in {url}, and longer ones among the {n_files} "
        "files; they are joined as they lie, and what a file lacks reads as missing",
        hint="readers need this package, and Zarr v3: choose zarr_format=3 where you export it",
        variable=name,
        severity="warning",
    )


def _problem(url: str, name: str, reason: Problem) -> Problem:
    return Problem(
        code="combine-gaps",
        where=url,
        what=f"{name!r} cannot have the places of all files in {url}: {reason.what}",
        hint=f"leave out the file, use drop_variables=[{name!r}], or load it: name it in "
        "loadable_variables, together with the coordinates",
        variable=name,
    )
