"""State after background work has brought a result."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal, assert_never

from zarrchive.session import results as r
from zarrchive.session.listing_order import ordered_by_name, shown_entries
from zarrchive.session.state import Look

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zarrchive.errors import Problem
    from zarrchive.session.state import Scan, SessionState, Sniff, Task

__all__ = ["reduce_result"]

_MAX_ENDED: Final = 5
_MAX_MESSAGES: Final = 50


def reduce_result(state: SessionState, action: r.InternalAction) -> SessionState:  # noqa: C901, PLR0911, PLR0912 - one line per action
    """Return the state after a result; results that came too late change nothing."""
    match action:
        case r.Rejected(problem=problem):
            return _message(state, problem)
        case r.Listed():
            return _listed(state, action)
        case r.ListingFailed(key=key, problem=problem):
            if key != state.location.key:
                return state
            location = replace(state.location, status="failed", problem=problem)
            listing = replace(
                state.listing,
                entries=(),
                by_name=(),
                shown=(),
                version=state.listing.version + 1,
            )
            return replace(state, location=location, listing=listing)
        case r.Sniffed(formats=formats):
            return _sniffed(state, formats)
        case r.Looked():
            return _looked(state, action)
        case r.Scanned(scans=scans):
            return _scanned(state, scans)
        case r.Planned(key=key, plan=plan):
            if key != state.combine.key:
                return state
            status = state.combine.status if state.combine.status == "running" else "ready"
            version = state.combine.version + 1
            combine = replace(
                state.combine,
                plan=plan,
                variables=plan.variables,
                status=status,
                version=version,
            )
            return replace(state, combine=combine)
        case r.Combined(key=key, result=result, problems=problems):
            if key != state.combine.key:
                return state
            combine = replace(state.combine, status="done", result=result, problems=problems)
            return replace(state, combine=combine)
        case r.CombineFailed():
            return _combine_failed(state, action)
        case r.FormatsJudged(key=key, formats=formats):
            if key != state.combine.key:
                return state
            return replace(state, export=replace(state.export, formats=formats))
        case r.Exported(report=report):
            return replace(state, export=replace(state.export, status="done", report=report))
        case r.ExportFailed(problem=problem):
            return replace(state, export=replace(state.export, status="failed", problem=problem))
        case r.TaskProgressed(task=task):
            return _progressed(state, task)
        case r.TaskEnded(id=task_id, status=status):
            return _ended(state, task_id, status)
        case _:
            assert_never(action)


def _message(state: SessionState, problem: Problem) -> SessionState:
    return replace(state, messages=(*state.messages, problem)[-_MAX_MESSAGES:])


def _listed(state: SessionState, action: r.Listed) -> SessionState:
    if action.key != state.location.key:
        return state
    location = replace(state.location, url=action.url, status="ready", problem=None)
    listing = replace(
        state.listing,
        entries=action.entries,
        by_name=ordered_by_name(action.entries),
        version=state.listing.version + 1,
    )
    moved = action.url != state.location.url
    listing = replace(listing, filter="" if moved else listing.filter)
    listing = replace(listing, shown=shown_entries(listing, state.sniffed))
    state = replace(state, location=location, listing=listing)
    if action.file is None:
        return state
    look = Look(file=action.file, node="/", status="loading", version=state.look.version + 1)
    return replace(state, look=look, step="look")


def _sniffed(state: SessionState, formats: Mapping[str, Sniff]) -> SessionState:
    if not formats:
        return state
    sniffed = {**state.sniffed, **formats}
    listing = replace(state.listing, version=state.listing.version + 1)
    if listing.sort == "format":
        listing = replace(listing, shown=shown_entries(listing, sniffed))
    return replace(state, sniffed=sniffed, listing=listing)


def _looked(state: SessionState, action: r.Looked) -> SessionState:
    if action.url != state.look.file:
        return state
    look = replace(
        state.look,
        status="ready" if action.problem is None else "failed",
        problem=action.problem,
        problems=action.problems,
        version=state.look.version + 1,
    )
    return replace(state, look=look)


def _scanned(state: SessionState, scans: Mapping[str, Scan]) -> SessionState:
    known = {url: scan for url, scan in scans.items() if url in state.collection.entries}
    if not known:
        return state
    collection = replace(
        state.collection,
        scans={**state.collection.scans, **known},
        version=state.collection.version + 1,
    )
    return replace(state, collection=collection)


def _combine_failed(state: SessionState, action: r.CombineFailed) -> SessionState:
    if action.key != state.combine.key:
        return state
    combine = replace(state.combine, status="failed", problems=action.problems)
    export = state.export
    if export.status == "running":
        problem = action.problems[0] if action.problems else None
        export = replace(export, status="failed", problem=problem)
    return replace(state, combine=combine, export=export)


def _progressed(state: SessionState, task: Task) -> SessionState:
    known = [i for i, before in enumerate(state.tasks) if before.id == task.id]
    if not known:
        return replace(state, tasks=(*state.tasks, task))
    if state.tasks[known[0]].status != "running":
        # Cancelled a moment ago: the work has not noticed yet.
        return state
    tasks = (*state.tasks[: known[0]], task, *state.tasks[known[0] + 1 :])
    return replace(state, tasks=tasks)


def _ended(
    state: SessionState, task_id: str, status: Literal["cancelled", "done", "failed"]
) -> SessionState:
    tasks = [
        replace(task, status=status, eta=None)
        if task.id == task_id and task.status == "running"
        else task
        for task in state.tasks
    ]
    if tuple(tasks) == state.tasks:
        return state
    ended = [task for task in tasks if task.status != "running"]
    forgotten = frozenset(task.id for task in ended[:-_MAX_ENDED])
    return replace(state, tasks=tuple(task for task in tasks if task.id not in forgotten))
