"""What background work reports: the other way in which the state may change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from zarrchive.session.actions import UserAction

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zarrchive.combine.plan import Plan
    from zarrchive.errors import Problem
    from zarrchive.location.listing import FolderEntry
    from zarrchive.session.state import ExportFormat, Result, Scan, Sniff, Task, Written

__all__ = [
    "Action",
    "CombineFailed",
    "Combined",
    "ExportFailed",
    "Exported",
    "FormatsJudged",
    "InternalAction",
    "Listed",
    "ListingFailed",
    "Looked",
    "Planned",
    "Rejected",
    "Scanned",
    "Sniffed",
    "TaskEnded",
    "TaskProgressed",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A message was not an action."""

    problem: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A location was listed."""

    key: int
    url: str
    entries: tuple[FolderEntry, ...]
    file: str | None = None
    """The file that was asked for, where its folder was listed instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingFailed:
    """A location cannot be listed."""

    key: int
    problem: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Sniffed:
    """The first bytes of files were read."""

    formats: Mapping[str, Sniff]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """The file that is looked at was read, or could not be."""

    url: str
    problem: Problem | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """Files of the collection were read, or could not be."""

    scans: Mapping[str, Scan]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """All files are scanned and there is a plan for them."""

    key: int
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Combined:
    """The plan was carried out."""

    key: int
    result: Result
    problems: tuple[Problem, ...] = ()
    """What was repaired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CombineFailed:
    """The plan could not be made or carried out."""

    key: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatsJudged:
    """Each export format was judged for the combined dataset."""

    key: int
    formats: tuple[ExportFormat, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """The dataset was written."""

    report: Written


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFailed:
    """The dataset was not written; what was at the destination is untouched."""

    problem: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProgressed:
    """A task started, or got on."""

    task: Task


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEnded:
    """A task came to its end."""

    id: str
    status: Literal["cancelled", "done", "failed"]


InternalAction: TypeAlias = (
    Rejected
    | Listed
    | ListingFailed
    | Sniffed
    | Looked
    | Scanned
    | Planned
    | Combined
    | CombineFailed
    | FormatsJudged
    | Exported
    | ExportFailed
    | TaskProgressed
    | TaskEnded
)
Action: TypeAlias = UserAction | InternalAction
