"""A plan in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from zarrchive.combine.contents import dims_of
from zarrchive.combine.texts import size_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.combine.contents import Contents
    from zarrchive.combine.plan import Plan

__all__ = ["counted", "sentence_of"]

_MOST_SIZES: Final = 6
"""Groups of which it is said how many files they have."""


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return ``1 file`` or ``12 files``."""
    word = noun if count == 1 else plural or f"{noun}s"
    return f"{count:,} {word}"


def sentence_of(plan: Plan, parts: Sequence[Sequence[Contents]], *, unreadable: int = 0) -> str:
    """Say what the plan does: files, dimension, order, variables, what is loaded."""
    variables = {path for part in parts for contents in part for path in contents.arrays}
    picked = variables.difference(plan.drop)
    taken = counted(len(picked), "variable")
    if len(picked) < len(variables):
        taken = f"{len(picked):,} of {counted(len(variables), 'variable')}"
    loaded = len(plan.load)
    values = "all virtual" if not loaded else f"{counted(loaded, 'variable')} with values"
    refs = f"{counted(plan.references, 'reference')}, {size_text(plan.nbytes)} decoded"
    blocked = len(plan.errors)
    end = f"; {counted(blocked, 'problem')} to solve first" if blocked else ""
    if unreadable:
        stay = "stays" if unreadable == 1 else "stay"
        end = f"; {counted(unreadable, 'file')} cannot be read and {stay} out{end}"
    return f"{_joined(plan, parts)}: {_extent(plan, parts)}{taken}, {values}: {refs}{end}."


def _joined(plan: Plan, parts: Sequence[Sequence[Contents]]) -> str:
    files = counted(len(plan.files), "file")
    by_group = " group by group" if plan.kind == "datatree" else ""
    if plan.how == "single":
        return f"{files} as it is"
    order = _order(plan)
    if plan.how == "concat":
        return f"{files} joined{by_group} along {_dimension(plan)}{order}"
    if plan.how == "split":
        sizes = ", ".join(str(len(part)) for part in parts[:_MOST_SIZES])
        more = ", ..." if len(parts) > _MOST_SIZES else ""
        return (
            f"{files} in {counted(len(parts), 'group')} that agree ({sizes}{more}), each joined "
            f"along {_dimension(plan)}{order} into a group of a tree"
        )
    if not plan.dim:
        return f"{files} merged{by_group}"
    return (
        f"{files} in {len(parts)} sets of variables, each joined{by_group} along "
        f"{_dimension(plan)}{order}, then merged"
    )


def _dimension(plan: Plan) -> str:
    if plan.grid:
        *first, last = plan.along
        return f"{', '.join(first)} and {last}"
    return f"a new dimension {plan.dim}" if plan.is_new_dim else plan.dim


def _order(plan: Plan) -> str:
    if plan.is_new_dim:
        return f" by {plan.labels_source}" if plan.labels_are_times else " in order of file names"
    if plan.grid:
        return " in order of their values"
    has_values = any(path.rpartition("/")[2] == plan.dim for path in plan.coordinates)
    return " in order of its values" if has_values else " in order of file names"


def _extent(plan: Plan, parts: Sequence[Sequence[Contents]]) -> str:
    """Say how long the joined dimension becomes."""
    if not plan.dim:
        return ""
    if plan.grid:
        return f"{' x '.join(str(count) for _, count in plan.grid)} files, "
    if plan.is_new_dim:
        return f"{counted(len(plan.labels or ()), 'step')}, "
    counted_parts = parts if plan.split else parts[:1]
    lengths = [_length(contents, plan.dim) for part in counted_parts for contents in part]
    known = [length for length in lengths if length is not None]
    return f"{counted(sum(known), 'step')}, " if len(known) == len(lengths) else ""


def _length(contents: Contents, dim: str) -> int | None:
    for array in contents.arrays.values():
        names = dims_of(array)
        if dim in names:
            return int(array.shape[names.index(dim)])
    return None
