"""Exceptions of any origin as Problems."""

from __future__ import annotations

from zarrchive.errors import Problem, ZarrchiveError
from zarrchive.location import redact_text

__all__ = ["problem_of", "problems_of"]


def problem_of(error: BaseException, where: str) -> Problem:
    """Return the Problem of an exception; one that nobody expected is named as such."""
    return problems_of(error, where)[0]


def problems_of(error: BaseException, where: str) -> tuple[Problem, ...]:
    """Return the Problems that an exception carries."""
    if isinstance(error, ZarrchiveError):
        return tuple(error.problems)
    reason = redact_text(str(error)).strip() or "no reason given"
    return (
        Problem(
            code="unexpected-error",
            where=where,
            what=f"{type(error).__name__}: {reason[:2000]}",
            hint="try again with fewer files; if it stays, report it with the file it happens to",
        ),
    )
