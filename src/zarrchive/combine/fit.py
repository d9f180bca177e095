"""Where files do not fit together, with both values, the files, and the ways out."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Final

import numpy as np

from zarrchive.bridge.storing_alike import COPIED_GLADLY
from zarrchive.combine.aspects import ASPECTS, Aspect, is_time
from zarrchive.combine.contents import dims_of
from zarrchive.combine.other_attributes import findings_of_attributes
from zarrchive.combine.plan import Agreeing, Finding, Remedy
from zarrchive.combine.remedies import files_named, leave_out_files, leave_out_variable
from zarrchive.combine.sequence import findings_of_sequence
from zarrchive.combine.texts import size_text
from zarrchive.combine.values_compared import values_that_differ
from zarrchive.errors import ManifestError, Problem
from zarrchive.location import name as name_of
from zarrchive.manifests.cutting import is_raw
from zarrchive.manifests.joint_codecs import joint_codecs
from zarrchive.manifests.rectilinear import ends_within_chunk, line_up, obstacle_to_lengths
from zarrchive.manifests.unlike_chunks import as_they_lie

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from zarrchive.combine.contents import Contents
    from zarrchive.combine.plan import Plan
    from zarrchive.manifests import ManifestArray

__all__ = ["findings_of"]

_MAX_FINDINGS: Final = 500
_REPEATED: Final = (
    "nothing, if the values of the files that lack dimensions count for all places along them"
)


def findings_of(plan: Plan, parts: Sequence[Sequence[Contents]]) -> tuple[Finding, ...]:
    """Compare every picked variable over the files of each part, and between parts."""
    found: list[Finding] = []
    for part in parts:
        if len(part) > 1:
            found.extend(_findings_of_part(plan, part))
    if len(parts) > 1 and not plan.split:
        found.extend(_findings_between(plan, parts))
    return tuple(_with_repair(plan, finding) for finding in found[:_MAX_FINDINGS])


def _with_repair(plan: Plan, finding: Finding) -> Finding:
    """Offer to repair what can be; where that is chosen, it no longer stands in the way."""
    problem = finding.problem
    if not (plan.can_repair and finding.may_be_repaired and problem.severity == "error"):
        return finding
    if not plan.repair:
        label = f"Repair it, if no number changes{_cost(finding)}"
        remedy = Remedy(label, {"type": "ChooseCombine", "repair": True})
        return replace(finding, remedies=(remedy, *finding.remedies))
    hint = "nothing, if it can be repaired without changing a number; combining says so"
    return replace(finding, problem=replace(problem, severity="warning", hint=hint))


def _cost(finding: Finding) -> str:
    if finding.lies_ready:
        return "; nothing is copied, and readers need zarr 3.2 or newer"
    return f"; {size_text(finding.nbytes)} are copied" if finding.nbytes else ""


def _findings_of_part(plan: Plan, part: Sequence[Contents]) -> list[Finding]:
    found: list[Finding] = []
    paths = dict.fromkeys(path for contents in part for path in contents.arrays)
    for path in paths:
        if path in plan.drop:
            continue
        having = [contents for contents in part if path in contents.arrays]
        if len(having) < len(part):
            found.append(_lacking(path, having, part))
            continue
        varies = plan.is_new_dim and not having[0].is_coordinate(path)
        varies = varies or not set(plan.along).isdisjoint(dims_of(having[0].arrays[path]))
        is_virtual = path not in plan.load and path not in plan.coordinates
        found.extend(_aspects_that_differ(plan, path, having, varies, is_virtual=is_virtual))
        if varies and is_virtual and not plan.is_new_dim:
            found.extend(_ragged(plan, path, having))
        if not varies:
            found.extend(values_that_differ(path, having))
        elif plan.grid and not having[0].is_coordinate(path):
            found.extend(_differing_beside(plan, path, having))
    for one, files in _lines(plan, part):
        found.extend(findings_of_sequence(one, files))
    found.extend(findings_of_attributes(part))
    return found


def _lines(plan: Plan, part: Sequence[Contents]) -> Iterator[tuple[Plan, Sequence[Contents]]]:
    """Yield files that follow one another along one dimension: all, or the edges of a grid."""
    if not plan.grid or len(part) != prod(count for _, count in plan.grid):
        yield plan, part
        return
    counts = [count for _, count in plan.grid]
    for axis, (dim, count) in enumerate(plan.grid):
        step = prod(counts[axis + 1 :])
        yield replace(plan, dim=dim, grid=()), part[: step * count : step]


def _differing_beside(plan: Plan, path: str, having: Sequence[Contents]) -> list[Finding]:
    """Compare a variable that lacks a dimension of the grid between files along that dimension."""
    names = dims_of(having[0].arrays[path])
    counts = [count for _, count in plan.grid]
    if set(plan.along).issubset(names) or len(having) != prod(counts):
        return []
    groups: dict[tuple[int, ...], list[Contents]] = {}
    for number, contents in enumerate(having):
        place = zip(plan.along, np.unravel_index(number, counts), strict=True)
        groups.setdefault(tuple(int(n) for dim, n in place if dim in names), []).append(contents)
    for files in groups.values():
        if found := values_that_differ(path, files):
            return found
    return []


def _findings_between(plan: Plan, parts: Sequence[Sequence[Contents]]) -> list[Finding]:
    """Compare what several parts have in common: merging takes it from the first."""
    found: list[Finding] = []
    if plan.is_new_dim and len({len(part) for part in parts}) > 1:
        found.append(_unequal_parts(plan, parts))
    firsts = [part[0] for part in parts]
    paths = dict.fromkeys(path for contents in firsts for path in contents.arrays)
    for path in paths:
        having = [contents for contents in firsts if path in contents.arrays]
        if path in plan.drop or len(having) < 2:
            continue
        shapes = {contents.arrays[path].shape for contents in having}
        if len(shapes) > 1:
            found.extend(
                _differences(
                    path,
                    having,
                    [str(contents.arrays[path].shape) for contents in having],
                    Aspect(
                        "combine-shape",
                        "shape",
                        "leave the variable or one of the files out",
                        lambda array, _: array.shape,
                    ),
                    can_load=False,
                )
            )
        else:
            found.extend(values_that_differ(path, having))
    return found


def _unequal_parts(plan: Plan, parts: Sequence[Sequence[Contents]]) -> Finding:
    fewest, most = min(parts, key=len), max(parts, key=len)
    problem = Problem(
        code="combine-parts",
        where=fewest[0].url,
        what=f"{len(fewest)} files have the variables of {name_of(fewest[0].url)}, but "
        f"{len(most)} those of {name_of(most[0].url)}, so {plan.dim} has no common length",
        hint="leave out the files of one set, or join instead of merging",
    )
    return Finding(problem, tuple(contents.url for contents in fewest))


def _aspects_that_differ(
    plan: Plan,
    path: str,
    having: Sequence[Contents],
    varies: bool,  # noqa: FBT001 - along what is joined
    *,
    is_virtual: bool,
) -> list[Finding]:
    is_virtual = is_virtual and varies
    model = having[0].arrays[path]
    axes = _axes(model, plan)
    known = {contents.url: _in_order_of(model, contents.arrays[path]) for contents in having}
    found = []
    for aspect in ASPECTS:
        if aspect.only_virtual and not is_virtual:
            continue
        if aspect.code == "combine-packing" and _decodes(plan, path, having):
            continue
        arrays = list(known.values())
        if aspect.code == "combine-codecs" and (
            len({array.dtype for array in arrays}) > 1 or joint_codecs(arrays) is not None
        ):
            continue  # of other types, which is said, or such as other levels of compression
        if aspect.code == "combine-chunks" and _line_up(plan, arrays, axes):
            continue
        values = [aspect.of(array, axes) for array in arrays]
        if len(set(values)) > 1:
            judged = aspect if varies or aspect.is_error_apart else replace(aspect, is_error=False)
            if aspect.code == "combine-dims" and _can_be_repeated(arrays):
                judged = replace(aspect, is_error=False, hint=_REPEATED)
            differing = _differences(
                path, having, list(map(str, values)), judged, can_load=is_virtual
            )
            if aspect.code == "combine-chunks" and _end_within_chunks(arrays, axes):
                # Chunks of no length line up: all are copied.
                differing = [_of_lengths(finding, arrays, axes) for finding in differing]
            found.extend(differing)
            if aspect.code in {"combine-dims", "combine-shape"}:
                break  # what follows would follow from it
    return found


def _in_order_of(model: ManifestArray, array: ManifestArray) -> ManifestArray:
    """Return an array with the dimensions in the order of another's, as joining puts them."""
    mine, theirs = dims_of(model), dims_of(array)
    if mine == theirs or set(mine) != set(theirs) or len(set(mine)) < len(mine):
        return array
    try:
        return array.transpose([theirs.index(dim) for dim in mine])
    except ManifestError:
        return array


