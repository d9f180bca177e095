"""Which work in the background an action calls for: a pure function of the states around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from zarrchive.session import actions as a
from zarrchive.session import results as r

if TYPE_CHECKING:
    from zarrchive.session.state import FormatId, SessionState

__all__ = [
    "Effect",
    "Forget",
    "JudgeFormats",
    "ListLocation",
    "LookInto",
    "MakePlan",
    "RunPlan",
    "SniffFiles",
    "StopTask",
    "WriteExport",
    "effects_of",
]


@dataclass(frozen=True, slots=True)
class ListLocation:
    """List a location."""

    key: int
    url: str


@dataclass(frozen=True, slots=True)
class SniffFiles:
    """Read the first bytes of files."""

    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LookInto:
    """Read the structure of the file that is looked at."""

    url: str


@dataclass(frozen=True, slots=True)
class MakePlan:
    """Read the structure of the files of the collection, and propose a plan."""

    key: int


@dataclass(frozen=True, slots=True)
class RunPlan:
    """Carry the plan out."""

    key: int


@dataclass(frozen=True, slots=True)
class JudgeFormats:
    """Ask every writer what it makes of the combined dataset."""

    key: int
    zarr_format: Literal[2, 3]


@dataclass(frozen=True, slots=True)
class WriteExport:
    """Write the combined dataset."""

    key: int
    format: FormatId
    path: str
    zarr_format: Literal[2, 3]


@dataclass(frozen=True, slots=True)
class StopTask:
    """Ask a task to stop."""

    id: str


@dataclass(frozen=True, slots=True)
class Forget:
    """Forget what was read of files."""


Effect: TypeAlias = (
    ListLocation
    | SniffFiles
    | LookInto
    | MakePlan
    | RunPlan
    | JudgeFormats
    | WriteExport
    | StopTask
    | Forget
)


def effects_of(before: SessionState, action: r.Action, after: SessionState) -> tuple[Effect, ...]:
    """Return the work that the step from `before` to `after` calls for, in order."""
    found: list[Effect] = []
    if isinstance(action, a.Refresh):
        found.append(Forget())
    if isinstance(action, a.Cancel):
        found.append(StopTask(action.task))
    if after.location.key != before.location.key:
        found.append(ListLocation(after.location.key, after.location.url))
    look = after.look
    if look.status == "loading" and look != before.look and look.file is not None:
        moved = look.version != before.look.version
        found.extend([LookInto(look.file)] if moved else [])
    if after.collection.entries is not before.collection.entries:
        fresh = tuple(url for url in after.collection.entries if url not in after.sniffed)
        found.extend([SniffFiles(fresh)] if fresh else [])
    found.extend(_effects_of_combining(before, after))
    return tuple(found)


def _effects_of_combining(before: SessionState, after: SessionState) -> list[Effect]:
    found: list[Effect] = []
    old, new = before.combine, after.combine
    begun = (new.status, new.key) != (old.status, old.key)
    if begun and (new.status == "scanning" or (new.status == "running" and new.plan is None)):
        found.append(MakePlan(new.key))
    if begun and new.status == "running":
        found.append(RunPlan(new.key))
    if new.status == "done":
        arrived = old.status != "done"
        changed = after.export.zarr_format != before.export.zarr_format
        if arrived or changed:
            found.append(JudgeFormats(new.key, after.export.zarr_format))
    export = after.export
    if export.status == "running" and before.export.status != "running":
        found.append(WriteExport(new.key, export.format, export.path, export.zarr_format))
    return found
