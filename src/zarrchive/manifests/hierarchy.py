"""A node of a virtual hierarchy: arrays, groups, attributes and what was wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from zarrchive.errors import ManifestError, Problem
from zarrchive.manifests.compare import identical_arrays, same_attributes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from zarrchive.location.identity import SourceFile
    from zarrchive.manifests.manifest_array import ManifestArray

__all__ = ["ManifestGroup"]


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


class _Row(NamedTuple):
    """One group of a flattened hierarchy."""

    parent: int
    """Row of the parent; -1 for the root."""
    name: str
    arrays: dict[str, ManifestArray]
    attributes: dict[str, Any]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ManifestGroup:
    """A group of a virtual hierarchy; knows nothing of xarray.

    Mappings are copied and cannot be written to. Nothing recurses: hierarchies of thousands
    of nested groups can be walked, compared, pickled and changed.
    """

    arrays: Mapping[str, ManifestArray] = field(default_factory=_nothing)
    groups: Mapping[str, ManifestGroup] = field(default_factory=_nothing)
    attributes: Mapping[str, Any] = field(default_factory=_nothing)
    """Attributes as the file has them (NumPy scalars and arrays allowed)."""
    problems: tuple[Problem, ...] = ()
    """Problems of this group and of its own variables (not of the groups below it)."""

    def __post_init__(self) -> None:
        # Messages about an array want its name.
        arrays = {
            name: array if array.name else array.named(name) for name, array in self.arrays.items()
        }
        object.__setattr__(self, "arrays", MappingProxyType(arrays))
        object.__setattr__(self, "groups", MappingProxyType(dict(self.groups)))
        object.__setattr__(self, "attributes", MappingProxyType(dict(self.attributes)))
        object.__setattr__(self, "problems", tuple(self.problems))

    @classmethod
    def from_paths(
        cls,
        *,
        arrays: Mapping[str, ManifestArray],
        attributes: Mapping[str, Mapping[str, Any]] | None = None,
        problems: Iterable[Problem] = (),
    ) -> Self:
        """Build a hierarchy from absolute paths, making the groups on the way.

        Parameters
        ----------
        arrays
            By path, ``/group/name``.
        attributes
            Of groups, by path; a group that only occurs here exists too.
        problems
            Problems of the whole hierarchy; they go to the root.

        Raises
        ------
        ManifestError
            ``hierarchy-conflict`` if a path is both an array and a group.
        """
        rows = [_Row(-1, "", {}, {}, tuple(problems))]
        row_of: dict[tuple[str, ...], int] = {(): 0}

        def row_at(parts: tuple[str, ...]) -> _Row:
            for depth in range(1, len(parts) + 1):
                if parts[:depth] not in row_of:
                    row_of[parts[:depth]] = len(rows)
                    rows.append(_Row(row_of[parts[: depth - 1]], parts[depth - 1], {}, {}, ()))
            return rows[row_of[parts]]

        for path, values in (attributes or {}).items():
            row_at(_parts(path)).attributes.update(values)
        for path, array in arrays.items():
            *above, name = _parts(path) or ("",)
            row_at(tuple(above)).arrays[name] = array
        for path in arrays:
            if _parts(path) in row_of:
                raise ManifestError(_both(path))
        return cls._from_rows(rows)

    def walk(self, path: str = "/") -> Iterator[tuple[str, ManifestGroup]]:
        """Iterate over this group and all below it as ``(absolute path, group)``, parents first."""
        pending: list[tuple[str, ManifestGroup]] = [(path, self)]
        while pending:
            here, group = pending.pop()
            yield here, group
            base = here.rstrip("/")
            below = reversed(list(group.groups.items()))
            pending.extend((f"{base}/{name}", child) for name, child in below)

    def walk_arrays(self) -> Iterator[tuple[str, ManifestArray]]:
        """Iterate over all arrays as ``(absolute path, array)``, group by group."""
        for path, group in self.walk():
            base = path.rstrip("/")
            for name, array in group.arrays.items():
                yield f"{base}/{name}", array

    def all_problems(self) -> tuple[Problem, ...]:
        """Return the problems of this group and of every group below it."""
        return tuple(problem for _, group in self.walk() for problem in group.problems)

    def group_at(self, path: str) -> ManifestGroup:
        """Return the group at an absolute path.

        Raises
        ------
        KeyError
            If there is none.
        """
        group: ManifestGroup = self
        for part in _parts(path):
            if part not in group.groups:
                raise KeyError(path)
            group = group.groups[part]
        return group

    def array_at(self, path: str) -> ManifestArray:
        """Return the array at an absolute path.

        Raises
        ------
        KeyError
            If there is none.
        """
        above, _, name = path.rstrip("/").rpartition("/")
        try:
            return self.group_at(above).arrays[name]
        except KeyError:
            raise KeyError(path) from None

    def with_group(self, path: str, group: ManifestGroup) -> ManifestGroup:
        """Return the hierarchy with one group replaced or added; those above it must exist.

        Raises
        ------
        KeyError
            If a group on the way does not exist.
        """
        parts = _parts(path)
        if not parts:
            return group
        spine: list[ManifestGroup] = [self]
        for part in parts[:-1]:
            if part not in spine[-1].groups:
                raise KeyError(path)
            spine.append(spine[-1].groups[part])
        for parent, name in zip(reversed(spine), reversed(parts), strict=True):
            group = replace(parent, groups={**parent.groups, name: group})
        return group

    def with_array(self, path: str, array: ManifestArray) -> ManifestGroup:
        """Return the hierarchy with one array replaced or added; see `with_group`."""
        above, _, name = path.rstrip("/").rpartition("/")
        group = self.group_at(above)
        changed = replace(group, arrays={**group.arrays, name: array})
        return self.with_group(above, changed)

    def map_arrays(self, change: Callable[[str, ManifestArray], ManifestArray]) -> ManifestGroup:
        """Return the hierarchy with ``change(absolute path, array)`` in place of every array."""
        paths = [path.rstrip("/") for path, _ in self.walk()]
        rows = [
            row._replace(arrays={n: change(f"{base}/{n}", a) for n, a in row.arrays.items()})
            for base, row in zip(paths, self._rows(), strict=True)
        ]
        return self._from_rows(rows)

    def map_files(self, rename: Callable[[SourceFile], SourceFile]) -> ManifestGroup:
        """Return the hierarchy with references to other files; one call a file and array."""
        return self.map_arrays(
            lambda _, array: array.replaced(array.metadata, array.manifest.map_files(rename))
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ManifestGroup):
            return NotImplemented
        if self is other:
            return True
        mine, theirs = self._rows(), other._rows()
        return len(mine) == len(theirs) and all(map(_same_row, mine, theirs))

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        # Flat: pickle would recurse into nested groups.
        return _rebuilt, (type(self), self._rows())

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __repr__(self) -> str:
        arrays, groups = ", ".join(self.arrays), ", ".join(self.groups)
        return (
            f"<ManifestGroup arrays: {arrays or 'none'}; groups: {groups or 'none'}; "
            f"{len(self.attributes)} attributes, {len(self.problems)} problems>"
        )

    def _rows(self) -> list[_Row]:
        """Flatten the hierarchy, parents first."""
        rows: list[_Row] = []
        pending: list[tuple[int, str, ManifestGroup]] = [(-1, "", self)]
        while pending:
            parent, name, group = pending.pop()
            attributes = dict(group.attributes)
            rows.append(_Row(parent, name, dict(group.arrays), attributes, group.problems))
            at = len(rows) - 1
            below = reversed(list(group.groups.items()))
            pending.extend((at, child_name, child) for child_name, child in below)
        return rows

    @classmethod
    def _from_rows(cls, rows: list[_Row]) -> Self:
        """Build a hierarchy from its rows, children first."""
        children: list[dict[str, Self]] = [{} for _ in rows]
        for at in range(len(rows) - 1, -1, -1):
            row = rows[at]
            groups = dict(reversed(children[at].items()))
            group = cls(
                arrays=row.arrays,
                groups=groups,
                attributes=row.attributes,
                problems=row.problems,
            )
            if row.parent < 0:
                return group
            children[row.parent][row.name] = group
        raise ValueError("a hierarchy has at least its root")


def _rebuilt(cls: type[ManifestGroup], rows: list[_Row]) -> ManifestGroup:
    return cls._from_rows(rows)


def _same_row(mine: _Row, theirs: _Row) -> bool:
    return (
        (mine.parent, mine.name, mine.problems) == (theirs.parent, theirs.name, theirs.problems)
        and list(mine.arrays) == list(theirs.arrays)
        and same_attributes(mine.attributes, theirs.attributes)
        and all(map(identical_arrays, mine.arrays.values(), theirs.arrays.values()))
    )


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part)


def _both(path: str) -> Problem:
    return Problem(
        code="hierarchy-conflict",
        where="ManifestGroup",
        what=f"{path} is given both as an array and as a group",
        hint="give one of the two another name",
        variable=path,
    )
