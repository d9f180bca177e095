"""Attributes of groups, of which combining keeps those of one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from zarrchive.combine.aspects import plain_value
from zarrchive.combine.plan import Finding
from zarrchive.errors import Problem
from zarrchive.location import name as name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.combine.contents import Contents
    from zarrchive.manifests import ManifestGroup

__all__ = ["findings_of_attributes"]

_MAX_NAMES: Final = 12


def findings_of_attributes(part: Sequence[Contents]) -> list[Finding]:
    """Name the group attributes of which only the first file's are kept."""
    kept = dict(part[0].root.walk())
    differing: dict[str, Contents] = {}
    for contents in part[1:]:
        for path, group in contents.root.walk():
            mine = kept.get(path)
            if mine is None:
                continue
            for key in {**mine.attributes, **group.attributes}:
                label = f"{path.rstrip('/')}@{key}" if path != "/" else key
                if label not in differing and not _same_attribute(mine, group, key):
                    differing[label] = contents
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


def _same_attribute(left: ManifestGroup, right: ManifestGroup, key: str) -> bool:
    if key not in left.attributes or key not in right.attributes:
        return False
    return plain_value(left.attributes[key]) == plain_value(right.attributes[key])
