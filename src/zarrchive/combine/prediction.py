"""How many references a plan will make, and how much data they stand for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from zarrchive.combine.contents import dims_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from zarrchive.combine.contents import Contents
    from zarrchive.combine.plan import Plan, VariableRow
    from zarrchive.manifests import ManifestArray

__all__ = ["with_predictions"]


def with_predictions(plan: Plan, parts: Sequence[Sequence[Contents]]) -> Plan:
    """Return a plan whose variables say how many references and bytes they will have.

    Chunks that have to be cut make more references, repairs that copy values fewer.
    """
    return replace(plan, variables=tuple(_predicted(plan, parts, row) for row in plan.variables))


def _predicted(plan: Plan, parts: Sequence[Sequence[Contents]], row: VariableRow) -> VariableRow:
    if row.path in plan.drop:
        return row
    arrays = list(_arrays(plan, parts, row.path))
    is_loaded = row.path in plan.load or row.path in plan.coordinates
    return replace(
        row,
        references=0 if is_loaded else sum(array.manifest.nrefs for array in arrays),
        nbytes=sum(array.size * (array.dtype.itemsize or 8) for array in arrays),
    )


def _arrays(plan: Plan, parts: Sequence[Sequence[Contents]], path: str) -> Iterator[ManifestArray]:
    """Yield the arrays of which a variable of the result will consist."""
    was_taken = False
    for part in parts:
        having = [contents for contents in part if path in contents.arrays]
        if not having:
            continue
        first = having[0]
        varies = plan.is_new_dim and not first.is_coordinate(path)
        varies = varies or not set(plan.along).isdisjoint(dims_of(first.arrays[path]))
        if varies:
            yield from (contents.arrays[path] for contents in having)
        elif plan.split or not was_taken:
            yield first.arrays[path]
            was_taken = True
