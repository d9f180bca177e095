"""Attributes of which combining keeps those of one file, and which nothing else compares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from zarrchive.combine.aspects import plain_value
from zarrchive.combine.plan import Finding
from zarrchive.errors import Problem
from zarrchive.location import name as name_of
from zarrchive.manifests.compare import (
    DECODING_ATTRIBUTES,
    GRID_MAPPING,
    MEANING_ATTRIBUTES,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from zarrchive.combine.contents import Contents
    from zarrchive.manifests import ManifestGroup

__all__ = ["findings_of_attributes"]

_MAX_NAMES: Final = 12
_COMPARED: Final = frozenset({*DECODING_ATTRIBUTES, *MEANING_ATTRIBUTES})
"""Attributes of variables that are compared one by one."""


def findings_of_attributes(part: Sequence[Contents]) -> list[Finding]:
    """Name the attributes of groups and variables of which only the first file's are kept."""
    kept = dict(part[0].root.walk())
    differing: dict[str, Contents] = {}
    for contents in part[1:]:
        for path, group in contents.root.walk():
            mine = kept.get(path)
            if mine is None:
                continue
            for label in _labels(path, mine, group):
                differing.setdefault(label, contents)
    if not differing:
        return []
    names = ", ".join(list(differing)[:_MAX_NAMES])
    more = f" and {len(differing) - _MAX_NAMES} more" if len(differing) > _MAX_NAMES else ""
    problem = Problem(
        code="combine-attributes",
        where=part[0].url,
        what=f"attributes differ between files, and those of {name_of(part[0].url)} are kept: "
        f"{names}{more}",
        hint="check that none of them says what the numbers mean, such as a factor or a date",
        severity="warning",
    )
    return [Finding(problem)]


def _labels(path: str, left: ManifestGroup, right: ManifestGroup) -> Iterator[str]:
    """Yield the attributes in which a group, or a variable of it, differs."""
    for key in _differing(left.attributes, right.attributes):
        yield f"{path.rstrip('/')}@{key}" if path != "/" else key
    for name, array in right.arrays.items():
        mine = left.arrays.get(name)
        if mine is None or mine.metadata is array.metadata:
            continue
        if GRID_MAPPING in mine.attributes or GRID_MAPPING in array.attributes:
            continue  # of which all attributes are compared
        for key in _differing(mine.attributes, array.attributes):
            if key not in _COMPARED:
                yield f"{path.rstrip('/')}/{name}@{key}"


def _differing(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[str]:
    return [key for key in {**left, **right} if not _is_same(left.get(key), right.get(key))]


def _is_same(left: object, right: object) -> bool:
    if left is right or (type(left) is type(right) and isinstance(left, str) and left == right):
        return True
    return left is not None and right is not None and plain_value(left) == plain_value(right)
