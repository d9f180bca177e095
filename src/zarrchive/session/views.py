"""The state as the page shows it: one small JSON document; long lists are asked for in pages."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from zarrchive.errors import LocationError
from zarrchive.location import crumbs
from zarrchive.session.plain import plain, problem_json
from zarrchive.session.script import script_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from zarrchive.errors import Problem
    from zarrchive.session.state import SessionState
    from zarrchive.session.work import Work

__all__ = ["Views", "problems_in"]

_MAX_SHOWN_PROBLEMS: Final = 200
_SCRIPT_FILES: Final = 200


class Views:
    """Draws states; what is costly is kept while its part of the state stays the same."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[tuple[Any, ...], Any]] = {}

    def view_of(self, state: SessionState, work: Work) -> dict[str, Any]:
        """Return the `view` of the interface."""
        has_options = bool(work.library.storage_options)
        view = {
            "step": state.step,
            "location": _location(state),
            "listing": {
                "version": state.listing.version,
                "total": len(state.listing.entries),
                "shown": len(state.listing.shown),
                "files": self._once("files", (state.listing,), lambda: _n_files(state)),
                "filter": state.listing.filter,
                "sort": state.listing.sort,
                "descending": state.listing.descending,
            },
            "collection": self._once(
                "collection", (state.collection, state.sniffed), lambda: _collection(state)
            ),
            "look": {
                "file": state.look.file,
                "node": state.look.node,
                "version": state.look.version,
                "status": state.look.status,
                "problem": _problem(state.look.problem),
                "problems": len(state.look.problems),
            },
            "combine": self._once(
                "combine", (state.combine, state.collection), lambda: _combine(state)
            ),
            "export": _export(state),
            "tasks": [asdict(task) for task in state.tasks],
            "problems": self._once("problems", _problem_parts(state), lambda: _counts(state)),
            "script": self._once(
                "script",
                (state.location, state.collection, state.look, state.combine, state.export),
                lambda: script_of(state, has_options=has_options, most_files=_SCRIPT_FILES),
            ),
            "script_complete": len(state.collection.entries) <= _SCRIPT_FILES,
        }
        result: dict[str, Any] = plain(view)
        return result

    def _once(self, name: str, depends_on: tuple[Any, ...], draw: Callable[[], Any]) -> Any:  # noqa: ANN401
        kept = self._kept.get(name)
        if kept is not None and all(a is b for a, b in zip(kept[0], depends_on, strict=True)):
            return kept[1]
        drawn = draw()
        self._kept[name] = (depends_on, drawn)
        return drawn


def _n_files(state: SessionState) -> int:
    """Count what is shown and can be ticked."""
    entries = state.listing.entries
    shown = (entries[number] for number in state.listing.shown)
    return sum(entry.kind == "file" and entry.problem is None for entry in shown)


def problems_in(state: SessionState) -> list[Problem]:
    """Return every Problem that the state holds, each once, the most recent causes first."""
    found: dict[Problem, None] = {}
    location = state.location.problem
    alone = (location, state.look.problem, state.export.problem)
    found.update(dict.fromkeys(problem for problem in alone if problem is not None))
    found.update(dict.fromkeys(state.messages))
    found.update(dict.fromkeys(state.combine.problems))
    if state.combine.plan is not None:
        found.update(dict.fromkeys(f.problem for f in state.combine.plan.findings))
    for judged in state.export.formats:
        if judged.id == state.export.format:  # others need not fit
            found.update(dict.fromkeys(judged.problems))
    for scan in state.collection.scans.values():
        found.update(dict.fromkeys(scan.problems))
    found.update(dict.fromkeys(state.look.problems))
    for url in state.collection.entries:
        sniff = state.sniffed.get(url)
        if sniff is not None and sniff.problem is not None:
            found[sniff.problem] = None
    return list(found)


