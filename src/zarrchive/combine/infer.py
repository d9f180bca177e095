"""Propose how files become one dataset: by their variables, dimensions and coordinates."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zarrchive.combine.agreeing import fitting_groups, split_remedy
from zarrchive.combine.contents import dims_of
from zarrchive.combine.fit import findings_of
from zarrchive.combine.grid import Grid, grid_of
from zarrchive.combine.labels import Labels, labels_of
from zarrchive.combine.plan import Finding, Part, Plan, Remedy, VariableRow
from zarrchive.combine.prediction import with_predictions
from zarrchive.combine.sentence import sentence_of
from zarrchive.combine.texts import dtype_text
from zarrchive.location import name as name_of
from zarrchive.location.natural_order import natural_key
from zarrchive.manifests.chunk_lengths import lengths_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zarrchive.combine.contents import Contents
    from zarrchive.combine.plan import How, Order
    from zarrchive.errors import Problem

__all__ = ["Choice", "propose"]

_FIRST_DIMS: Final = ("time", "valid_time", "step", "number", "level")
_MAX_DIMS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the person has decided; the rest is proposed."""

    how: How = "auto"
    dim: str = ""
    order: Order = "coordinate"
    repair: bool = False
    unpicked: frozenset[str] = frozenset()
    loaded: frozenset[str] = frozenset()


def propose(
    files: Sequence[Contents], choice: Choice, *, failed: Mapping[str, Problem] | None = None
) -> Plan:
    """Return the plan for `files`, with everything that stands in its way as findings.

    Coordinate values are read, and the values of small variables that do not vary along the
    dimension of the plan; nothing else.

    Parameters
    ----------
    files
        At least one file; the order in which they were ticked.
    failed
        The files that cannot be read, with the reason: they are left out, and it is said.
    """
    differing = _differing_dims(files)
    parts = _parts(files, choice, differing)
    joined = any(len(part) > 1 for part in parts)
    dim, is_new = _dim(parts, choice, differing) if joined else ("", False)
    labels = None
    if joined and is_new:
        labels, parts = _labelled(parts, choice)
        dim = dim or ("time" if labels.are_times else "file")
    elif joined:
        parts = [_ordered(part, dim, choice.order) for part in parts]
    grid = _grid(parts, choice, differing)
    if grid is not None:
        dim, parts = grid.dims[0][0], [list(grid.files)]
    paths = {path for contents in files for path in contents.arrays}
    coordinates = {path for contents in files for path in contents.coordinates()}
    drop = tuple(sorted(paths & choice.unpicked))
    load = (paths & choice.loaded) - coordinates - choice.unpicked
    values = (load | coordinates) - choice.unpicked
    plan = Plan(
        kind="datatree" if any(contents.is_hierarchy for contents in files) else "dataset",
        parts=tuple(_part(part, values) for part in parts),
        dim=dim,
        grid=() if grid is None else grid.dims,
        labels=None if labels is None else labels.values,
        labels_are_times=labels is not None and labels.are_times,
        labels_source="" if labels is None else labels.source,
        drop=drop,
        load=tuple(sorted(load)),
        coordinates=tuple(sorted(coordinates - choice.unpicked)),
        dims=_dims_to_offer(files, differing),
    )
    plan = replace(plan, repair=choice.repair and plan.can_repair)
    unreadable = tuple(_unreadable(url, problem) for url, problem in (failed or {}).items())
    found = findings_of(plan, parts)
    groups = _groups(plan, parts, found)
    if choice.how == "split" and plan.can_split:
        plan, parts = _split(plan, groups, values), groups
        found = findings_of(plan, parts)
    plan = replace(plan, groups=tuple(tuple(one.url for one in group) for group in groups))
    findings = (*unreadable, *_with_split(plan, found))
    plan = replace(plan, findings=findings, variables=_variable_rows(files, findings))
    plan = with_predictions(plan, parts)
    return replace(plan, sentence=sentence_of(plan, parts, unreadable=len(unreadable)))


