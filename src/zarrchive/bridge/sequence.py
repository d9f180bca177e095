"""What joined coordinates look like: repeated and unordered values."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from zarrchive.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import xarray as xr

__all__ = ["problems_of_overlap", "problems_of_place", "problems_of_sequence"]


def problems_of_sequence(
    datasets: Mapping[str, xr.Dataset], result: xr.Dataset, dims: Sequence[str]
) -> list[Problem]:
    """Return warnings ``combine-repeated`` and ``combine-unordered`` for the joined dimensions."""
    problems = []
    for dim in dims:
        index = result.indexes.get(dim)
        if index is None:
            continue
        if not index.is_unique:
            problems.append(_repeated(datasets, dim, index))
        elif not (index.is_monotonic_increasing or index.is_monotonic_decreasing):
            problems.append(_unordered(datasets, dim, index))
    return problems


def problems_of_place(datasets: Mapping[str, xr.Dataset], dims: Sequence[str]) -> list[Problem]:
    """Return ``combine-repeated`` for files that begin at one place along all joined dimensions.

    By coordinates, xarray would keep the last of them and drop the others without a word.
    """
    seen: dict[Any, str] = {}
    problems = []
    for url, dataset in datasets.items():
        indexes = [dataset.indexes[dim] for dim in dims if dim in dataset.indexes]
        if not indexes or not all(index.size for index in indexes):
            continue
        start = tuple(index[0] for index in indexes)
        other = seen.setdefault((frozenset(dataset.data_vars), start), url)
        if other != url:
            problems.append(
                Problem(
                    code="combine-repeated",
                    where=url,
                    what=f"{dims[0]!r} begins at {start[0]} in {other} as well: its values come "
                    "more than once",
                    hint="leave one of the files out, or drop the repeated part in preprocess",
                    variable=dims[0],
                )
            )
    return problems


def problems_of_overlap(datasets: Mapping[str, xr.Dataset], dim: str) -> list[Problem]:
    """Return a Problem ``combine-overlap`` for the first two files that overlap along `dim`."""
    ranges = []
    for url, dataset in datasets.items():
        index = dataset.indexes.get(dim)
        if index is None or not index.size:
            return []
        try:
            ranges.append((index.min(), index.max(), url))
        except TypeError:
            return []
    try:
        ranges.sort(key=lambda one: one[:2])
    except TypeError:
        return []  # of different kinds, such as times of different calendars
    for (start, end, url), (other_start, other_end, other) in pairwise(ranges):
        if other_start <= end:
            return [
                Problem(
                    code="combine-overlap",
                    where=other,
                    what=f"{dim!r} runs from {other_start} to {other_end} there, but from {start} "
                    f"to {end} in {url}: they overlap",
                    hint="leave one of the two out, or cut it with preprocess",
                    variable=dim,
                )
            ]
    return []


def _repeated(datasets: Mapping[str, xr.Dataset], dim: str, index: Any) -> Problem:  # noqa: ANN401 - pandas
    value = index[index.duplicated()][0]
    holders = [
        url for url, ds in datasets.items() if dim in ds.indexes and value in ds.indexes[dim]
    ]
    where = holders[-1] if holders else "dataset"
    return Problem(
        code="combine-repeated",
        where=where,
        what=f"{dim!r} has {value} more than once ({int(index.duplicated().sum())} values are "
        f"repeated), in {' and '.join(holders[:2]) or 'the joined files'}",
        hint="leave one of the files out, or drop the repeated part in preprocess",
        variable=dim,
        severity="warning",
    )


def _unordered(datasets: Mapping[str, xr.Dataset], dim: str, index: Any) -> Problem:  # noqa: ANN401 - pandas
    is_rising = index[-1] > index[0]
    steps = [(a, b) for a, b in pairwise(index) if (b < a) == is_rising]
    before, after = steps[0] if steps else (index[0], index[-1])
    holders = [
        url for url, ds in datasets.items() if dim in ds.indexes and after in ds.indexes[dim]
    ]
    return Problem(
        code="combine-unordered",
        where=holders[0] if holders else "dataset",
        what=f"{dim!r} turns back from {before} to {after}",
        hint="give the files in order, or use combine='by_coords'",
        variable=dim,
        severity="warning",
    )
