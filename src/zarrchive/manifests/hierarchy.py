"""A node of a virtual hierarchy: arrays, groups, attributes and what was wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from zarrchive.errors import Problem
    from zarrchive.manifests.manifest_array import ManifestArray

__all__ = ["ManifestGroup"]


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestGroup:
    """A group of a virtual hierarchy; knows nothing of xarray."""

    arrays: Mapping[str, ManifestArray] = field(default_factory=_nothing)
    groups: Mapping[str, ManifestGroup] = field(default_factory=_nothing)
    attributes: Mapping[str, Any] = field(default_factory=_nothing)
    """Attributes as the file has them (NumPy scalars and arrays allowed)."""
    problems: tuple[Problem, ...] = ()
    """Problems of this group and of its own variables (not of the groups below it)."""

    def walk(self, path: str = "/") -> Iterator[tuple[str, ManifestGroup]]:
        """Iterate over this group and all below it as ``(absolute path, group)``, parents first.

        Nothing recurses: thousands of nested groups are fine.
        """
        pending = [(path, self)]
        while pending:
            here, group = pending.pop()
            yield here, group
            base = here.rstrip("/")
            pending.extend((f"{base}/{name}", child) for name, child in reversed(group.groups.items()))

    def all_problems(self) -> tuple[Problem, ...]:
        """Return the problems of this group and of every group below it."""
        return tuple(problem for _, group in self.walk() for problem in group.problems)
