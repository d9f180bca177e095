"""Variables that are not joined, and whether they are the same in all files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zarrchive.bridge._xarray import virtual_array
from zarrchive.errors import Problem
from zarrchive.manifests.compare import same_references
from zarrchive.manifests.values import values_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import xarray as xr

__all__ = [
    "Difference",
    "described",
    "differences_of",
    "likely_dim",
    "problems_of_repetition",
    "varying_dims",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A variable without the joined dimension that is not, or may not be, the same in all files."""

    name: str
    files: tuple[str, str]
    """The first file that has it, and the first that differs."""
    values: tuple[str, str] = ("", "")
    """What it is in the two files."""
    size: int
    """Elements."""
    is_coordinate: bool
    is_known: bool
    """Whether the values differ; else they are references, which were not read."""

    def varies(self, dim: str) -> Problem:
        """Say that the variable became one of the joined dimension."""
        return self._problem(
            "combine-varies",
            f"is {self.values[0]} in {self.files[0]}, but {self.values[1]} in {self.files[1]}; "
            f"it now varies along {dim!r}",
            f"use drop_variables=[{self.name!r}] if it is of no use",
        )

    def hidden(self) -> Problem:
        """Say that the values of one file stand for all."""
        return self._problem(
            "combine-hidden",
            f"is {self.values[0]} in {self.files[0]}, but {self.values[1]} in {self.files[1]}; "
            "the former is taken for all",
            f"use coords or data_vars to keep all, or drop_variables=[{self.name!r}]",
        )

    def not_compared(self) -> Problem:
        """Say that nobody looked whether the files agree."""
        return self._problem(
            "combine-not-compared",
            f"does not vary along what is joined; it is taken from {self.files[0]} for all files, "
            "without comparing the values",
            f"use loadable_variables with {self.name!r} to compare them, or drop it",
        )

    def in_both(self) -> Problem:
        """Say that one of two versions of the variable is kept, unseen."""
        return self._problem(
            "combine-not-compared",
            f"is in files of different contents, such as {self.files[0]} and {self.files[1]}; it "
            "is taken from the former kind, without comparing the values",
            f"open the latter with drop_variables=[{self.name!r}] and merge, or compare them",
        )

    def _problem(self, code: str, what: str, hint: str) -> Problem:
        return Problem(
            code=code,
            where=self.files[1],
            what=f"{self.name!r} {what}",
            hint=hint,
            variable=self.name,
            severity="warning",
        )


def varying_dims(datasets: Mapping[str, xr.Dataset]) -> list[str]:
    """Return the dimensions whose index is not the same in all datasets that have it."""
    first: dict[Any, Any] = {}
    varying: dict[str, None] = {}
    for dataset in datasets.values():
        for name, index in dataset.xindexes.items():
            if name in dataset.dims and not first.setdefault(name, index).equals(index):
                varying[str(name)] = None
    return list(varying)


def likely_dim(datasets: Mapping[str, xr.Dataset], dims: Sequence[str]) -> list[str]:
    """Return the one of the varying dimensions that files are most likely meant to be joined along.

    It is the one with the most different coordinates; of several, that of times.
    """

    def rank(dim: str) -> tuple[int, bool]:
        indexes = [ds.indexes[dim] for ds in datasets.values() if dim in ds.indexes]
        different = {(str(index[0]), index.size) for index in indexes if index.size}
        return len(different), bool(indexes) and indexes[0].dtype.kind in "MO"

    return [max(dims, key=rank)] if dims else []


def problems_of_repetition(
    datasets: Mapping[str, xr.Dataset], dims: Sequence[str]
) -> list[Problem]:
    """Return a warning for each variable along `dims` that files of different contents share.

    Files with the same variables are joined; of a variable that several of these joined sets
    have, only one is kept.
    """
    kinds: dict[frozenset[Any], str] = {}
    for url, dataset in datasets.items():
        kinds.setdefault(frozenset(dataset.data_vars), url)
    if len(kinds) < 2:
        return []
    problems = []
    for name in dict.fromkeys(name for kind in kinds for name in sorted(kind, key=str)):
        urls = [url for kind, url in kinds.items() if name in kind]
        variable = datasets[urls[0]].variables[name]
        if len(urls) > 1 and set(dims).intersection(variable.dims):
            difference = Difference(
                name=str(name),
                files=(urls[0], urls[1]),
                size=variable.size,
                is_coordinate=False,
                is_known=False,
            )
            problems.append(difference.in_both())
    return problems


def differences_of(datasets: Mapping[str, xr.Dataset], dims: Sequence[str]) -> list[Difference]:
    """Compare the variables that lack one of `dims`, without reading any chunk of a file.

    Where files are joined along several dimensions, a variable that has some of them is compared
    between files that lie at one place along these.
    """
    seen: dict[Any, tuple[str, xr.Variable]] = {}
    found: dict[Any, Difference] = {}
    joined = set(dims)
    for url, dataset in datasets.items():
        for name, variable in dataset.variables.items():
            has_all = bool(joined) and joined.issubset(variable.dims)
            if name in dataset.xindexes or name in joined or has_all:
                continue
            place = _place(dataset, joined.intersection(map(str, variable.dims)))
            other_url, other = seen.setdefault((name, place), (url, variable))
            if other is variable or (name in found and found[name].is_known):
                continue
            same = None if place is None else _same(other, variable)
            if same is not True and (same is False or name not in found):
                found[name] = Difference(
                    name=str(name),
                    files=(other_url, url),
                    values=(described(other), described(variable)),
                    size=variable.size,
                    is_coordinate=name in dataset.coords,
                    is_known=same is False,
                )
    return list(found.values())


def _place(dataset: xr.Dataset, dims: Collection[str]) -> tuple[bytes, ...] | None:
    """Return where a file lies along `dims`, to be compared; None where nothing says it."""
    if any(dim not in dataset.indexes for dim in dims):
        return None
    values = [np.asarray(dataset.indexes[dim]) for dim in sorted(dims)]
    return tuple(
        repr(one.tolist()).encode() if one.dtype.hasobject else one.tobytes() for one in values
    )


def _same(left: xr.Variable, right: xr.Variable) -> bool | None:
    """Tell whether two variables are the same; None where chunks would have to be read."""
    if left.dims != right.dims or left.shape != right.shape:
        return False
    mine, theirs = virtual_array(left), virtual_array(right)
    if mine is not None and theirs is not None and same_references(mine, theirs):
        return True
    if any(array is not None and array.manifest.nrefs for array in (mine, theirs)):
        return None
    values = [
        np.asarray(variable.data) if array is None else values_of(array)
        for variable, array in ((left, mine), (right, theirs))
    ]
    with_nan = all(one.dtype.kind in "fcmM" for one in values)
    return bool(np.array_equal(values[0], values[1], equal_nan=with_nan))


def described(variable: xr.Variable) -> str:
    """Say what a variable holds, in few words."""
    array = virtual_array(variable)
    shape = "x".join(map(str, variable.shape))
    if not variable.size or (array is not None and array.manifest.nrefs):
        return f"an array of {shape or 'one'} elements"
    values = np.asarray(variable.data) if array is None else values_of(array)
    flat = values.reshape(-1)
    first, last = (_shown(flat[at]) for at in (0, -1))
    return first if flat.size == 1 else f"{shape} values from {first} to {last}"


def _shown(value: Any) -> str:  # noqa: ANN401 - any element
    text = (
        str(value)
        if isinstance(value, np.datetime64)
        else repr(getattr(value, "item", lambda: value)())
    )
    return text if len(text) <= 40 else f"{text[:37]}..."
