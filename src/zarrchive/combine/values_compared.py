"""Variables that are taken from one file: whether they are the same in the others."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zarrchive.bridge.repairing import grid_distance
from zarrchive.combine.plan import Agreeing, Finding
from zarrchive.combine.remedies import files_named, leave_out_files, leave_out_variable
from zarrchive.errors import Problem, Severity
from zarrchive.location import name as name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.combine.contents import Contents

__all__ = ["values_that_differ"]

_COMPARED_BYTES: Final = 1 << 20
_COMPARED_FILES: Final = 64


def values_that_differ(path: str, having: Sequence[Contents]) -> list[Finding]:
    """Compare a variable that is taken from the first file only."""
    array = having[0].arrays[path]
    nbytes = prod(array.shape) * (array.dtype.itemsize or 8)
    is_coordinate = having[0].is_coordinate(path)
    if not is_coordinate and (nbytes > _COMPARED_BYTES or len(having) > _COMPARED_FILES):
        return [_not_compared(path, having)]
    first = having[0].decoded(path) if is_coordinate else having[0].values(path)
    differing = [
        contents
        for contents in having[1:]
        if not _equal(first, contents.decoded(path) if is_coordinate else contents.values(path))
    ]
    if not differing:
        return []
    other = differing[0]
    theirs = other.decoded(path) if is_coordinate else other.values(path)
    urls = [contents.url for contents in differing]
    severity: Severity = "error" if is_coordinate else "warning"
    follows = _how_it_differs(first, theirs) if is_coordinate else "; the first is taken for all"
    problem = Problem(
        code="combine-coordinate" if is_coordinate else "combine-values",
        where=urls[0],
        variable=path,
        what=f"its values are {_brief(theirs)} in {files_named(urls)}, but {_brief(first)} in "
        f"{name_of(having[0].url)}{follows}",
        hint="leave the files out that differ, or join along another dimension",
        severity=severity,
    )
    groups = _groups_of_values(path, having, is_decoded=is_coordinate)
    remedies = (leave_out_files(urls), leave_out_variable(path))
    can = is_coordinate and bool(follows)
    return [Finding(problem, tuple(urls), remedies, groups, may_be_repaired=can)]


def _groups_of_values(
    path: str, having: Sequence[Contents], *, is_decoded: bool
) -> tuple[Agreeing, ...]:
    """Group files by the values of a variable, those that agree with the first one first."""
    groups: dict[object, tuple[np.ndarray[Any, Any] | None, list[str]]] = {}
    for contents in having:
        values = contents.decoded(path) if is_decoded else contents.values(path)
        groups.setdefault(_key(values), (values, []))[1].append(contents.url)
    return tuple(Agreeing(_brief(values), tuple(urls)) for values, urls in groups.values())


def _key(values: np.ndarray[Any, Any] | None) -> object:
    """Return what equal values have in common; of a thousand files, no two are compared."""
    if values is None:
        return None
    if values.dtype.kind == "f" and values.dtype.itemsize <= 8:
        values = values.astype("f8") + 0.0  # so that zero has no sign
    elif values.dtype.kind in "iu" and values.dtype != np.uint64:
        values = values.astype("i8")
    return values.shape, repr(values.tolist()) if values.dtype.hasobject else values.tobytes()


def _how_it_differs(mine: np.ndarray[Any, Any] | None, theirs: np.ndarray[Any, Any] | None) -> str:
    """Say whether a coordinate is reversed, or differs by rounding only."""
    if mine is None or theirs is None:
        return ""
    if (distance := grid_distance(mine, theirs)) is not None:
        return f": they differ by at most {distance:.2g}, as rounding does"
    if grid_distance(mine, theirs[::-1]) is not None:
        return ": the direction is reversed"
    return ""


def _not_compared(path: str, having: Sequence[Contents]) -> Finding:
    problem = Problem(
        code="combine-values-not-compared",
        where=having[0].url,
        variable=path,
        what=f"it does not vary along the joined dimension and is taken from "
        f"{name_of(having[0].url)}; whether the other {len(having) - 1} files agree was not read",
        hint="leave the variable out if it may differ between files",
        severity="warning",
    )
    return Finding(problem, (), (leave_out_variable(path),))


def _equal(left: np.ndarray[Any, Any] | None, right: np.ndarray[Any, Any] | None) -> bool:
    if left is None or right is None or left.shape != right.shape:
        return False
    floats = left.dtype.kind in "fcmM" and right.dtype.kind in "fcmM"
    return bool(np.array_equal(left, right, equal_nan=floats))


def _brief(values: np.ndarray[Any, Any] | None) -> str:
    if values is None:
        return "unreadable"
    flat = values.reshape(-1)
    if flat.size <= 3:
        return ", ".join(map(str, flat.tolist())) or "empty"
    return f"{flat[0]} ... {flat[-1]} ({flat.size} values)"