def _grid(parts: list[list[Contents]], choice: Choice, differing: list[str]) -> Grid | None:
    """Return the files as a grid, where that is what they are and nobody wants it otherwise."""
    is_free = choice.how in {"auto", "concat"} and not choice.dim and choice.order == "coordinate"
    if not is_free or len(parts) > 1 or any(one.is_hierarchy for one in parts[0]):
        return None
    return grid_of(parts[0], differing)


def _groups(
    plan: Plan, parts: list[list[Contents]], findings: Sequence[Finding]
) -> list[list[Contents]]:
    """Return the files in groups that fit together; one where all do."""
    files = [contents for part in parts for contents in part]
    if all(finding.problem.severity != "error" for finding in findings):
        return [files]
    return fitting_groups(plan, files, findings if len(parts) == 1 else None)


def _split(plan: Plan, groups: list[list[Contents]], values: set[str]) -> Plan:
    """Make a part of each group of files that agree."""
    return replace(plan, parts=tuple(_part(group, values) for group in groups), split=True)


def _with_split(plan: Plan, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Offer to split files into groups, where that sets them apart."""
    remedy = None if plan.split or not plan.can_split else split_remedy(len(plan.groups))
    if remedy is None:
        return tuple(findings)
    return tuple(
        replace(one, remedies=(*one.remedies[:1], remedy, *one.remedies[1:]))
        if one.problem.severity == "error" and len(one.groups) > 1
        else one
        for one in findings
    )


def _part(part: Sequence[Contents], values: set[str]) -> Part:
    here = {path for contents in part for path in contents.arrays}
    return Part(tuple(contents.url for contents in part), tuple(sorted(values & here)))


def _unreadable(url: str, problem: Problem) -> Finding:
    remedy = Remedy(f"Leave out {name_of(url)}", {"type": "LeaveOut", "urls": [url]})
    return Finding(replace(problem, severity="warning"), (url,), (remedy,))


def _differing_dims(files: Sequence[Contents]) -> list[str]:
    """Names of the dimensions whose coordinate values differ between files, likely ones first."""
    first_seen: dict[str, None] = {}
    for path, count in Counter(p for c in files for p in c.coordinates()).items():
        if count < 2:
            continue
        values = [contents.decoded(path) for contents in files if path in contents.arrays]
        if any(not _same(values[0], other) for other in values[1:]):
            first_seen.setdefault(path.rpartition("/")[2])
    return sorted(
        first_seen, key=lambda name: _FIRST_DIMS.index(name) if name in _FIRST_DIMS else 99
    )


def _parts(files: Sequence[Contents], choice: Choice, differing: list[str]) -> list[list[Contents]]:
    """Group files by their sets of variables where these complement each other."""
    if choice.how in {"concat", "single", "split"} or len(files) == 1:
        return [list(files)]
    groups: dict[frozenset[str], list[Contents]] = {}
    for contents in files:
        picked = frozenset(path for path in contents.arrays if path not in choice.unpicked)
        groups.setdefault(picked, []).append(contents)
    parts = list(groups.values())
    if choice.how == "merge" or len(parts) == 1:
        return parts
    # Files that lack a variable by accident lie elsewhere along a dimension; files that
    # complement each other lie at the same places.
    places = [sorted(_place(contents, differing) for contents in part) for part in parts]
    same_places = all(place == places[0] for place in places[1:])
    return parts if same_places else [list(files)]


def _place(contents: Contents, differing: list[str]) -> tuple[str, ...]:
    """Say where a file lies along the dimensions that distinguish files."""
    place = []
    for path in contents.coordinates():
        if path.rpartition("/")[2] in differing:
            values = contents.decoded(path)
            place.append(f"{path}: {_ends(values)}")
    return tuple(sorted(place))


def _ends(values: np.ndarray[Any, Any] | None) -> str:
    if values is None or not values.size:
        return "empty"
    return f"{values.reshape(-1)[0]} {values.reshape(-1)[-1]} {values.size}"


def _dim(parts: list[list[Contents]], choice: Choice, differing: list[str]) -> tuple[str, bool]:
    """Return the dimension to join along, and whether it is a new one."""
    if choice.dim:
        exists = any(
            choice.dim in dims_of(array)
            for part in parts
            for contents in part
            for path, array in contents.arrays.items()
            if path not in choice.unpicked
        )
        return choice.dim, not exists
    return (differing[0], False) if differing else ("", True)


def _ordered(part: list[Contents], dim: str, order: Order) -> list[Contents]:
    by_name = sorted(part, key=lambda contents: natural_key(name_of(contents.url)))
    if order == "name":
        return by_name
    firsts: list[Any] = [_first_value(contents, dim) for contents in by_name]
    if any(first is None for first in firsts):
        return by_name
    falling = sum(_falls(contents, dim) for contents in by_name) * 2 > len(by_name)
    try:
        ranked = sorted(range(len(by_name)), key=lambda i: firsts[i], reverse=falling)
    except TypeError:
        return by_name
    return [by_name[i] for i in ranked]


def _coordinate_of(contents: Contents, dim: str) -> np.ndarray[Any, Any] | None:
    for path in contents.coordinates():
        if path.rpartition("/")[2] == dim:
            return contents.decoded(path)
    return None


def _first_value(contents: Contents, dim: str) -> object:
    values = _coordinate_of(contents, dim)
    return None if values is None or not values.size else values.reshape(-1)[0]


def _falls(contents: Contents, dim: str) -> bool:
    values = _coordinate_of(contents, dim)
    if values is None or values.size < 2:
        return False
    return bool(values.reshape(-1)[0] > values.reshape(-1)[-1])


def _labelled(parts: list[list[Contents]], choice: Choice) -> tuple[Labels, list[list[Contents]]]:
    """Order files for a new dimension and give each its coordinate value."""
    parts = [_ordered(part, "", "name") for part in parts]
    labels = labels_of(parts[0])
    if labels.are_times and choice.order == "coordinate":
        ranked = sorted(range(len(labels.values)), key=labels.values.__getitem__)
        labels = labels._replace(values=tuple(labels.values[i] for i in ranked))
        parts = [[part[i] for i in ranked] if len(part) == len(ranked) else part for part in parts]
    return labels, parts


def _dims_to_offer(files: Sequence[Contents], differing: list[str]) -> tuple[str, ...]:
    names = dict.fromkeys(differing)
    for contents in files[:_MAX_DIMS]:
        for array in contents.arrays.values():
            names.update(dict.fromkeys(dims_of(array)))
    return tuple(names)[:_MAX_DIMS]


def _variable_rows(files: Sequence[Contents], findings: Sequence[Any]) -> tuple[VariableRow, ...]:
    rows: dict[str, list[Any]] = {}
    for contents in files:
        for path, array in contents.arrays.items():
            row = rows.setdefault(path, [dims_of(array), {}, {}, 0])
            row[1].setdefault(dtype_text(array.dtype))
            row[2].setdefault(lengths_text(array.chunk_lengths, separator=" × "))
            row[3] += 1
    coordinates = {path for contents in files for path in contents.coordinates()}
    problems = Counter(finding.problem.variable for finding in findings)
    for contents in files:
        problems.update(problem.variable for problem in contents.root.all_problems())
    return tuple(
        VariableRow(
            path=path,
            dims=dims,
            dtypes=tuple(dtypes),
            chunks=tuple(chunks),
            present=present,
            total=len(files),
            problems=problems[path],
            is_coordinate=path in coordinates,
        )
        for path, (dims, dtypes, chunks, present) in rows.items()
    )


def _same(left: np.ndarray[Any, Any] | None, right: np.ndarray[Any, Any] | None) -> bool:
    if left is None or right is None:
        return left is right
    if left.shape != right.shape:
        return False
    equal_nan = left.dtype.kind in "fcmM" and right.dtype.kind in "fcmM"
    return bool(np.array_equal(left, right, equal_nan=equal_nan))