def _can_be_repeated(arrays: Sequence[ManifestArray]) -> bool:
    """Tell whether values that lack dimensions are at hand, to be repeated along them."""
    whole = max(arrays, key=lambda array: array.ndim)
    return all(
        dims_of(array) == dims_of(whole)
        or (set(dims_of(array)) < set(dims_of(whole)) and not array.manifest.nrefs)
        for array in arrays
    )


def _end_within_chunks(arrays: Sequence[ManifestArray], axes: Sequence[int]) -> bool:
    """Tell whether files end within chunks of the usual shape, so that none can follow them."""
    for axis in axes:
        usual, _ = Counter(array.chunk_lengths[axis] for array in arrays).most_common(1)[0]
        if isinstance(usual, int) and any(array.shape[axis] % usual for array in arrays[:-1]):
            return True
    return False


def _line_up(plan: Plan, arrays: Sequence[ManifestArray], axes: Sequence[int]) -> bool:
    """Tell whether chunks continue from file to file, as they are or cut."""
    if len(axes) < 2:
        return line_up(arrays, axes[0] if axes else None)
    alike = len({array.chunk_lengths for array in arrays}) == 1
    return all(map(is_raw, arrays)) or (alike and not _dangling(plan, arrays, axes))


def _dangling(plan: Plan, arrays: Sequence[ManifestArray], axes: Sequence[int]) -> dict[int, int]:
    """Return the files, by number, that end within a chunk while others follow; and the axis."""
    if len(axes) < 2:
        inner = range(len(arrays) - 1)
        return {i: axis for axis in axes for i in inner if ends_within_chunk(arrays[i], axis)}
    counts = [count for _, count in plan.grid]
    names = dims_of(arrays[0])
    found: dict[int, int] = {}
    if len(arrays) != prod(counts):
        return found  # a part of the grid
    for number, array in enumerate(arrays):
        place = np.unravel_index(number, counts)
        for position, (dim, count) in zip(place, plan.grid, strict=True):
            if dim in names and position < count - 1:
                axis = names.index(dim)
                if ends_within_chunk(array, axis):
                    found.setdefault(number, axis)
    return found