def _problem_parts(state: SessionState) -> tuple[Any, ...]:
    return (
        state.location,
        state.look,
        state.export,
        state.messages,
        state.combine,
        state.collection,
        state.sniffed,
    )


def _counts(state: SessionState) -> dict[str, int]:
    found = problems_in(state)
    versions = (state.collection.version, state.look.version, state.combine.version)
    return {
        "count": len(found),
        "errors": sum(problem.severity == "error" for problem in found),
        "version": sum(versions) + len(found) + len(state.messages),
    }


def _location(state: SessionState) -> dict[str, Any]:
    location = state.location
    return {
        "url": location.url,
        "crumbs": [{"label": label, "url": url} for label, url in _crumbs(location.url)],
        "recent": list(location.recent),
        "status": location.status,
        "problem": _problem(location.problem),
    }


def _crumbs(url: str) -> list[tuple[str, str]]:
    if not url:
        return []
    try:
        return crumbs(url)
    except LocationError:
        return [(url, url)]


def _collection(state: SessionState) -> dict[str, Any]:
    collection = state.collection
    sniffs = [state.sniffed.get(url) for url in collection.entries]
    formats = Counter(sniff.format or "unknown" for sniff in sniffs if sniff is not None)
    statuses = Counter(scan.status for scan in collection.scans.values())
    return {
        "version": collection.version,
        "count": len(collection.entries),
        "size": sum(entry.size or 0 for entry in collection.entries.values()),
        "formats": dict(formats.most_common()),
        "scanned": statuses["ok"] + statuses["failed"],
        "failed": statuses["failed"],
    }


def _combine(state: SessionState) -> dict[str, Any]:
    combine = state.combine
    plan = combine.plan
    variables = combine.variables
    picked = sum(row.path not in combine.unpicked for row in variables)
    return {
        "version": combine.version,
        "status": combine.status,
        "files": len(state.collection.entries),
        "nvariables": len(variables),
        "npicked": picked,
        "how": combine.how,
        "proposed": None if plan is None else plan.how,
        "dim": combine.dim or ("" if plan is None else plan.dim),
        "dims": [] if plan is None else list(plan.dims),
        "order": combine.order,
        "repair": combine.repair,
        "can_repair": plan is not None and plan.can_repair,
        "can_split": plan is not None and (plan.can_split or plan.split),
        "sentence": "" if plan is None else plan.sentence,
        "result": None if combine.result is None else asdict(combine.result),
        "problems": _combine_problems(state),
    }


def _combine_problems(state: SessionState) -> list[dict[str, Any]]:
    combine = state.combine
    findings = () if combine.plan is None else combine.plan.findings
    if combine.status == "done" and combine.plan is not None and combine.plan.repair:
        findings = tuple(one for one in findings if not one.may_be_repaired)  # they were
    shown = [
        {
            **problem_json(finding.problem),
            "files": list(finding.files),
            "remedies": [
                {"label": remedy.label, "action": dict(remedy.action)}
                for remedy in finding.remedies
            ],
        }
        for finding in findings[:_MAX_SHOWN_PROBLEMS]
    ]
    known = {finding.problem for finding in findings}
    others = [problem for problem in combine.problems if problem not in known]
    return [*map(problem_json, others[:_MAX_SHOWN_PROBLEMS]), *shown]


def _export(state: SessionState) -> dict[str, Any]:
    export = state.export
    return {
        "format": export.format,
        "zarr_format": export.zarr_format,
        "path": export.path,
        "formats": [
            {
                "id": judged.id,
                "label": judged.label,
                "says": judged.says,
                "problems": [problem_json(problem) for problem in judged.problems],
                "size": judged.size,
            }
            for judged in export.formats
        ],
        "status": export.status,
        "report": None if export.report is None else asdict(export.report),
        "problem": _problem(export.problem),
    }


def _problem(problem: Problem | None) -> dict[str, str] | None:
    return None if problem is None else problem_json(problem)
