"""Whether files follow one another along a coordinate: overlaps, repeats, gaps, directions."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from zarrchive.combine.plan import Finding
from zarrchive.combine.remedies import files_named, leave_out_files
from zarrchive.combine.texts import value_text
from zarrchive.errors import Problem
from zarrchive.location import name as name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.combine.contents import Contents
    from zarrchive.combine.plan import Plan

__all__ = ["findings_of_sequence"]

_GAP: Final = 1.5
"""Times the usual step: what is longer is a gap."""
_MOST: Final = 20
"""Places that are named one by one."""


class _Span(NamedTuple):
    """The values of the coordinate in one file."""

    url: str
    values: np.ndarray[Any, Any]


def findings_of_sequence(plan: Plan, part: Sequence[Contents]) -> list[Finding]:
    """Look at the coordinate that files are joined along, in the order in which they will be.

    Codes: ``combine-overlap``, ``combine-duplicates``, ``combine-direction``, ``combine-gap``.
    """
    paths = [path for path in plan.coordinates if path.rpartition("/")[2] == plan.dim]
    if plan.is_new_dim or not paths:
        return []
    path = paths[0]
    decoded = [(c.url, c.decoded(path)) for c in part if path in c.arrays]
    spans = [_Span(url, v.reshape(-1)) for url, v in decoded if v is not None and v.size]
    if not spans or len({span.values.dtype.kind for span in spans}) > 1:
        return []
    is_rising = len(spans) < 2 or bool(spans[0].values[0] <= spans[-1].values[-1])
    overlaps = _overlaps(path, spans, is_rising=is_rising)
    return [
        *overlaps,
        *_duplicates(path, spans),
        *_directions(path, spans, is_rising=is_rising),
        *([] if overlaps else _gaps(path, spans)),
    ]


def _overlaps(path: str, spans: Sequence[_Span], *, is_rising: bool) -> list[Finding]:
    """Name neighbours whose values do not follow each other."""
    found = []
    for left, right in pairwise(spans):
        before, after = left.values, right.values
        follows = before[-1] < after[0] if is_rising else before[-1] > after[0]
        if bool(follows):
            continue
        what = (
            f"it begins at {value_text(after[0])}, but {name_of(left.url)} before it ends at "
            f"{value_text(before[-1])}"
        )
        hint = "leave one of the two files out if they hold the same steps"
        remedies = (leave_out_files([right.url]), leave_out_files([left.url]))
        problem = _warning("combine-overlap", right.url, path, what, hint)
        found.append(Finding(problem, (right.url,), remedies))
    return found


def _duplicates(path: str, spans: Sequence[_Span]) -> list[Finding]:
    """Count values that come more than once, and name the files that hold the second."""
    values = np.concatenate([span.values for span in spans])
    file = np.repeat(np.arange(len(spans)), [span.values.size for span in spans])
    try:
        _, first, count = np.unique(values, return_index=True, return_counts=True)
    except TypeError:
        return []  # of a kind that has no order
    if not (count > 1).any():
        return []
    is_repeat = np.ones(values.size, dtype=bool)
    is_repeat[first] = False
    urls = tuple(spans[number].url for number in np.unique(file[is_repeat]).tolist())
    repeated = values[is_repeat]
    what = (
        f"{repeated.size} of {values.size} values come more than once, such as "
        f"{value_text(repeated[0])} in {files_named(urls)}"
    )
    hint = "leave out the files that repeat what others have"
    problem = _warning("combine-duplicates", urls[0], path, what, hint)
    return [Finding(problem, urls, (leave_out_files(urls),))]


def _directions(path: str, spans: Sequence[_Span], *, is_rising: bool) -> list[Finding]:
    """Name files whose values run against those of the others."""
    against = [
        span.url
        for span in spans
        if span.values.size > 1 and bool(span.values[0] < span.values[-1]) != is_rising
    ]
    if not against or len(spans) < 2:
        return []
    words = ("falls", "rises") if is_rising else ("rises", "falls")
    what = f"it {words[0]} in {files_named(against)}, but {words[1]} over the files"
    hint = "reverse it in preprocess, or leave the files out"
    problem = _warning("combine-direction", against[0], path, what, hint)
    return [Finding(problem, tuple(against), (leave_out_files(against),))]


def _gaps(path: str, spans: Sequence[_Span]) -> list[Finding]:
    """Name neighbours between which there is more than the usual step."""
    values = np.concatenate([span.values for span in spans])
    if values.dtype.kind not in "fiumM" or values.size < 3:
        return []
    steps = np.abs(np.diff(values))
    usual = np.sort(steps)[steps.size // 2]
    ends = np.cumsum([span.values.size for span in spans])[:-1] - 1
    wide = [number for number, end in enumerate(ends.tolist()) if steps[end] > _GAP * usual]
    found: list[Finding] = []
    for number in wide[:_MOST]:
        left, right = spans[number], spans[number + 1]
        what = (
            f"between {value_text(left.values[-1])} in {name_of(left.url)} and "
            f"{value_text(right.values[0])} here are {_said(steps[ends[number]])}, elsewhere "
            f"{_said(usual)}"
        )
        if len(found) == _MOST - 1 and len(wide) > _MOST:
            what += f"; {len(wide) - _MOST} more such gaps follow"
        hint = "look whether a file is missing"
        problem = _warning("combine-gap", right.url, path, what, hint)
        found.append(Finding(problem, (right.url,)))
    return found


def _said(step: Any) -> str:  # noqa: ANN401 - a number or a duration
    if isinstance(step, np.timedelta64):
        seconds = step / np.timedelta64(1, "s")
        for length, name in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
            if seconds >= length and seconds % length == 0:
                count = seconds / length
                return f"{count:g} {name}{'' if count == 1 else 's'}"
        return f"{seconds:g} seconds"
    return f"{step:g}"


def _warning(code: str, where: str, path: str, what: str, hint: str) -> Problem:
    return Problem(code=code, where=where, variable=path, what=what, hint=hint, severity="warning")
