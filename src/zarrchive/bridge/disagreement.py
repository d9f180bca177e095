"""Why files do not fit together: the odd file out, by variable."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zarrchive.bridge._xarray import virtual_array
from zarrchive.bridge.bounds import units_of_bounds
from zarrchive.bridge.differences import described
from zarrchive.bridge.sequence import problems_of_overlap
from zarrchive.errors import Problem
from zarrchive.manifests.compare import (
    GRID_MAPPING,
    MEANING_ATTRIBUTES,
    decoding_differences,
    meaning_differences,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

    import xarray as xr

__all__ = ["problems_of_disagreement", "problems_of_meaning", "warnings_of_meaning"]


_LONGEST: Final = 200
"""Characters of a value in a message."""


def problems_of_disagreement(
    datasets: Mapping[str, xr.Dataset], dims: Sequence[str]
) -> list[Problem]:
    """Return what speaks against joining `datasets`, by file, along `dims`.

    Codes: those of `problems_of_meaning`, ``combine-size``, ``combine-dims``, ``combine-dtype``,
    ``combine-loaded``, ``combine-coordinate``, ``combine-overlap``, ``combine-no-order``.
    """
    problems = problems_of_meaning(datasets, list(_all_dims(datasets)))
    problems += [*_of_indexes(datasets, dims), *_of_variables(datasets)]
    for dim in dims:
        problems += problems_of_overlap(datasets, dim)
    return problems or _without_order(datasets, dims)


def problems_of_meaning(datasets: Mapping[str, xr.Dataset], dims: Sequence[str]) -> list[Problem]:
    """Return reasons why joining would mix values of different meaning without an error.

    Codes: ``combine-kind`` for coordinates of different kinds, such as times of different
    calendars, and ``combine-attributes`` for loaded variables in different units. Virtual arrays
    check themselves.
    """
    problems = []
    for dim in dims:
        kinds = {
            url: ds.indexes[dim].dtype.kind for url, ds in datasets.items() if dim in ds.indexes
        }
        if odd := _odd(kinds):
            problems.append(_of_kind(datasets, dim, *odd))
    seen: dict[Hashable, tuple[str, Mapping[Any, Any]]] = {}
    for url, dataset in datasets.items():
        for name, attributes in _meanings(dataset, dims):
            first, expected = seen.setdefault(name, (url, attributes))
            for key in decoding_differences(expected, attributes):
                what = (
                    f"attribute {key!r} of {name!r} is {attributes.get(key)!r}, but "
                    f"{expected.get(key)!r} in {first}"
                )
                hint = f"name {str(name)!r} in loadable_variables, or make them alike in preprocess"
                problems.append(_problem("combine-attributes", url, str(name), what, hint))
    return problems


def warnings_of_meaning(datasets: Mapping[str, xr.Dataset]) -> list[Problem]:
    """Return ``combine-meaning`` for variables that stand for another thing in another file.

    Such as other flags, other cell methods, or another standard name: numbers stay what they are,
    and the attributes of the result are those of one file.
    """
    seen: dict[Hashable, tuple[str, Mapping[Any, Any]]] = {}
    found: dict[tuple[Hashable, str], Problem] = {}
    for url, dataset in datasets.items():
        for name, variable in dataset.variables.items():
            attributes = variable.attrs
            first, expected = seen.setdefault(name, (url, attributes))
            if _SAY_NOTHING(attributes) and _SAY_NOTHING(expected):
                continue
            for key in meaning_differences(expected, attributes):
                if (name, key) in found:
                    continue
                what = (
                    f"attribute {key!r} of {name!r} is {_shortened(attributes.get(key))} in {url}, "
                    f"but {_shortened(expected.get(key))} in {first}"
                )
                problem = _problem("combine-meaning", url, str(name), what, _SAID_OF_ALL)
                found[name, key] = replace(problem, severity="warning")
    return list(found.values())


_SAID_OF_ALL: Final = (
    "leave out the files that differ if it matters: the result says it of all values"
)
_SAY_NOTHING: Final = frozenset({*MEANING_ATTRIBUTES, GRID_MAPPING}).isdisjoint


def _shortened(value: object) -> str:
    text = "absent" if value is None else repr(np.asarray(value).tolist())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _meanings(
    dataset: xr.Dataset, dims: Sequence[str]
) -> Iterator[tuple[Hashable, Mapping[Any, Any]]]:
    """Yield the attributes that give numbers along `dims` a meaning which nobody else compares."""
    for name, variable in dataset.variables.items():
        if not set(dims).intersection(variable.dims):
            continue
        if virtual_array(variable) is None:
            yield name, variable.attrs
    for name, bounds, meaning in units_of_bounds(dataset):
        if set(dims).intersection(dataset.variables[name].dims):
            yield bounds, meaning


def _of_kind(datasets: Mapping[str, xr.Dataset], dim: str, one: str, other: str) -> Problem:
    left, right = datasets[one], datasets[other]
    return _problem(
        "combine-kind", one, dim,
        f"{dim!r} has {described(left.variables[dim])} (type {left.indexes[dim].dtype}), but "
        f"{described(right.variables[dim])} (type {right.indexes[dim].dtype}) in {other}",
        "convert it with preprocess; times of different calendars cannot be joined",
    )  # fmt: skip


def _of_indexes(datasets: Mapping[str, xr.Dataset], dims: Sequence[str]) -> list[Problem]:
    problems = []
    for dim in _all_dims(datasets):
        having = {url: ds for url, ds in datasets.items() if dim in ds.dims}
        groups = [] if dim in dims else _grouped_indexes(having, dim)
        if len(groups) > 1:
            groups.sort(key=len)
            one, other = groups[0][0], groups[-1][0]
            problems.append(_of_coordinate(datasets, dim, one, other))
    return problems


def _grouped_indexes(datasets: Mapping[str, xr.Dataset], dim: str) -> list[list[str]]:
    """Group files whose index (or, without one, size) along `dim` is the same."""
    groups: list[tuple[Any, list[str]]] = []
    for url, dataset in datasets.items():
        index = dataset.indexes.get(dim)
        key = dataset.sizes[dim] if index is None else index
        for other, urls in groups:
            if _same_key(key, other):
                urls.append(url)
                break
        else:
            groups.append((key, [url]))
    return [urls for _, urls in groups]


def _all_dims(datasets: Mapping[str, xr.Dataset]) -> dict[str, None]:
    return dict.fromkeys(str(dim) for dataset in datasets.values() for dim in dataset.dims)


def _same_key(left: Any, right: Any) -> bool:  # noqa: ANN401 - a size, or an index of pandas
    if isinstance(left, int) or isinstance(right, int):
        return type(left) is type(right) and bool(left == right)
    return bool(left.equals(right))


def _of_coordinate(datasets: Mapping[str, xr.Dataset], dim: str, one: str, other: str) -> Problem:
    left, right = datasets[one], datasets[other]
    if dim in left.indexes and dim in right.indexes:
        return _problem(
            "combine-coordinate", one, dim,
            f"{dim!r} has {described(left.variables[dim])}, but "
            f"{described(right.variables[dim])} in {other}",
            "leave the file out, or correct its coordinate with preprocess",
        )  # fmt: skip
    if left.sizes[dim] == right.sizes[dim]:
        having, lacking = (one, other) if dim in left.indexes else (other, one)
        return _problem(
            "combine-coordinate", lacking, dim,
            f"{dim!r} has no coordinate, but {described(datasets[having].variables[dim])} in "
            f"{having}",
            "give it one with preprocess, or leave the file out",
        )  # fmt: skip
    return _problem(
        "combine-size", one, dim,
        f"dimension {dim!r} has size {left.sizes[dim]}, but {right.sizes[dim]} in {other}",
        "leave the file out, or cut it with preprocess",
    )  # fmt: skip


def _of_variables(datasets: Mapping[str, xr.Dataset]) -> list[Problem]:
    problems = []
    for name in dict.fromkeys(name for ds in datasets.values() for name in ds.variables):
        having = {url: ds.variables[name] for url, ds in datasets.items() if name in ds.variables}
        for code, fact, say in _FACTS:
            if odd := _odd({url: fact(variable) for url, variable in having.items()}):
                one, other = odd
                what = f"{name!r} {say} {fact(having[one])}, but {fact(having[other])} in {other}"
                hint = "leave the file out, or make it like the others with preprocess"
                problems.append(_problem(code, one, str(name), what, hint))
                break
    return problems


def _loaded(variable: xr.Variable) -> str:
    return "loaded" if virtual_array(variable) is None else "virtual"


_FACTS: tuple[tuple[str, Callable[[Any], Any], str], ...] = (
    ("combine-dims", lambda variable: variable.dims, "has the dimensions"),
    ("combine-loaded", _loaded, "is"),
    ("combine-dtype", lambda variable: str(variable.dtype), "has the type"),
)


def _odd(facts: Mapping[str, Hashable]) -> tuple[str, str] | None:
    """Return a file with the rarest fact and one with the most common; None if all agree."""
    groups: dict[Hashable, list[str]] = {}
    for url, fact in facts.items():
        groups.setdefault(fact, []).append(url)
    if len(groups) < 2:
        return None
    ordered = sorted(groups.values(), key=len)
    return ordered[0][-1], ordered[-1][0]


def _without_order(datasets: Mapping[str, xr.Dataset], dims: Sequence[str]) -> list[Problem]:
    if dims or len(datasets) < 2:
        return []
    url, dataset = list(datasets.items())[-1]
    indexed = [str(dim) for dim in dataset.dims if dim in dataset.indexes]
    bare = [str(dim) for dim in dataset.dims if dim not in dataset.indexes]
    what = (
        f"the files differ in no coordinate that says in which order they belong: "
        f"{', '.join(indexed) or 'none'} {'is' if len(indexed) < 2 else 'are'} the same in all"
    )
    what += f", and {', '.join(bare)} {'has' if len(bare) < 2 else 'have'} none" if bare else ""
    hint = 'use combine="nested" with concat_dim, or leave out files that are there twice'
    return [_problem("combine-no-order", url, "", what, hint)]


def _problem(code: str, where: str, variable: str, what: str, hint: str) -> Problem:
    return Problem(code=code, where=where, what=what, hint=hint, variable=variable)
