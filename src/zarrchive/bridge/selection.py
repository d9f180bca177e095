"""Which variables are meant by the names and paths that a caller gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zarrchive.errors import ManifestError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

    from zarrchive.manifests import ManifestGroup

__all__ = ["Selection"]

_MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Selection:
    """A set of variables: names count in every group, paths in one."""

    names: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    """Absolute paths in the file."""
    is_everything: bool = False

    @classmethod
    def of(cls, wanted: str | Iterable[str] | None, *, argument: str) -> Self:
        """Understand a name, a path, ``"all"``, or several names and paths.

        Raises
        ------
        ManifestError
            ``selection-type`` for anything else.
        """
        if wanted is None:
            return cls()
        if wanted == "all":
            return cls(is_everything=True)
        entries: list[Any] = (
            [wanted] if isinstance(wanted, str) else list(_several(wanted, argument))
        )
        if strange := [entry for entry in entries if not isinstance(entry, str)]:
            raise ManifestError(_wrong_type(strange[0], argument))
        paths = {"/" + entry.strip("/") for entry in entries if "/" in entry}
        names = {entry for entry in entries if "/" not in entry}
        return cls(frozenset(names), frozenset(paths))

    def has(self, folder: str, name: str) -> bool:
        """Tell whether variable `name` of the group at path `folder` is meant."""
        return (
            self.is_everything
            or name in self.names
            or (bool(self.paths) and f"{folder.rstrip('/')}/{name}" in self.paths)
        )

    def last_names(self) -> frozenset[str]:
        """Return the name of every variable that may be meant, for readers: they know no paths."""
        return self.names | {path.rpartition("/")[2] for path in self.paths}

    def problems_of_unknown(
        self,
        groups: Iterable[tuple[str, ManifestGroup]],
        *,
        path: str,
        where: str,
        argument: str,
    ) -> list[Problem]:
        """Return a Problem ``variable-unknown`` where a name is nowhere in `groups`.

        A variable that a reader could not map is not unknown: a Problem says what it lacks.

        Parameters
        ----------
        groups
            Path and content of each group to look in.
        path
            Of the topmost group; paths that are not below it are not looked for.
        where, argument
            The file, and what the caller calls the selection.
        """
        below = f"{path.rstrip('/')}/"
        missing = set(self.names) | {one for one in self.paths if one.startswith(below)}
        known: list[str] = []
        for folder, group in groups if missing else ():
            refused = [problem.variable for problem in group.problems if problem.variable]
            here = [f"{folder.rstrip('/')}/{name}" for name in group.arrays]
            missing.difference_update(here, refused, group.arrays)
            missing.difference_update(one.rpartition("/")[2] for one in refused)
            known += here if folder != path else list(group.arrays)
        return [_unknown(sorted(missing), known, where, argument)] if missing else []


def _several(wanted: Iterable[str], argument: str) -> Iterable[str]:
    try:
        return iter(wanted)
    except TypeError:
        raise ManifestError(_wrong_type(wanted, argument)) from None


def _wrong_type(found: object, argument: str) -> Problem:
    return Problem(
        code="selection-type",
        where=argument,
        what=f"found {found!r} of type {type(found).__name__}, expected names of variables",
        hint='give a list of names such as ["time", "lat"], or paths such as ["/group/time"]',
    )


def _unknown(missing: list[str], known: list[str], where: str, argument: str) -> Problem:
    shown = ", ".join(map(repr, known[:_MOST_SHOWN])) or "none"
    more = f" and {len(known) - _MOST_SHOWN} more" if len(known) > _MOST_SHOWN else ""
    return Problem(
        code="variable-unknown",
        where=where,
        what=f"{argument} names {', '.join(map(repr, missing))}; variables are {shown}{more}",
        hint=f"correct the names in {argument}",
    )
