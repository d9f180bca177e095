"""Datasets with one index for each dimension that is not joined, by what xarray calls `join`.

xarray would do the same to values. Here chunks stay as they are: places that a file lacks become
chunks of which nothing is stored, and read as the missing value of the variable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from zarrchive.bridge._xarray import virtual_array
from zarrchive.bridge.missing_values import missing_value
from zarrchive.errors import CombineError, ManifestError, Problem
from zarrchive.manifests.missing_chunks import reindexed

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    import pandas as pd

    from zarrchive.manifests import ManifestArray

__all__ = ["JOINS", "with_one_index"]

JOINS = frozenset({"outer", "inner", "left", "right"})
"""Ways to make indexes one that may add places to files, or take some away."""


def with_one_index(
    datasets: Mapping[str, xr.Dataset], join: str, exclude: Sequence[str]
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
    found: dict[str, xr.Dataset] = {}
    problems: list[Problem] = []
    for (url, dataset), bare in zip(datasets.items(), aligned, strict=True):
        wanted = {
            dim: index
            for dim, index in bare.indexes.items()
            if not index.equals(dataset.indexes[dim])
        }
        found[url] = _reindexed(url, dataset, wanted, problems) if wanted else dataset
    if problems:
        raise CombineError(*problems)
    return found


def _reindexed(
    url: str, dataset: xr.Dataset, wanted: Mapping[Hashable, pd.Index], problems: list[Problem]
) -> xr.Dataset:
    """Have one file say something of all places that are wanted."""
    virtual = {
        name: array
        for name, variable in dataset.variables.items()
        if (array := virtual_array(variable)) is not None
    }
    indexers = {
        dim: np.asarray(dataset.indexes[dim].get_indexer(index)) for dim, index in wanted.items()
    }
    made: dict[Hashable, Any] = {}
    for name, array in virtual.items():
        old = dataset.variables[name]
        try:
            for axis, dim in enumerate(old.dims):
                if dim in indexers:
                    array = _with_gaps(array, axis, indexers[dim])  # noqa: PLW2901
        except ManifestError as error:
            problems.append(_problem(url, str(name), error.problem))
            continue
        made[name] = xr.Variable(old.dims, array, old.attrs, old.encoding, fastpath=True)
    values = dataset.drop_vars(list(virtual)).reindex(wanted, copy=False)
    coordinates = [name for name in made if name in dataset.coords]
    result = values.assign(made).set_coords(coordinates)
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


def _problem(url: str, name: str, reason: Problem) -> Problem:
    return Problem(
        code="combine-gaps",
        where=url,
        what=f"{name!r} cannot have the places of all files in {url}: {reason.what}",
        hint=f"leave out the file, use drop_variables=[{name!r}], or load it: name it in "
        "loadable_variables, together with the coordinates",
        variable=name,
    )
