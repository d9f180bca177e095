"""Answers to what the interface asks for: pages of lists, nodes, pictures of values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from zarrchive.combine.contents import dims_of, walk_arrays
from zarrchive.combine.texts import dtype_text
from zarrchive.errors import Problem, ZarrchiveError
from zarrchive.session.chunk_map import chunk_map
from zarrchive.session.failures import problem_of
from zarrchive.session.nodes import (
    array_card,
    children_of,
    find_array,
    find_group,
    group_card,
    refused_card,
    search,
)
from zarrchive.session.plain import plain, problem_json
from zarrchive.session.preview import Wanted, preview, preview_cost
from zarrchive.session.script import script_of
from zarrchive.session.views import problems_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zarrchive.manifests import ManifestGroup
    from zarrchive.session.state import SessionState
    from zarrchive.session.work import Work

__all__ = ["Answer", "answer"]

_MAX_ROWS: Final = 1000


@dataclass(frozen=True, slots=True)
class Answer:
    """A result with its buffers, or the Problem that stood in the way."""

    result: dict[str, Any] | None = None
    buffers: tuple[bytes, ...] = ()
    problem: Problem | None = None
    unsniffed: tuple[str, ...] = ()
    """Files of the page whose format is not known yet."""

    def message(self) -> dict[str, Any]:
        """Return the answer as the interface takes it, without buffers."""
        if self.problem is not None:
            return {"problem": problem_json(self.problem)}
        return {"result": self.result}


def answer(what: str, arguments: dict[str, Any], state: SessionState, work: Work) -> Answer:
    """Answer the query `what`; never raises."""
    query = _QUERIES.get(what)
    if query is None:
        return Answer(problem=_not_understood(what, f"this is not a query: {', '.join(_QUERIES)}"))
    try:
        found = query(arguments, state, work)
    except ZarrchiveError as error:
        return Answer(problem=error.problem)
    except _BadArgumentError as error:
        return Answer(problem=_not_understood(what, str(error)))
    except Exception as error:  # noqa: BLE001 - codecs and file systems may raise anything
        return Answer(problem=problem_of(error, str(arguments.get("url") or what)))
    return Answer(plain(found.result), found.buffers, found.problem, found.unsniffed)


def _files(arguments: dict[str, Any], state: SessionState, _work: Work) -> Answer:
    listing = state.listing
    page = [listing.entries[i] for i in _page(arguments, listing.shown)]
    rows = []
    for entry in page:
        sniff = state.sniffed.get(entry.url)
        problem = entry.problem or (None if sniff is None else sniff.problem)
        rows.append(
            {
                "url": entry.url,
                "name": entry.name,
                "kind": entry.kind,
                "size": entry.size,
                "modified": entry.modified,
                "format": None if sniff is None else sniff.format,
                "ticked": entry.url in state.collection.entries,
                "problem": None if problem is None else problem_json(problem),
            }
        )
    unsniffed = tuple(
        entry.url
        for entry in page
        if entry.kind == "file" and entry.problem is None and entry.url not in state.sniffed
    )
    result = {"version": listing.version, "start": _start(arguments), "rows": rows}
    return Answer(result, unsniffed=unsniffed)


def _tree(arguments: dict[str, Any], state: SessionState, work: Work) -> Answer:
    root = _root(arguments, state, work)
    path = _text(arguments, "path", "/")
    nodes = children_of(root, path, state.combine.unpicked)
    return Answer(problem=_no_node(path)) if nodes is None else Answer({"nodes": nodes})


def _search_tree(arguments: dict[str, Any], state: SessionState, work: Work) -> Answer:
    root = _root(arguments, state, work)
    text = _text(arguments, "text", "")
    return Answer({"nodes": search(root, text, state.combine.unpicked)})


def _node(arguments: dict[str, Any], state: SessionState, work: Work) -> Answer:
    root = _root(arguments, state, work)
    path = _text(arguments, "path", "/")
    group = find_group(root, path)
    if group is not None:
        return Answer(group_card(group, path))
    array = find_array(root, path)
    holder = find_group(root, path.rpartition("/")[0])
    problems = () if holder is None else holder.problems
    about = tuple(problem for problem in problems if problem.variable == path)
    if array is not None:
        picked = path not in state.combine.unpicked
        return Answer({**array_card(array, path, about), "picked": picked})
    return Answer(refused_card(path, about)) if about else Answer(problem=_no_node(path))


def _chunk_map(arguments: dict[str, Any], state: SessionState, work: Work) -> Answer:
    path = _text(arguments, "path")
    array = find_array(_root(arguments, state, work), path)
    if array is None:
        return Answer(problem=_no_node(path))
    picture, buffers = chunk_map(array)
    return Answer(picture, buffers)


def _preview(arguments: dict[str, Any], state: SessionState, work: Work) -> Answer:
    root = _root(arguments, state, work)
    path = _text(arguments, "path")
    if find_array(root, path) is None:
        return Answer(problem=_no_node(path))
    options = work.library.storage_options
    picture, buffer = preview(root, path, _choice(arguments), storage_options=options)
    return Answer(picture, (buffer,))


def _preview_cost(arguments: dict[str, Any], state: SessionState, work: Work) -> Answer:
    path = _text(arguments, "path")
    array = find_array(_root(arguments, state, work), path)
    if array is None:
        return Answer(problem=_no_node(path))
    cost = preview_cost(array, _choice(arguments))
    return Answer({"bytes": cost.nbytes, "chunks": cost.requests})


def _choice(arguments: dict[str, Any]) -> Wanted:
    index = arguments.get("index") or {}
    if not isinstance(index, dict):
        raise _BadArgumentError(f"'index' must be an object, found {index!r:.80}")
    return Wanted(
        x=_text(arguments, "x", "") or None,
        y=_text(arguments, "y", "") or None,
        index={dim: _whole(index, dim, 0) for dim in index},
    )


def _variables(arguments: dict[str, Any], state: SessionState, work: Work) -> Answer:
    combine = state.combine
    if arguments.get("of") == "result":
        return _variables_of_result(arguments, work.combined_group(combine.key), combine.version)
    rows = [
        {
            "path": row.path,
            "name": row.path.rpartition("/")[2],
            "dims": list(row.dims),
            "dtype": list(row.dtypes),
            "chunks": list(row.chunks),
            "present": row.present,
            "total": row.total,
            "picked": row.path not in combine.unpicked,
            "load": row.path in combine.loaded or row.is_coordinate,
            "coordinate": row.is_coordinate,
            "problems": row.problems,
        }
        for row in _page(arguments, combine.variables)
    ]
    result = {"version": combine.version, "total": len(combine.variables), "rows": rows}
    return Answer(result)


def _variables_of_result(arguments: dict[str, Any], root: ManifestGroup, version: int) -> Answer:
    found = list(walk_arrays(root))
    rows = [
        {
            "path": path,
            "name": path.rpartition("/")[2],
            "dims": list(dims_of(array)),
            "dtype": [dtype_text(array.dtype)],
            "shape": list(array.shape),
            "picked": True,
        }
        for path, array in _page(arguments, found)
    ]
    return Answer({"version": version, "total": len(found), "rows": rows})


def _problems(arguments: dict[str, Any], state: SessionState, _work: Work) -> Answer:
    found = problems_in(state)
    rows = [problem_json(problem) for problem in _page(arguments, found)]
    return Answer({"total": len(found), "rows": rows})


def _collection(arguments: dict[str, Any], state: SessionState, _work: Work) -> Answer:
    collection = state.collection
    rows = []
    for entry in _page(arguments, tuple(collection.entries.values())):
        sniff = state.sniffed.get(entry.url)
        rows.append(
            {
                "url": entry.url,
                "name": entry.name,
                "size": entry.size,
                "format": None if sniff is None else sniff.format,
                "status": _status(state, entry.url),
                "problem": _problem_of_file(state, entry.url),
            }
        )
    return Answer({"total": len(collection.entries), "rows": rows})


def _status(state: SessionState, url: str) -> str:
    scan = state.collection.scans.get(url)
    if scan is None:
        return "scanning" if state.combine.status == "scanning" else "waiting"
    if scan.status == "ok" and scan.problems:
        return "problems"
    return scan.status


def _problem_of_file(state: SessionState, url: str) -> dict[str, str] | None:
    """Return the first error of a file of the collection, else its first warning."""
    scan, sniff = state.collection.scans.get(url), state.sniffed.get(url)
    found = [] if scan is None else list(scan.problems)
    if sniff is not None and sniff.problem is not None:
        found.append(sniff.problem)
    found.sort(key=lambda problem: problem.severity != "error")
    return problem_json(found[0]) if found else None


def _script(_arguments: dict[str, Any], state: SessionState, work: Work) -> Answer:
    script = script_of(state, has_options=bool(work.library.storage_options))
    return Answer({"script": script})


_QUERIES: Final[dict[str, Callable[[dict[str, Any], Any, Any], Answer]]] = {
    "files": _files,
    "tree": _tree,
    "search_tree": _search_tree,
    "node": _node,
    "chunk_map": _chunk_map,
    "preview": _preview,
    "preview_cost": _preview_cost,
    "variables": _variables,
    "problems": _problems,
    "collection": _collection,
    "script": _script,
}


class _BadArgumentError(Exception):
    """An argument of a query is missing or of another type."""


def _text(arguments: dict[str, Any], name: str, default: str | None = None) -> str:
    value = arguments.get(name)
    value = default if value is None else value
    if not isinstance(value, str):
        raise _BadArgumentError(f"{name!r} must be a string, found {value!r:.80}")
    return value


def _whole(arguments: dict[str, Any], name: str, default: int) -> int:
    value = arguments.get(name)
    value = default if value is None else value
    if not isinstance(value, int | float) or value != value // 1:
        raise _BadArgumentError(f"{name!r} must be a whole number, found {value!r:.80}")
    return int(value)


def _start(arguments: dict[str, Any]) -> int:
    return max(0, _whole(arguments, "start", 0))


def _page(arguments: dict[str, Any], items: Sequence[Any]) -> Sequence[Any]:
    start = _start(arguments)
    count = min(_MAX_ROWS, max(0, _whole(arguments, "count", _MAX_ROWS)))
    return items[start : start + count]


def _root(arguments: dict[str, Any], state: SessionState, work: Work) -> ManifestGroup:
    """Return the hierarchy that a query is about; no URL means the combined dataset."""
    if arguments.get("url") is None:
        return work.combined_group(state.combine.key)
    return work.library.look(_text(arguments, "url"))


def _no_node(path: str) -> Problem:
    return Problem(
        code="node-missing",
        where="the file that is looked at",
        variable=path,
        what="there is no group or variable of this name",
        hint="choose one of the tree; if the file has changed, refresh",
    )


def _not_understood(what: str, reason: str) -> Problem:
    return Problem(
        code="query-not-understood",
        where=str(what)[:200],
        what=reason[:500],
        hint="reload the page; if it happens again, report it",
    )