def _decodes(plan: Plan, path: str, having: Sequence[Contents]) -> bool:
    """Tell whether values are joined as times, whatever date the numbers count from."""
    return path in plan.coordinates and all(is_time(c.arrays[path]) for c in having)


def _differences(
    path: str,
    having: Sequence[Contents],
    values: Sequence[str],
    aspect: Aspect,
    *,
    can_load: bool,
) -> list[Finding]:
    """One finding for each value that is not the most common one."""
    files: dict[str, list[str]] = {}
    for contents, value in zip(having, values, strict=True):
        files.setdefault(value, []).append(contents.url)
    usual = max(files, key=lambda value: len(files[value]))
    ordered = sorted(files, key=lambda value: -len(files[value]))
    groups = tuple(Agreeing(value, tuple(files[value])) for value in ordered)
    arrays = {contents.url: contents.arrays[path] for contents in having}
    found = []
    for value, urls in files.items():
        if value == usual:
            continue
        remedies = [leave_out_files(urls), leave_out_variable(path)]
        if can_load and aspect.only_virtual:
            remedies.insert(0, _load(path, having))
        problem = Problem(
            code=aspect.code,
            where=urls[0],
            variable=path,
            what=f"{aspect.says} is {value} in {files_named(urls)}, but {usual} in "
            f"{files_named(files[usual])}",
            hint=aspect.hint,
            severity="error" if aspect.is_error else "warning",
        )
        nbytes = sum(_nbytes(arrays[url]) for url in urls)
        can = aspect.may_be_repaired
        found.append(Finding(problem, tuple(urls), tuple(remedies), groups, nbytes, can))
    return found


