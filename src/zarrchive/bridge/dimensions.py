"""Names for the dimensions of a hierarchy under which xarray can hold it.

netCDF4 lets a group define a dimension anew with another size; HDF5 and Zarr know no shared
dimensions at all. In xarray a name has one size in a group and in everything below it. Where
that differs, the dimension gets another name here. Names of variables never change.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from zarrchive.errors import Problem
from zarrchive.manifests import ManifestGroup
from zarrchive.manifests._zarr import changed_metadata

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from zarrchive.manifests import ManifestArray

__all__ = ["NamedDimensions", "Scope", "name_dimensions", "with_named_dimensions"]


@dataclass(frozen=True, slots=True)
class Scope:
    """The dimensions that are in force in a group and everything below it."""

    sizes: Mapping[str, int] = field(default_factory=dict)
    renamed: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """From name and size as in the file to the name in xarray, where the two differ."""


@dataclass(frozen=True, slots=True)
class NamedDimensions:
    """The dimensions of each variable of one group."""

    dims: Mapping[str, tuple[str, ...]]
    scope: Scope
    """In force in the groups below."""
    problems: tuple[Problem, ...]


def name_dimensions(
    arrays: Mapping[str, ManifestArray], scope: Scope, *, path: str, where: str
) -> NamedDimensions:
    """Name the dimensions of all variables of a group.

    Parameters
    ----------
    arrays
        The variables of the group.
    scope
        What is in force above it.
    path, where
        Of the group and of the file, for problems.

    Returns
    -------
    NamedDimensions
        With a warning ``dimension-renamed`` or ``dimension-repeated`` for each changed name.
    """
    if not scope.sizes and not scope.renamed:
        named = _usual(
            tuple((n, a.metadata.dimension_names, a.metadata.shape) for n, a in arrays.items())
        )
        if named is not None:
            return named
    naming = _Naming(arrays, dict(scope.sizes), dict(scope.renamed), path, where)
    dims: dict[str, tuple[str, ...]] = {}
    # A coordinate says best what its dimension is called: it goes first.
    for name in sorted(arrays, key=lambda name: not _is_dimension_coordinate(name, arrays[name])):
        dims[name] = naming.of(name, arrays[name])
    ordered = {name: dims[name] for name in arrays}
    below = Scope(naming.sizes, naming.renamed)
    return NamedDimensions(ordered, below, tuple(naming.problems))


@lru_cache(maxsize=256)
def _usual(
    arrays: tuple[tuple[str, tuple[str | None, ...] | None, tuple[int, ...]], ...],
) -> NamedDimensions | None:
    """Return dimensions that are as the file names them, each of one size; None for any other.

    The files of a series are alike in this. Arrays are given by name, dimensions and shape.
    """
    scalars = {name for name, _, shape in arrays if not shape}
    sizes: dict[str, int] = {}
    for _, dims, shape in arrays:
        if dims is None or None in dims or len({*dims}) < len(dims):
            return None
        for dim, size in zip(dims, shape, strict=True):
            if dim is None or dim in scalars or sizes.setdefault(dim, size) != size:
                return None
    found = {name: dims or () for name, dims, _ in arrays}
    named: Any = MappingProxyType(found)  # none of the names is None
    return NamedDimensions(named, Scope(MappingProxyType(sizes)), ())


def with_named_dimensions(root: ManifestGroup, *, where: str) -> ManifestGroup:
    """Return a hierarchy whose arrays have the dimensions that `name_dimensions` gives them."""
    nodes: list[tuple[ManifestGroup, dict[str, ManifestArray], tuple[Problem, ...]]] = []
    pending = [("/", root, Scope())]
    while pending:
        path, group, above = pending.pop()
        named = name_dimensions(group.arrays, above, path=path, where=where)
        arrays = {
            name: array.replaced(
                changed_metadata(array.metadata, dimension_names=named.dims[name]), array.manifest
            )
            for name, array in group.arrays.items()
        }
        nodes.append((group, arrays, named.problems))
        base = path.rstrip("/")
        children = [(f"{base}/{n}", child, named.scope) for n, child in group.groups.items()]
        pending.extend(reversed(children))
    built: list[ManifestGroup] = []
    for group, arrays, problems in reversed(nodes):
        # The children of a group are the last that were built, its first child being the last.
        groups = {name: built.pop() for name in group.groups}
        built.append(
            ManifestGroup(
                arrays=arrays,
                groups=groups,
                attributes=group.attributes,
                problems=(*group.problems, *problems),
            )
        )
    return built.pop()


def _is_dimension_coordinate(name: str, array: ManifestArray) -> bool:
    return array.metadata.dimension_names == (name,)


@dataclass(slots=True)
class _Naming:
    arrays: Mapping[str, ManifestArray]
    sizes: dict[str, int]
    renamed: dict[tuple[str, int], str]
    path: str
    where: str
    problems: list[Problem] = field(default_factory=list)
    _noted: set[tuple[str, int]] = field(default_factory=set)

    def of(self, variable: str, array: ManifestArray) -> tuple[str, ...]:
        """Return the dimensions of one variable."""
        given = array.metadata.dimension_names or (None,) * array.ndim
        names: list[str] = []
        for axis, (name, size) in enumerate(zip(given, array.shape, strict=True)):
            names.append(self._one(name or f"{variable}_dim_{axis}", size, names, variable))
        return tuple(names)

    def _one(self, name: str, size: int, before: Collection[str], variable: str) -> str:
        final = self.renamed.get((name, size), name)
        if final != name and (name, size) not in self._noted:
            self._note_renamed(name, size, final)
        is_taken = self.sizes.get(final, size) != size or self._is_scalar(final)
        if final in before:
            final = self._free(f"{name}_{len(before) + 1}", size, before)
            self._note_repeated(name, final, variable)
        elif is_taken:
            last = self.path.rpartition("/")[2]
            final = self._free(f"{name}_{last}" if last else f"{name}_2", size, before)
            self.renamed[name, size] = final
            self._note_renamed(name, size, final)
        self.sizes[final] = size
        return final

    def _is_scalar(self, name: str) -> bool:
        return name in self.arrays and not self.arrays[name].shape

    def _free(self, wanted: str, size: int, before: Collection[str]) -> str:
        """Return a name that stands for nothing else: neither a size nor a variable."""
        name, number = wanted, 2
        while self.sizes.get(name, size) != size or name in self.arrays or name in before:
            name = f"{wanted}_{number}"
            number += 1
        return name

    def _note_renamed(self, name: str, size: int, final: str) -> None:
        self._noted.add((name, size))
        other = self.sizes.get(name)
        clash = (
            f"and {name!r} is also a scalar variable"
            if self._is_scalar(name)
            else f"and {other} elsewhere in this group or above it"
        )
        self.problems.append(
            Problem(
                code="dimension-renamed",
                where=self.where,
                what=f"dimension {name!r} has size {size} here, {clash}, which xarray cannot "
                f"hold; it is called {final!r} here",
                hint=f"use {final!r} to select along it; names of variables are unchanged",
                variable=f"{self.path.rstrip('/')}/{name}",
                severity="warning",
            )
        )

    def _note_repeated(self, name: str, final: str, variable: str) -> None:
        self.problems.append(
            Problem(
                code="dimension-repeated",
                where=self.where,
                what=f"dimension {name!r} appears more than once, which xarray cannot select "
                f"from; it is called {final!r} the second time",
                hint=f"use {final!r} to select along the later dimension",
                variable=f"{self.path.rstrip('/')}/{variable}",
                severity="warning",
            )
        )
