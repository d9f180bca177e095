"""Join virtual datasets with xarray, hiding no difference that is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import xarray as xr

from zarrchive.bridge.differences import (
    Difference,
    differences_of,
    likely_dim,
    problems_of_repetition,
    varying_dims,
)
from zarrchive.bridge.disagreement import (
    problems_of_disagreement,
    problems_of_meaning,
    warnings_of_meaning,
)
from zarrchive.bridge.notes import Notes, notes_of, set_notes
from zarrchive.bridge.one_index import JOINS, with_one_index
from zarrchive.bridge.sequence import problems_of_place, problems_of_sequence
from zarrchive.errors import CombineError, ManifestError, Problem, ZarrchiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Combination", "combined"]

_MOST_REPEATED = 10_000_000
"""Elements up to which values that differ between files are repeated along the joined dimension."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """How datasets are joined: the options of xarray; None where the data decide."""

    nested: Any = None
    """Files in nested lists, to be joined in this order; None: coordinates decide."""
    concat_dim: str | Sequence[str | None] | None = None
    compat: str | None = None
    join: str = "exact"
    coords: str | Sequence[str] | None = None
    data_vars: str | Sequence[str] | None = None
    combine_attrs: str | Callable[..., Any] = "override"

    @property
    def is_usual(self) -> bool:
        """Whether nothing was chosen that files which are alike would be joined by otherwise."""
        return (self.join, self.combine_attrs) == (
            "exact",
            "override",
        ) and self.compat is self.coords is self.data_vars is None

    def dims(self, datasets: Mapping[str, xr.Dataset]) -> list[str]:
        """Return the dimensions that will be joined along."""
        if self.nested is None:
            return varying_dims(datasets)
        given = self.concat_dim
        named = [given] if given is None or isinstance(given, str) else given
        return [dim for dim in named if dim is not None]


def combined(datasets: Mapping[str, xr.Dataset], how: Combination) -> xr.Dataset:
    """Join `datasets` (by file), and attach the problems of joining.

    Raises
    ------
    CombineError
        If they do not fit together.
    """
    datasets = _with_one_role(datasets)
    dims = how.dims(datasets)
    padded: list[Problem] = []
    if how.join in JOINS and how.nested is not None and len(dims) == 1:
        try:
            datasets = with_one_index(datasets, how.join, dims, padded)
        except ValueError as error:  # xarray: labels that come more than once
            raise _explained(error, datasets, dims) from error
        how = replace(how, join="exact")
    missing = _missing_variables(datasets) if how.nested is not None else []
    places = problems_of_place(datasets, dims) if how.nested is None else []
    if reasons := [*missing, *problems_of_meaning(datasets, dims), *places]:
        raise CombineError(*reasons)
    is_new = any(dim not in ds.dims for dim in dims for ds in datasets.values())
    differences = differences_of(datasets, dims)
    if is_new and how.data_vars is None:
        # Along a new dimension, variables have nothing to be told apart by: all are joined.
        differences = [one for one in differences if one.is_coordinate]
    varied, problems = _judged(differences, dims, how, datasets)
    problems += problems_of_repetition(datasets, dims) if how.nested is None else []
    options = _options(how, varied, is_new=is_new)
    try:
        result = _joined(datasets, how, options, padded)
    except Exception as error:
        joined = dims if how.nested is not None else likely_dim(datasets, dims)
        raise _explained(error, datasets, joined) from error
    problems += [
        *problems_of_sequence(datasets, result, dims),
        *padded,
        *warnings_of_meaning(datasets),
    ]
    if how.nested is None and (errors := [p for p in problems if p.code == "combine-repeated"]):
        raise CombineError(*errors)
    if len(datasets) > 1:
        result.encoding.pop("source", None)  # it is of many
    times = notes_of(next(iter(datasets.values()))).decode_times
    set_notes(result, Notes(problems=tuple(problems), decode_times=times))
    return result


def _with_one_role(datasets: Mapping[str, xr.Dataset]) -> Mapping[str, xr.Dataset]:
    """Have what is a coordinate in one file be one in all: xarray would not join it else."""
    names = set().union(*(dataset.coords for dataset in datasets.values()))
    if all(names.isdisjoint(dataset.data_vars) for dataset in datasets.values()):
        return datasets
    found = {}
    for url, dataset in datasets.items():
        found[url] = dataset.set_coords([name for name in dataset.data_vars if name in names])
        found[url].encoding = dataset.encoding
    return found


def _options(how: Combination, varied: Sequence[Difference], *, is_new: bool) -> dict[str, Any]:
    coords = [one.name for one in varied if one.is_coordinate]
    data_vars = [one.name for one in varied if not one.is_coordinate]
    return {
        "compat": "override" if how.compat is None else how.compat,
        "join": how.join,
        "coords": (coords or "minimal") if how.coords is None else how.coords,
        "data_vars": ("all" if is_new else data_vars or "minimal")
        if how.data_vars is None
        else how.data_vars,
        "combine_attrs": how.combine_attrs,
    }


def _joined(
    datasets: Mapping[str, xr.Dataset],
    how: Combination,
    options: Mapping[str, Any],
    padded: list[Problem],
) -> xr.Dataset:
    if how.nested is None and len(datasets) == 1:
        # xarray asks for coordinates even where there is nothing to put in order.
        joined: Any = next(iter(datasets.values())).copy()
    elif how.nested is None:
        joined = _by_coordinates(datasets, how, options, padded)
    else:
        nested = _nested(how.nested, datasets)
        joined = xr.combine_nested(nested, concat_dim=how.concat_dim, **options)
    result: xr.Dataset = joined
    return result


def _by_coordinates(
    datasets: Mapping[str, xr.Dataset],
    how: Combination,
    options: Mapping[str, Any],
    padded: list[Problem],
) -> xr.Dataset:
    """Join files of one kind each, and merge the kinds; xarray would read values to do that."""
    kinds: dict[tuple[str, ...], list[xr.Dataset]] = {}
    for dataset in datasets.values():
        kinds.setdefault(tuple(sorted(map(str, dataset.data_vars))), []).append(dataset)
    if len(kinds) < 2 or how.join not in JOINS:
        whole: Any = xr.combine_by_coords(list(datasets.values()), **options)
        result: xr.Dataset = whole
        return result
    parts: dict[str, Any] = {
        ", ".join(names): xr.combine_by_coords(members, **options)
        for names, members in kinds.items()
    }
    aligned = with_one_index(parts, how.join, (), padded)
    return xr.merge(
        list(aligned.values()),
        compat=options["compat"],
        join="exact",
        combine_attrs=options["combine_attrs"],
    )


def _nested(urls: Any, datasets: Mapping[str, xr.Dataset]) -> Any:  # noqa: ANN401 - nested lists
    if isinstance(urls, str):
        return datasets[urls]
    return [_nested(one, datasets) for one in urls]


def _judged(
    differences: Sequence[Difference],
    dims: Sequence[str],
    how: Combination,
    datasets: Mapping[str, xr.Dataset],
) -> tuple[list[Difference], list[Problem]]:
    """Decide which variables that differ vary along the joined dimension; say so of all."""
    can_vary = len(dims) == 1 and how.compat in {None, "override"}
    length = sum(ds.sizes.get(dims[0], 1) for ds in datasets.values()) if can_vary else 0
    varied: list[Difference] = []
    problems: list[Problem] = []
    for one in differences:
        chosen = how.coords if one.is_coordinate else how.data_vars
        if not one.is_known:
            problems.append(one.not_compared())
        elif can_vary and chosen is None and one.size * length <= _MOST_REPEATED:
            varied.append(one)
            problems.append(one.varies(dims[0]))
        elif chosen in {None, "minimal"} and how.compat in {None, "override"}:
            problems.append(one.hidden())
    return varied, problems


def _missing_variables(datasets: Mapping[str, xr.Dataset]) -> list[Problem]:
    """Return a Problem for each variable that only some of the files have."""
    holders: dict[str, list[str]] = {}
    for url, dataset in datasets.items():
        for name in dataset.variables:
            holders.setdefault(str(name), []).append(url)
    problems = []
    for name, urls in holders.items():
        if len(urls) == len(datasets):
            continue
        without = [url for url in datasets if url not in set(urls)]
        more = f" and {len(without) - 1} more" if len(without) > 1 else ""
        problems.append(
            Problem(
                code="combine-missing-variable",
                where=without[0],
                what=f"{name!r} is missing in {without[0]}{more}, but {urls[0]} has it "
                f"({len(urls)} of {len(datasets)} files)",
                hint=f"use drop_variables=[{name!r}], or leave out the files without it",
                variable=name,
            )
        )
    return problems


def _explained(
    error: Exception, datasets: Mapping[str, xr.Dataset], dims: Sequence[str]
) -> Exception:
    """Return an error that names files and variables in place of xarray's."""
    if isinstance(error, ManifestError):
        return CombineError(*error.problems)
    if isinstance(error, ZarrchiveError):
        return error
    problems = problems_of_disagreement(datasets, dims) or _missing_variables(datasets)
    files = list(datasets)
    said = " ".join((str(error) or type(error).__name__).split())
    general = Problem(
        code="combine-failed",
        where=files[0] if len(files) == 1 else f"{files[0]} ... {files[-1]}",
        what=f"xarray cannot combine the {len(files)} files: {said[:500]}",
        hint="open two of them with open_virtual_dataset and compare them, or preprocess them",
    )
    return CombineError(*(problems or [general]))