def _lacking(path: str, having: Sequence[Contents], part: Sequence[Contents]) -> Finding:
    have = {contents.url for contents in having}
    lack = [contents.url for contents in part if contents.url not in have]
    problem = Problem(
        code="combine-missing-variable",
        where=lack[0],
        variable=path,
        what=f"it is not in {files_named(lack)}, but in {files_named([c.url for c in having])}",
        hint="leave the variable out, or the files that lack it",
    )
    remedies = (leave_out_variable(path), leave_out_files(lack))
    present = tuple(contents.url for contents in having)
    groups = (Agreeing("present", present), Agreeing("missing", tuple(lack)))
    return Finding(problem, tuple(lack), remedies, groups, may_be_repaired=True)


def _ragged(plan: Plan, path: str, having: Sequence[Contents]) -> list[Finding]:
    arrays = [contents.arrays[path] for contents in having]
    axes = _axes(arrays[0], plan)
    if len({dims_of(array) for array in arrays}) > 1:
        return []  # which is said
    partial = _dangling(plan, arrays, axes)
    chunks = {array.chunk_lengths for array in arrays}
    if not partial or len(chunks) > 1 or _line_up(plan, arrays, axes):
        return []
    number, axis = next(iter(partial.items()))
    array, files = arrays[number], [having[i].url for i in partial]
    same = [having[i].url for i, other in partial.items() if other == axis]
    problem = Problem(
        code="combine-ragged",
        where=files[0],
        variable=path,
        what=f"{array.shape[axis]} steps along {dims_of(array)[axis]} in {files_named(same)} do "
        f"not fill chunks of {array.chunk_lengths[axis]}, and only the last file may end within "
        "a chunk",
        hint="put its values into the export, or leave the variable out",
    )
    remedies = (_load(path, having), leave_out_variable(path))
    finding = Finding(problem, tuple(files), remedies, may_be_repaired=True)
    return [_of_lengths(finding, arrays, axes)]


def _of_lengths(finding: Finding, arrays: Sequence[ManifestArray], axes: Sequence[int]) -> Finding:
    """State what repairing chunks of unlike length takes, which concerns all files."""
    nbytes = sum(map(_nbytes, arrays))
    lies_ready = nbytes > COPIED_GLADLY and (
        as_they_lie(arrays, axes[0]) is not None
        if len(axes) == 1
        else not any(obstacle_to_lengths(array, axis) for array in arrays for axis in axes)
    )
    return replace(finding, nbytes=nbytes, lies_ready=lies_ready)


def _axes(array: ManifestArray, plan: Plan) -> list[int]:
    names = dims_of(array)
    return [names.index(dim) for dim in plan.along if dim in names]


def _nbytes(array: ManifestArray) -> int:
    return prod(array.shape) * (array.dtype.itemsize or 8)


def _load(path: str, having: Sequence[Contents]) -> Remedy:
    nbytes = sum(_nbytes(contents.arrays[path]) for contents in having)
    return Remedy(
        f"Put values of {path} into the export ({size_text(nbytes)})",
        {"type": "SetLoad", "paths": [path], "on": True},
    )
