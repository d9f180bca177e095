"""Steps that several files hold: left out of all but one where their values are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zarrchive.bridge.opening import open_dataset
from zarrchive.errors import ManifestError, ZarrchiveError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr

    from zarrchive.bridge.repairs import Repairs

__all__ = ["without_repeats"]


def without_repeats(
    datasets: Mapping[str, xr.Dataset], dim: str, repairs: Repairs
) -> dict[str, xr.Dataset]:
    """Leave out what one earlier file holds as well, after comparing all values.

    Files whose values differ there, or whose remaining steps are no whole chunks, stay.
    """
    result = dict(datasets)
    if any(dim not in dataset.indexes for dataset in datasets.values()):
        return result
    owner: dict[Any, str] = {}
    for url, dataset in datasets.items():
        index = dataset.indexes[dim]
        repeated = np.fromiter((label in owner for label in index), dtype=bool, count=index.size)
        others = {owner[label] for label in index[repeated]}
        owner.update((label, url) for label in index[~repeated])
        if len(others) != 1:
            continue
        (other,) = others
        rest = dataset if repeated.all() else _rest(dataset, dim, repeated)
        pair = dataset, datasets[other]
        if rest is None or not _alike(pair, dim, index[repeated], repairs):
            continue
        if repeated.all():
            del result[url]
        else:
            result[url] = rest
        done = "left out" if repeated.all() else "cut off"
        what = (
            f"has {int(repeated.sum())} of {repeated.size} values that {other} has too, with the "
            f"same data; they are {done}"
        )
        repairs.note(dim, [url], len(datasets), what, "nothing is lost")
    return result


def _alike(
    pair: tuple[xr.Dataset, xr.Dataset],
    dim: str,
    labels: Any,  # noqa: ANN401 - an index of pandas
    repairs: Repairs,
) -> bool:
    """Compare all values at some labels of two files, as they are decoded."""
    mine, theirs = pair
    if mine.variables.keys() != theirs.variables.keys() or not labels.is_unique:
        return False
    nbytes = mine.nbytes * len(labels) // max(mine.sizes[dim], 1)
    if nbytes > repairs.limit:
        return False
    options = {"storage_options": repairs.storage_options}
    try:
        values = [open_dataset(one, **options).sel({dim: labels}).load() for one in (mine, theirs)]
    except (ZarrchiveError, KeyError, ValueError, TypeError, OSError):
        return False
    return bool(values[0].equals(values[1]))


def _rest(dataset: xr.Dataset, dim: str, repeated: np.ndarray[Any, Any]) -> xr.Dataset | None:
    """Return the steps that are not repeated; None where they are in pieces, or no chunks."""
    kept = np.flatnonzero(~repeated)
    if kept[-1] - kept[0] + 1 != kept.size:
        return None
    encoding = dataset.encoding
    try:
        rest = dataset.isel({dim: slice(int(kept[0]), int(kept[-1]) + 1)})
    except ManifestError:
        return None
    rest.encoding = encoding
    return rest
