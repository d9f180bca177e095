"""Problems: one vocabulary for exceptions, plans, reports and what the interface shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "CombineError",
    "FormatError",
    "LocationError",
    "ManifestError",
    "PluginError",
    "Problem",
    "Severity",
    "StaleSourceError",
    "WriteError",
    "ZarrchiveError",
]

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong, where it is, and what the reader of the message can do."""

    code: str
    """Stable kebab-case identifier; tests and docs refer to it, never to the prose."""
    where: str
    """The file (URL or path) or the argument that the problem is about."""
    what: str
    """What was found and what was expected, with both values."""
    hint: str
    """The next action, written as an instruction."""
    variable: str = ""
    """Absolute path of the variable or group in the file; empty when it is the whole file."""
    severity: Severity = "error"
    """``error``: something is left out or refused; ``warning``: usable, but worth knowing."""

    def __str__(self) -> str:
        place = f"{self.where}: {self.variable}" if self.variable else self.where
        return f"{place}: {self.what}\n  hint: {self.hint}  [{self.code}]"


class ZarrchiveError(Exception):
    """Base of every exception raised on purpose; carries its `Problem` (or several)."""

    def __init__(self, problem: Problem, *others: Problem) -> None:
        super().__init__(problem, *others)
        self.problem = problem
        self.problems: Sequence[Problem] = (problem, *others)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class ManifestError(ZarrchiveError, ValueError):
    """A chunk manifest or its metadata breaks an invariant, or an operation would need values."""


class FormatError(ZarrchiveError, ValueError):
    """A file is not valid for its format, or uses a feature that is not supported."""


class LocationError(ZarrchiveError, OSError):
    """A file, folder or URL cannot be reached, or is not something that can be read."""


class StaleSourceError(ZarrchiveError, OSError):
    """A source file is no longer the file that was scanned."""


class CombineError(ZarrchiveError, ValueError):
    """Files do not fit together."""


class WriteError(ZarrchiveError, ValueError):
    """A format cannot hold what was to be written, or the destination refuses it."""


class PluginError(ZarrchiveError, LookupError):
    """A reader or writer is not installed, or does not import."""
