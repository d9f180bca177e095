"""State after an action: pure, without I/O, clock or exceptions."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, assert_never

from zarrchive.session import actions as a
from zarrchive.session import results as r
from zarrchive.session.listing_order import shown_entries
from zarrchive.session.reduce_results import reduce_result
from zarrchive.session.state import Location, Look

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from zarrchive.location.listing import FolderEntry
    from zarrchive.session.state import Collection, Combine, SessionState

__all__ = ["reduce"]

_MAX_RECENT: Final = 12
_SUFFIXES: Final = MappingProxyType(
    {"kerchunk-json": ".json", "kerchunk-parquet": ".parq", "icechunk": ".icechunk"}
)


def reduce(state: SessionState, action: r.Action) -> SessionState:
    """Return the state after `action`; the very same object if nothing changes."""
    if isinstance(action, r.InternalAction):
        return reduce_result(state, action)
    return _reduce_user(state, action)


def _reduce_user(state: SessionState, action: a.UserAction) -> SessionState:  # noqa: C901, PLR0911, PLR0912 - one line per action
    match action:
        case a.GoTo(step=step):
            return (
                state if step == state.step else _arrived(_with_a_file(replace(state, step=step)))
            )
        case a.OpenLocation(url=url):
            return _open_location(state, url)
        case a.FilterListing(text=text):
            return _show(state, filter=text)
        case a.SortListing(key=key, descending=descending):
            return _show(state, sort=key, descending=descending)
        case a.Tick(urls=urls, on=on):
            return _tick(state, urls, on=on)
        case a.TickAll(on=on):
            listing = state.listing
            return _tick(state, (listing.entries[i].url for i in listing.shown), on=on)
        case a.ClearCollection():
            return _collect(state, {})
        case a.LeaveOut(urls=urls):
            gone = frozenset(urls)
            kept = {u: e for u, e in state.collection.entries.items() if u not in gone}
            return _collect(state, kept)
        case a.LookAt(url=url):
            look = Look(file=url, node="/", status="loading", version=state.look.version + 1)
            return replace(state, look=look, step="look")
        case a.SelectNode(path=path):
            return replace(state, look=replace(state.look, node=path))
        case a.PickVariables(paths=paths, on=on):
            # The names of variables below a group are known to the plan and to the tree only;
            # both resolve groups before the action is reduced.
            unpicked = _with(state.combine.unpicked, paths, on=not on)
            return _replan(state, unpicked=unpicked)
        case a.SetLoad(paths=paths, on=on):
            return _replan(state, loaded=_with(state.combine.loaded, paths, on=on))
        case a.ChooseCombine():
            return _choose_combine(state, action)
        case a.Combine():
            return _combine(state)
        case a.ChooseExport():
            return _choose_export(state, action)
        case a.Export():
            return _export(state)
        case a.Cancel(task=task):
            return _cancel(state, task)
        case a.ClearTasks():
            running = tuple(task for task in state.tasks if task.status == "running")
            return replace(state, tasks=running, messages=())
        case a.Refresh():
            return _refresh(state)
        case _:
            assert_never(action)


def _open_location(state: SessionState, url: str) -> SessionState:
    before = state.location
    recent = before.recent
    if before.url and before.status == "ready" and before.url != url:
        recent = (before.url, *(place for place in recent if place != before.url))[:_MAX_RECENT]
    location = Location(url=url.strip(), recent=recent, status="loading", key=before.key + 1)
    return replace(state, location=location, step="files")


def _show(state: SessionState, **changes: Any) -> SessionState:  # noqa: ANN401 - fields of any type
    before = state.listing
    listing = replace(before, **changes)
    if listing == before:
        return state
    shown = shown_entries(listing, state.sniffed)
    return replace(state, listing=replace(listing, shown=shown, version=before.version + 1))


def _tick(state: SessionState, urls: Iterable[str], *, on: bool) -> SessionState:
    entries = dict(state.collection.entries)
    if not on:
        for url in urls:
            entries.pop(url, None)
        return _collect(state, entries)
    listed = {entry.url: entry for entry in state.listing.entries}
    for url in urls:
        entry = listed.get(url)
        if entry is not None and entry.kind == "file" and entry.problem is None:
            entries.setdefault(url, entry)
    return _collect(state, entries)


def _collect(state: SessionState, entries: Mapping[str, FolderEntry]) -> SessionState:
    before: Collection = state.collection
    if entries.keys() == before.entries.keys():
        return state
    scans = {url: scan for url, scan in before.scans.items() if url in entries}
    collection = replace(before, entries=entries, scans=scans, version=before.version + 1)
    state = replace(state, collection=collection)
    return _replan(state) if entries else _replan(state, variables=())


def _replan(state: SessionState, **changes: Any) -> SessionState:  # noqa: ANN401 - fields of any type
    """Forget the plan and its result; say whether a new one is being made."""
    before: Combine = state.combine
    if changes and replace(before, **changes) == before:
        return state
    combine = replace(
        before,
        **changes,
        key=before.key + 1,
        version=before.version + 1,
        status="idle",
        plan=None,
        result=None,
        problems=(),
    )
    export = replace(state.export, formats=(), status="idle", report=None, problem=None)
    return _arrived(replace(state, combine=combine, export=export))


def _with_a_file(state: SessionState) -> SessionState:
    """Look at the first file of the collection, where there is nothing to look at yet."""
    if state.step != "look" or state.look.file is not None or not state.collection.entries:
        return state
    first = next(iter(state.collection.entries))
    look = Look(file=first, node="/", status="loading", version=state.look.version + 1)
    return replace(state, look=look)


def _arrived(state: SessionState) -> SessionState:
    """Start planning where the step needs a plan and there is none."""
    wanted = state.step in {"combine", "export"} and state.collection.entries
    if not wanted or state.combine.status != "idle":
        return state
    return replace(state, combine=replace(state.combine, status="scanning"))


def _combine(state: SessionState) -> SessionState:
    if not state.collection.entries or state.combine.status == "running":
        return state
    return replace(state, combine=replace(state.combine, status="running", problems=()))


def _export(state: SessionState) -> SessionState:
    if not state.collection.entries or state.export.status == "running":
        return state
    if state.combine.status not in {"done", "running"}:
        state = _combine(state)
    return replace(state, export=replace(state.export, status="running", report=None, problem=None))


def _choose_combine(state: SessionState, action: a.ChooseCombine) -> SessionState:
    before = state.combine
    how = before.how if action.how is None else action.how
    dim = before.dim if action.dim is None else action.dim.strip()
    order = before.order if action.order is None else action.order
    repair = before.repair if action.repair is None else action.repair
    return _replan(state, how=how, dim=dim, order=order, repair=repair)


def _choose_export(state: SessionState, action: a.ChooseExport) -> SessionState:
    before = state.export
    chosen = before.format if action.format is None else action.format
    layout = before.zarr_format if action.zarr_format is None else action.zarr_format
    path = action.path.strip() or before.path
    suffix = _SUFFIXES[before.format]
    if path == before.path and chosen != before.format and path.endswith(suffix):
        path = path.removesuffix(suffix) + _SUFFIXES[chosen]
    export = replace(before, format=chosen, path=path, zarr_format=layout)
    if export == before:
        return state
    if export.zarr_format != before.zarr_format:
        export = replace(export, formats=())
    if before.status != "running":
        export = replace(export, status="idle", report=None, problem=None)
    return replace(state, export=export)


def _cancel(state: SessionState, task_id: str) -> SessionState:
    tasks = tuple(
        replace(task, status="cancelled", eta=None)
        if task.id == task_id and task.status == "running"
        else task
        for task in state.tasks
    )
    return state if tasks == state.tasks else replace(state, tasks=tasks)


def _refresh(state: SessionState) -> SessionState:
    collection = replace(state.collection, scans={}, version=state.collection.version + 1)
    state = replace(state, sniffed={}, collection=collection)
    look = state.look
    if look.file is not None:
        look = replace(look, status="loading", problem=None, version=look.version + 1)
    location = state.location
    if location.url:
        location = replace(location, status="loading", problem=None, key=location.key + 1)
    return _replan(replace(state, look=look, location=location))


def _with(items: frozenset[str], paths: Iterable[str], *, on: bool) -> frozenset[str]:
    return items | frozenset(paths) if on else items - frozenset(paths)
