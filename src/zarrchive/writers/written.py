"""The report of what was written, as every writer gives it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from zarrchive.writers.protocol import WriteReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.errors import Problem
    from zarrchive.writers.plan import ReferencePlan

__all__ = ["report_of"]


def report_of(  # noqa: PLR0913 - what only the writer knows
    plan: ReferencePlan,
    *,
    path: str,
    format: str,  # noqa: A002 - as in the report
    size: int,
    start: float,
    warnings: Sequence[Problem] = (),
) -> WriteReport:
    """Report that `plan` was written, by a writer that began at `start` (`time.perf_counter`)."""
    return WriteReport(
        path=path,
        format=format,
        size=size,
        nrefs=sum(manifest.nrefs for manifest in plan.manifests),
        ninlined=sum(manifest.ninlined for manifest in plan.manifests),
        narrays=len(plan.manifests),
        problems=(*plan.problems, *warnings),
        seconds=time.perf_counter() - start,
    )
